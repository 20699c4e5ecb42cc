/* Two lanes beside each other: of two people, or of one person as two files or two models have them. Where both name an
   emotion, whether it is the same one; and how far their probabilities lie apart (total variation, 0 to 1). */

const COMPARE = $("compare-menu");
STATE.pair = null;
const SAME = 0, DIFFERENT = 1;
const PAIR_WORDS = { [SAME]: "same label", [DIFFERENT]: "different labels", [UNNAMED]: "one is not sure" };

/* The stretches in which both have a reading, as runs that `summed` knows how to add up. */
function pairRuns() {
  const [one, other] = STATE.pair.map((lane) => shown(lane).runs), rows = [];
  for (let i = 0, j = 0; i < one.count && j < other.count;) {
    const start = Math.max(one.start[i], other.start[j]), end = Math.min(one.end[i], other.end[j]), labels = [one.l[i], other.l[j]];
    if (end > start && !labels.includes(GAP)) rows.push([start, end, labels.includes(UNNAMED) ? UNNAMED : labels[0] === labels[1] ? SAME : DIFFERENT]);
    if (one.end[i] < other.end[j]) i++; else j++;
  }
  const column = (k, kind = Float64Array) => kind.from(rows, (row) => row[k]);
  return summed({ count: rows.length, start: column(0), end: column(1), l: column(2, Int8Array), n: new Uint8Array(rows.length).fill(1), r: null, reasons: [] });
}

/* For each step of the first lane how far the second one is from it, or -1. */
function distances() {
  const [one, other] = STATE.pair.map((lane) => shown(lane).fused);
  return Float32Array.from({ length: one.count }, (_, i) => {
    const j = stepAt(other, (one.start[i] + one.end[i]) / 2);
    if (j < 0 || one.l[i] === GAP || other.l[j] === GAP) return -1;
    let sum = 0;
    for (let k = 0; k < NAMES.length; k++) sum += Math.abs(probability(one, i, k) - probability(other, j, k));
    return sum / 2 / UNIT;
  });
}

let pairKey = "", pairMade = null;
function pairData() {
  const key = [...STATE.pair.map((lane) => LANES.indexOf(lane)), ...STATE.off].join();
  if (key !== pairKey) { pairKey = key; pairMade = { runs: pairRuns(), far: distances() }; }
  return pairMade;
}

const pairColour = (label) => (label === SAME ? THEME.accent : label === DIFFERENT ? THEME.second : THEME.hatch);
function drawPair(pen, width, height) {
  const { runs } = pairData(), low = new Float64Array(CLASSES.length), high = new Float64Array(CLASSES.length), wide = 2;
  secondsUpTo(runs, STATE.a, low);
  for (let from = 0; from < width; from += wide) {
    secondsUpTo(runs, STATE.a + (Math.min(width, from + wide) / width) * (STATE.b - STATE.a), high);
    const length = (Math.min(wide, width - from) / width) * (STATE.b - STATE.a);
    let base = height - 2;
    for (const label of [SAME, DIFFERENT, UNNAMED]) {
      const c = CLASSES.indexOf(label), tall = ((height - 4) * (high[c] - low[c])) / length;
      pen.fillStyle = pairColour(label);
      // Different labels leave a line free below: not by colour alone.
      if (tall > 0.01) pen.fillRect(from, base - tall, wide, label === DIFFERENT ? Math.max(0.5, tall - 5) : tall);
      base -= tall;
    }
    low.set(high);
  }
}

function drawDistance(pen, width, height) {
  const one = shown(STATE.pair[0]).fused, { far } = pairData(), x = scaleX(width), top = new Float32Array(width).fill(-1), room = height - 6, base = height - 3;
  for (let i = Math.max(0, before(one.start, STATE.a)); i < one.count && one.start[i] < STATE.b; i++) {
    if (far[i] < 0) continue;
    const from = Math.max(0, Math.floor(x(one.start[i]))), to = Math.min(width - 1, Math.ceil(x(one.end[i])) - 1);
    for (let column = from; column <= to; column++) top[column] = Math.max(top[column], far[i]);
  }
  gridLines(pen, width, 3, room, [0, 0.5, 1]);
  for (const [from, to, value] of runsIn(top)) {
    if (value < 0) continue;
    pen.fillStyle = THEME.soft;
    pen.globalAlpha = 0.35;
    pen.fillRect(from, base - room * value, to - from, room * value);
    pen.globalAlpha = 1;
    pen.fillRect(from, base - room * value - 0.5, to - from, 1.4);
  }
}

