/* Shares of a stretch with their intervals: Wilson's, at the number of independent pieces.

   Neighbouring steps resemble each other. With r, how much more often they have one label than chance has it, n steps
   are worth n (1 - r) / (1 + r) pieces; where only one label occurs r is unknown, and 0.9 is assumed. */

const Z = 1.959964, UNKNOWN_R = 0.9;

function wilson(share, n) {
  if (!(n > 0)) return [0, 1];
  const z2 = Z * Z, centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/* What one lane says between two times: milliseconds of each class, steps read, pieces, changes from label to label. */
function stretchOf(lane, a, b) {
  const { runs } = shown(lane), ms = millisecondsOf(runs, a, b);
  const counts = new Float64Array(8), changes = new Map();
  let same = 0, pairs = 0, last = null, named = null;
  for (let i = Math.max(0, before(runs.start, a)); i < runs.count && runs.start[i] < b; i++) {
    const inside = Math.min(runs.end[i], b) - Math.max(runs.start[i], a);
    if (inside <= 0) continue;
    if (runs.l[i] === GAP) { last = named = null; continue; }
    const n = Math.max(1, Math.round((runs.n[i] * inside) / Math.max(1, runs.end[i] - runs.start[i])));
    counts[runs.l[i] === UNNAMED ? 7 : runs.l[i]] += n;
    same += n - 1;
    pairs += n - 1;
    if (last !== null && runs.start[i] - last < 2) pairs += 1; else named = null;
    if (runs.l[i] !== UNNAMED) {
      if (named !== null && named !== runs.l[i]) {
        const key = `${named},${runs.l[i]}`;
        changes.set(key, (changes.get(key) ?? 0) + 1);
      }
      named = runs.l[i];
    }
    last = runs.end[i];
  }
  const n = counts.reduce((sum, count) => sum + count, 0);
  const chance = counts.reduce((sum, count) => sum + (n ? (count / n) ** 2 : 0), 0);
  const r = pairs && chance < 1 ? Math.min(0.98, Math.max(0, (same / pairs - chance) / (1 - chance))) : UNKNOWN_R;
  return { ms, n, pieces: n ? Math.max(1, (n * (1 - r)) / (1 + r)) : 0, changes };
}

/* The same of several lanes together. */
function stretch(lanes, a, b) {
  const sum = { ms: new Float64Array(CLASSES.length), n: 0, pieces: 0, changes: new Map() };
  for (const lane of lanes) {
    const one = stretchOf(lane, a, b);
    one.ms.forEach((value, c) => { sum.ms[c] += value; });
    sum.n += one.n;
    sum.pieces += one.pieces;
    for (const [key, count] of one.changes) sum.changes.set(key, (sum.changes.get(key) ?? 0) + count);
  }
  sum.read = sum.ms.slice(0, 8).reduce((total, value) => total + value, 0);
  return sum;
}

/* The share of class `c` of the time read, with its interval; null where nothing was read. */
function shareOf(part, c) {
  if (!part.read) return null;
  const value = part.ms[c] / part.read, [low, high] = wilson(value, part.pieces);
  return { value, low: Math.min(low, value), high: Math.max(high, value) };
}

/* The difference of two shares with its interval: square-and-add of both (Newcombe 1998, Stat. Med. 17, 873-890). */
function difference(one, other) {
  const value = other.value - one.value;
  const low = value - Math.hypot(other.value - other.low, one.high - one.value);
  const high = value + Math.hypot(other.high - other.value, one.value - one.low);
  return { value, low: Math.max(-1, low), high: Math.min(1, high) };
}

const spanText = (part) => `${percent(part.value)} (${Math.round(100 * part.low)} to ${Math.round(100 * part.high)} %)`;
const signedPoints = (share) => `${share < 0 ? "−" : "+"}${Math.abs(Math.round(100 * share))}`;
