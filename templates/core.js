"use strict";
/* What every part of the page needs: the data as typed columns, shares of time, times in words, small DOM helpers. */

const ROOT = document.documentElement;
ROOT.classList.add("js");
const DATA = JSON.parse(document.getElementById("timeline-data").textContent);
const NAMES = DATA.emotions.map((emotion) => emotion.name);
const COLOURS = DATA.emotions.map((emotion) => emotion.colour);
const MODALITY_WORDS = { face: "face", voice: "voice", text: "words" };
const PARTS = Object.keys(MODALITY_WORDS);
const GAP = -2, UNNAMED = -1, NONE = -3, UNIT = 250;
const CLASSES = [0, 1, 2, 3, 4, 5, 6, UNNAMED, GAP];
const NOT_SURE = "not sure", NO_EVIDENCE = "no evidence";
const className = (label) => (label >= 0 ? NAMES[label] : label === UNNAMED ? NOT_SURE : NO_EVIDENCE);
const $ = (id) => document.getElementById(id);

/* Text from media, names and transcripts only ever becomes a text node, never markup. */
function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "style") for (const [name, text] of Object.entries(value)) node.style.setProperty(name, text);
    else if (key in node && key !== "list") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function clock(ms, digits = 1) {
  const unit = 10 ** digits;
  const total = Math.round((ms / 1000) * unit) / unit;
  const hours = Math.floor(total / 3600), minutes = Math.floor((total % 3600) / 60);
  const seconds = (total % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

const decimal = (units) => (units / UNIT).toFixed(2);
const percent = (share) => (share > 0 && share < 0.005 ? "< 1 %" : share >= 0.995 && share < 1 ? "> 99 %" : `${Math.round(100 * share)} %`);
const counted = (n, one, many = `${one}s`) => `${String(n).replace(/\B(?=(\d{3})+$)/g, ",")} ${n === 1 ? one : many}`;

/* Blocks of columns: see mer_batch/report/pack.py. */
const KINDS = { i4: Int32Array, i2: Int16Array, i1: Int8Array, u1: Uint8Array };
async function unpack(parts) {
  const bytes = Uint8Array.from(atob(parts.block), (letter) => letter.charCodeAt(0));
  delete parts.block;
  const raw = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  let at = 0;
  for (const kind of Object.keys(KINDS)) {
    for (const part of Object.values(parts)) {
      for (const [name, [own, rows, wide]] of Object.entries(part.columns)) {
        if (own !== kind) continue;
        part[name] = new KINDS[kind](raw, at, rows * wide);
        part.count = rows;
        at += part[name].byteLength;
      }
    }
  }
  for (const part of Object.values(parts)) {
    const n = part.count;
    part.start = new Float64Array(n);
    part.end = new Float64Array(n);
    for (let i = 0, time = 0; i < n; i++) {
      part.start[i] = time += part.t[i];
      part.end[i] = time += part.t[n + i];
    }
  }
  return parts;
}

/* Seconds of each class up to each run, so that the shares of any stretch are two look-ups (bins.py does the same). */
function summed(runs) {
  const sums = CLASSES.map(() => new Float64Array(runs.count + 1));
  const steps = new Float64Array(runs.count + 1);
  for (let i = 0; i < runs.count; i++) {
    const length = runs.end[i] - runs.start[i], at = CLASSES.indexOf(runs.l[i]);
    for (let c = 0; c < CLASSES.length; c++) sums[c][i + 1] = sums[c][i] + (c === at ? length : 0);
    steps[i + 1] = steps[i] + (runs.l[i] === GAP ? 0 : runs.n[i]);
  }
  return Object.assign(runs, { sums, steps });
}

function secondsUpTo(runs, ms, into) {
  const i = before(runs.start, ms);
  for (let c = 0; c < CLASSES.length; c++) into[c] = i < 0 ? 0 : runs.sums[c][i];
  if (i >= 0) into[CLASSES.indexOf(runs.l[i])] += Math.min(ms, runs.end[i]) - runs.start[i];
  return into;
}

/* Milliseconds of each class between two times. */
function millisecondsOf(runs, a, b) {
  const low = secondsUpTo(runs, a, new Float64Array(CLASSES.length));
  const high = secondsUpTo(runs, b, new Float64Array(CLASSES.length));
  return high.map((value, c) => value - low[c]);
}

/* The last index whose start is not after `ms`, or -1. */
function before(start, ms) {
  let low = 0, high = start.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start[middle] <= ms) low = middle + 1; else high = middle;
  }
  return low - 1;
}