function pairRows() {
  if (!STATE.pair || STATE.pair.some((lane) => !lane.fused?.start)) return [];
  return [
    { kind: "pair", name: "Same label", note: "of both", height: 30, draw: drawPair },
    { kind: "far", name: "Difference", note: "0 to 1", height: 34, draw: drawDistance },
  ];
}

function pairLines(row, ms) {
  const { runs, far } = pairData(), at = stepAt(runs, ms), i = stepAt(shown(STATE.pair[0]).fused, ms);
  if (at < 0) return [el("div", {}, "not both are read here")];
  return [...STATE.pair.map((lane) => {
    const own = shown(lane).runs, j = stepAt(own, ms);
    return el("div", {}, `${lane.name}: ${j < 0 ? NO_EVIDENCE : className(own.l[j])}`);
  }), el("div", {}, row.kind === "pair" ? PAIR_WORDS[runs.l[at]] : i >= 0 && far[i] >= 0 ? far[i].toFixed(2) : "")];
}

/* In how much of the time that both name an emotion it is the same one. */
function pairSentence([a, b]) {
  const one = shown(STATE.pair[0]).fused, other = shown(STATE.pair[1]).fused, labels = [], seconds = [];
  for (let i = Math.max(0, before(one.start, a)); i < one.count && one.start[i] < b; i++) {
    const j = stepAt(other, (one.start[i] + one.end[i]) / 2);
    if (one.end[i] <= a || j < 0 || one.l[i] < 0 || other.l[j] < 0) continue;
    labels.push(one.l[i] === other.l[j] ? 1 : 0);
    seconds.push((one.end[i] - one.start[i]) / 1000);
  }
  const names = STATE.pair.map(laneName).join(" and ");
  if (!labels.length) return `${names}: no step in which both name an emotion.`;
  const total = seconds.reduce((sum, x) => sum + x, 0), value = seconds.reduce((sum, x, i) => sum + x * labels[i], 0) / total;
  if (total < SHORTEST) return `${names} have the same label in ${percent(value)} of n = ${counted(labels.length, "step")}, too few for an interval.`;
  const { pieces, freedom } = worth(labels, seconds, 1), [low, high] = wilson(value, pieces, student(freedom));
  return `${names} have the same label in ${spanText({ value, low, high })} of n = ${counted(labels.length, "step")} in which both name one.`;
}

function pairMenu() {
  const lanes = LANES.filter((lane) => lane.runs.count);
  if (lanes.length < 2) { COMPARE.closest("details").hidden = true; return; }
  const choice = (place) => {
    const menu = el("select", { "aria-label": place ? "with" : "Compare" }, el("option", { value: "" }, "nobody"), ...lanes.map((lane) => el("option", { value: String(LANES.indexOf(lane)), selected: STATE.pair?.[place] === lane }, lane.name)));
    menu.onchange = () => {
      const two = [...COMPARE.querySelectorAll("select")].map((one) => (one.value === "" ? null : LANES[Number(one.value)]));
      STATE.pair = two[0] && two[1] && two[0] !== two[1] ? two : null;
      build();
      if (PANEL.childElementCount) showSelection();
    };
    return menu;
  };
  COMPARE.replaceChildren(el("div", { className: "person-row" }, choice(0), "with", choice(1)));
}

/* A page that was given a second file begins with it beside the first. */
function pairAtStart() {
  const second = LANES.find((lane) => lane.beside && lane.runs.count), own = LANES.filter((lane) => !lane.beside && lane.runs.count);
  const first = own.find((lane) => lane.person === second?.beside) ?? own[0];
  if (first && second) STATE.pair = [first, second];
}
on("names", pairMenu);
