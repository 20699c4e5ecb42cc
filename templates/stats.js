/* Shares of a stretch with their intervals, as the tables have them: see `share_of_steps` in mer_batch/scores/steps.py. */

const Z = 1.959964, SHORTEST = 10, LASTING = 10, UNSEEN = 1.5, LEAST_FREEDOM = 2, MOST_LAGS = 2000;

/* Wilson's interval of a share of n independent items, which need not be a whole number. */
function wilson(value, n, quantile) {
  const square = quantile ** 2 / n, middle = (value + square / 2) / (1 + square);
  const reach = Math.sqrt(value * (1 - value) * square + square ** 2 / 4) / (1 + square);
  return [value > 0 ? Math.max(0, middle - reach) : 0, value < 1 ? Math.min(1, middle + reach) : 1];
}

/* The 97.5 % point of Student's t: Hill (1970), "Algorithm 396", Communications of the ACM 13, 619-620. */
function student(freedom) {
  if (!Number.isFinite(freedom)) return Z;
  if (freedom <= 2) return 4.302653;
  const n = freedom, a = 1 / (n - 0.5), b = (48 / a) / a, c0 = ((20700 * a) / b - 98) * a - 16;
  const c = c0 * a + 96.36, d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * n;
  let y = (d * 0.05) ** (2 / n);
  if (y > 0.05 + a) {
    let x = -Z, own = c;
    y = x * x;
    if (n < 5) own += 0.3 * (n - 4.5) * (x + 0.6);
    own = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + own;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / own - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * ((n + 1) / (n + 2)) + 1 / y;
  return Math.sqrt(n * y);
}

/* The steps that count as one independent one, and the lags that were summed up: Geyer's initial monotone sequence. */
function correlation(flags) {
  const n = flags.length, mean = flags.reduce((sum, flag) => sum + flag, 0) / n, moved = Float64Array.from(flags, (flag) => flag - mean);
  const covariance = (lag) => { let sum = 0; for (let i = lag; i < n; i++) sum += moved[i] * moved[i - lag]; return sum; };
  const own = covariance(0);
  let total = 0, least = Infinity, stop = 0;
  for (; 2 * stop + 1 < Math.min(n, MOST_LAGS); stop++) {
    const pair = (stop ? covariance(2 * stop) : own) + covariance(2 * stop + 1);
    if (pair <= own * 1e-12) break;
    least = Math.min(least, pair);
    total += least;
  }
  return { steps: Math.min(n, Math.max(1, stop ? (2 * total - own) / own : 1)), window: Math.max(1, 2 * stop) };
}

function markov(flags) {
  let off = 0, on = 0, left = 0, came = 0;
  for (let i = 0; i + 1 < flags.length; i++) {
    if (flags[i]) { on++; if (!flags[i + 1]) left++; } else { off++; if (flags[i + 1]) came++; }
  }
  const stays = Math.min(1 - 1e-6, Math.max(0, 1 - (left + 0.5) / (on + 1) - (came + 0.5) / (off + 1)));
  return (1 + stays) / (1 - stays);
}

/* What the steps of one class are worth: independent pieces, and degrees of freedom. */
function worth(labels, seconds, label) {
  const total = seconds.reduce((sum, one) => sum + one, 0), n = total ** 2 / seconds.reduce((sum, one) => sum + one * one, 0);
  const flags = Uint8Array.from(labels, (one) => (one === label ? 1 : 0));
  let changes = 0;
  for (let i = 1; i < flags.length; i++) if (flags[i] !== flags[i - 1]) changes++;
  if (!changes) return { pieces: Math.max(1, Math.min(n, total / LASTING)), freedom: Infinity };
  const found = correlation(flags), lasting = Math.max(found.steps, Math.min(markov(flags), UNSEEN * found.steps));
  return { pieces: Math.max(1, n / lasting - 1), freedom: Math.max(LEAST_FREEDOM, Math.min(flags.length / found.window, changes)) };
}

/* The steps of one lane that were read between two times, and how often the label changed. */
function stretchOf(lane, a, b) {
  const { runs } = shown(lane), labels = [], seconds = [], changes = new Map();
  let last = null, named = null;
  for (let i = Math.max(0, before(runs.start, a)); i < runs.count && runs.start[i] < b; i++) {
    const inside = Math.min(runs.end[i], b) - Math.max(runs.start[i], a);
    if (inside <= 0) continue;
    if (runs.l[i] === GAP) { last = named = null; continue; }
    const n = Math.max(1, Math.round((runs.n[i] * inside) / Math.max(1, runs.end[i] - runs.start[i])));
    for (let step = 0; step < n; step++) { labels.push(runs.l[i]); seconds.push(inside / 1000 / n); }
    if (last === null || runs.start[i] - last > 2) named = null;
    if (runs.l[i] !== UNNAMED) {
      if (named !== null && named !== runs.l[i]) {
        const key = `${named},${runs.l[i]}`;
        changes.set(key, (changes.get(key) ?? 0) + 1);
      }
      named = runs.l[i];
    }
    last = runs.end[i];
  }
  return { ms: millisecondsOf(runs, a, b), labels, seconds, changes };
}

/* The same of several lanes together: people are independent of each other. */
function stretch(lanes, a, b) {
  const sum = { ms: new Float64Array(CLASSES.length), n: 0, lanes: [], changes: new Map() };
  for (const lane of lanes) {
    const one = stretchOf(lane, a, b);
    one.ms.forEach((value, c) => { sum.ms[c] += value; });
    sum.n += one.labels.length;
    if (one.labels.length) sum.lanes.push(one);
    for (const [key, count] of one.changes) sum.changes.set(key, (sum.changes.get(key) ?? 0) + count);
  }
  sum.read = sum.ms.slice(0, 8).reduce((total, value) => total + value, 0);
  return sum;
}

/* The share of class `c` of the time read, with its interval where there are seconds enough; null without any. */
function shareOf(part, c) {
  if (!part.read) return null;
  const value = part.ms[c] / part.read;
  if (part.read < 1000 * SHORTEST - 1) return { value, low: null, high: null };
  let pieces = 0, freedom = 0;
  for (const lane of part.lanes) {
    const own = worth(lane.labels, lane.seconds, CLASSES[c]);
    pieces += own.pieces;
    freedom += own.freedom;
  }
  const [low, high] = wilson(value, pieces, student(freedom));
  return { value, low, high };
}

/* The difference of two shares with its interval: square-and-add of both (Newcombe 1998, Stat. Med. 17, 873-890). */
function difference(one, other) {
  const value = other.value - one.value;
  if (one.low === null || other.low === null) return { value, low: null, high: null };
  const low = value - Math.hypot(other.value - other.low, one.high - one.value);
  const high = value + Math.hypot(other.high - other.value, one.value - one.low);
  return { value, low: Math.max(-1, low), high: Math.min(1, high) };
}

const spanText = (part) => (part.low === null ? percent(part.value) : `${percent(part.value)} (${Math.round(100 * part.low)} to ${Math.round(100 * part.high)} %)`);
const signedPoints = (share) => `${share < 0 ? "−" : "+"}${Math.abs(Math.round(100 * share))}`;