function stepAt(columns, ms) {
  const i = before(columns.start, ms);
  return i >= 0 && (ms < columns.end[i] || (ms >= DATA.duration && i === columns.count - 1)) ? i : -1;
}

/* Probability of emotion `k` in step `i`, in UNITs: columns stand one after the other. */
const probability = (columns, i, k) => columns.p[k * columns.count + i];
const halfWidth = (columns, i, k) => (columns.s ? columns.s[k * columns.count + i] : 0);

/* Places of the emotions in step `i`, the most probable first. */
function ranked(columns, i) {
  return NAMES.map((_, k) => k).sort((a, b) => probability(columns, i, b) - probability(columns, i, a));
}

/* The most probable one. */
function leader(columns, i) {
  let best = 0;
  for (let k = 1; k < NAMES.length; k++) if (columns.p[k * columns.count + i] > columns.p[best * columns.count + i]) best = k;
  return best;
}

/* Spans as [start, end, ...] rows that hold `ms`. */
const spansAt = (spans, ms) => spans.filter((span) => span[0] <= ms && ms < span[1]);

/* The rows of a list in order of time that can touch [a, b]; none is longer than `longest`. */
const longestOf = (rows) => rows.reduce((most, row) => Math.max(most, row[1] - row[0]), 0);
function rowsBetween(rows, a, b, longest) {
  const found = [];
  for (let i = firstAfter(rows, a - longest); i < rows.length && rows[i][0] < b; i++) if (rows[i][1] > a) found.push(rows[i]);
  return found;
}
function firstAfter(rows, ms) {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] < ms) low = middle + 1; else high = middle;
  }
  return low;
}

/* Why an unnamed step has no name: the same rule as `decide` in mer_batch/fusion/pool.py. */
function whyUnnamed(columns, i) {
  const [first, second] = ranked(columns, i), sure = probability(columns, i, first);
  if (sure < DATA.abstain * UNIT) return `${NOT_SURE}: ${NAMES[first]} ${decimal(sure)} is below ${DATA.abstain.toFixed(2)}`;
  return `${NOT_SURE}: ${NAMES[first]} ${decimal(sure)} and ${NAMES[second]} ${decimal(probability(columns, i, second))} are too close`;
}

/* The 95 % interval of a probability, inside 0 and 1: its half-width carried over to the scale of log odds. */
function bounds(p, half) {
  if (p <= 0 || p >= 1 || half <= 0) return [Math.max(0, p - half), Math.min(1, p + half)];
  const wide = half / (p * (1 - p)), odds = Math.log(p / (1 - p)), back = (x) => 1 / (1 + Math.exp(-x));
  return [back(odds - wide), back(odds + wide)];
}

/* Every part subscribes to what it shows; times are milliseconds. `off` are modalities taken out of the fusion. */
const STATE = {
  time: 0, a: 0, b: Math.max(1, DATA.duration), mode: "ribbon", open: new Set(), people: new Set(), off: new Set(),
  first: null, second: null, who: "",
};
const LISTENERS = { time: [], view: [], filter: [], selection: [], names: [] };
const on = (what, call) => LISTENERS[what].push(call);
const tell = (what) => LISTENERS[what].forEach((call) => call());
const LANES = DATA.lanes;
for (const lane of LANES) Object.assign(lane, await unpack(lane.labels));
for (const lane of LANES) { lane.labels = null; summed(lane.runs); lane.name = lane.person ?? DATA.nobody; }
const laneName = (lane) => lane.name;
const laneOf = (person) => LANES.find((lane) => lane.person === person);
const personName = (person) => (person === null ? "" : laneOf(person)?.name ?? person);
const shownLanes = () => LANES.filter((lane) => !STATE.people.has(lane));
const shownPerson = (person) => person === null || !STATE.people.has(laneOf(person));
const shownModality = (modality) => !STATE.off.has(modality);
