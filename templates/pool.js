/* A modality that is switched off is taken out of the fusion: what is left is pooled again, as mer_batch/fusion/pool.py
   does it, from the readings and weights that the page has. Intervals are not made anew, so there are none. */

const LEAST = 1e-4, SMOOTHING = [0.25, 0.5, 0.25];

/* How much a reading over [start, end) says of the step [a, b): see `kernel` in mer_batch/fusion/align.py. */
function kernel(start, end, a, b) {
  const length = end - start, width = b - a;
  if (length <= 0) return a <= start && start < b ? 1 : 0;
  const overlap = Math.min(end, b) - Math.max(start, a);
  if (overlap <= 0) return 0;
  const part = Math.min(1, overlap / Math.min(length, width));
  if (length <= width) return part;
  return part * (1 - (Math.abs(start + end - a - b) / 2 / ((length + width) / 2)) ** 2);
}

/* The mean of the logarithms of a modality's readings in a step, or null where it has none. */
function opinion(columns, a, b) {
  const logs = new Float64Array(NAMES.length);
  let total = 0;
  for (let i = Math.max(0, before(columns.end, a)); i < columns.count && columns.start[i] < b; i++) {
    const weight = kernel(columns.start[i], columns.end[i], a, b) * columns.q[i];
    if (weight <= 0) continue;
    total += weight;
    for (let k = 0; k < logs.length; k++) logs[k] += weight * Math.log(Math.max(LEAST, probability(columns, i, k) / UNIT));
  }
  return total > 0 ? normal(logs.map((log) => log / total)) : null;
}

/* Logarithms of a distribution that sums to one. */
function normal(logs) {
  const top = Math.max(...logs);
  const total = Math.log(logs.reduce((sum, log) => sum + Math.exp(log - top), 0)) + top;
  return logs.map((log) => log - total);
}

function pooledStep(lane, i) {
  const { fused } = lane, logs = new Float64Array(NAMES.length), weights = [0, 0, 0];
  let total = 0;
  PARTS.forEach((part, m) => {
    const weight = fused.w[m * fused.count + i];
    const own = weight && shownModality(part) ? opinion(lane[part], fused.start[i], fused.end[i]) : null;
    if (!own) return;
    weights[m] = weight;
    total += weight;
    own.forEach((log, k) => { logs[k] += weight * log; });
  });
  return total ? { logs: normal(logs.map((log) => log / total)), weights: weights.map((w) => Math.round((100 * w) / total)) } : null;
}

function pooledLane(lane) {
  const { fused } = lane, n = fused.count, cuts = new Set(DATA.shots.map((shot) => shot[0]));
  const steps = Array.from({ length: n }, (_, i) => pooledStep(lane, i));
  const made = { count: n, start: fused.start, end: fused.end, p: new Uint8Array(7 * n), w: new Uint8Array(3 * n), d: fused.d, l: new Int8Array(n), s: null };
  const joined = (i, j) => j >= 0 && j < n && steps[j] && (i === j || (Math.abs(fused.end[Math.min(i, j)] - fused.start[Math.max(i, j)]) < 2 && !cuts.has(fused.start[Math.max(i, j)])));
  for (let i = 0; i < n; i++) {
    if (!steps[i]) { made.l[i] = GAP; continue; }
    const logs = new Float64Array(7);
    for (const j of [i - 1, i, i + 1]) if (joined(i, j)) steps[j].logs.forEach((log, k) => { logs[k] += SMOOTHING[j - i + 1] * log; });
    const share = [i - 1, i, i + 1].reduce((sum, j) => sum + (joined(i, j) ? SMOOTHING[j - i + 1] : 0), 0);
    normal(logs.map((log) => log / share)).forEach((log, k) => { made.p[k * n + i] = Math.round(UNIT * Math.exp(log)); });
    steps[i].weights.forEach((weight, m) => { made.w[m * n + i] = weight; });
    const [first, second] = ranked(made, i), lead = probability(made, i, first) - probability(made, i, second);
    made.l[i] = probability(made, i, first) < DATA.abstain * UNIT || lead < halfWidth(fused, i, first) ? UNNAMED : first;
  }
  return { fused: made, runs: runsOf(made, lane.runs) };
}

/* The labels of the steps as runs; what had no evidence before has none now. */
function runsOf(steps, old) {
  const rows = [];
  for (let i = 0; i < old.count; i++) if (old.l[i] === GAP) rows.push([old.start[i], old.end[i], GAP, 1, old.r[i]]);
  for (let i = 0; i < steps.count; i++) rows.push([steps.start[i], steps.end[i], steps.l[i], 1, old.reasons.length]);
  rows.sort((one, other) => one[0] - other[0]);
  const kept = [];
  for (const row of rows) {
    const last = kept[kept.length - 1];
    if (last && last[2] === row[2] && row[0] - last[1] < 2 && last[4] === row[4]) { last[1] = row[1]; last[3]++; } else kept.push([...row]);
  }
  const column = (k, kind = Float64Array) => kind.from(kept, (row) => row[k]);
  return summed({ count: kept.length, start: column(0), end: column(1), l: column(2, Int8Array), n: column(3), r: column(4), reasons: [...old.reasons, `only in ${[...STATE.off].map((part) => MODALITY_WORDS[part]).join(" and ")}, which is switched off`] });
}

/* What a lane shows now: as analysed, or pooled again. */
function shown(lane) {
  if (!lane.fused?.count || !STATE.off.size) return lane;
  const key = [...STATE.off].sort().join();
  if (lane.pooledFor !== key) { lane.pooledFor = key; lane.pooled = pooledLane(lane); }
  return lane.pooled;
}
