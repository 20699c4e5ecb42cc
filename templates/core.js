"use strict";
/* What every part of the page needs: the data as typed columns, time texts, colours, small DOM helpers. */

const DATA = JSON.parse(document.getElementById("timeline-data").textContent);
const NAMES = DATA.emotions.map((emotion) => emotion.name);
const COLOURS = DATA.emotions.map((emotion) => emotion.colour);
const MODALITY_WORDS = { face: "face", voice: "voice", text: "words" };
const GAP = -2, UNNAMED = -1;
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

const decimal = (permille) => (permille / 1000).toFixed(2);
const laneName = (lane) => lane.person ?? DATA.nobody;

/* Columns come as (gap, length) pairs: see mer_batch/report/lanes.py. */
function unpack(columns) {
  const count = columns.t.length / 2;
  const start = new Float64Array(count), end = new Float64Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    start[i] = at += columns.t[2 * i];
    end[i] = at += columns.t[2 * i + 1];
  }
  return Object.assign(columns, { count, start, end });
}

for (const lane of DATA.lanes) for (const part of ["fused", "face", "voice", "text"]) unpack(lane[part]);

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

/* Places of the emotions in step `i`, the most probable first. */
function ranked(columns, i) {
  return NAMES.map((_, k) => k).sort((a, b) => columns.p[7 * i + b] - columns.p[7 * i + a]);
}

/* Spans as [start, end, ...] rows that hold `ms`. */
function spansAt(spans, ms) {
  return spans.filter((span) => span[0] <= ms && ms < span[1]);
}

/* Colours of the page as the reader prefers them, for canvases and plots. */
const THEME = {};
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["page", "sunk", "ink", "soft", "line", "grid", "accent", "hatch", "gap", "scale"]) {
    THEME[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

/* Black or white, whichever reads better on an emotion's colour (WCAG contrast). */
function inkOn(hex) {
  const channel = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * channel[0] + 0.7152 * channel[1] + 0.0722 * channel[2];
  return 1.05 / (light + 0.05) > (light + 0.05) / 0.05 ? "#fff" : "#000";
}

/* One pattern an emotion, so that no reading rests on colour alone; the same tiles serve canvas and CSS. */
const TILES = ["/", "\\", ".", "", "-", "|", "x"].map((shape, k) => {
  const tile = el("canvas", { width: 8, height: 8 }), pen = tile.getContext("2d");
  pen.strokeStyle = pen.fillStyle = inkOn(COLOURS[k]);
  pen.globalAlpha = 0.34;
  pen.lineWidth = 1.2;
  const line = (...points) => { pen.beginPath(); pen.moveTo(points[0], points[1]); pen.lineTo(points[2], points[3]); pen.stroke(); };
  if (shape === "/" || shape === "x") for (const d of [-8, 0, 8]) line(d - 1, 9, d + 9, -1);
  if (shape === "\\" || shape === "x") for (const d of [-8, 0, 8]) line(d - 1, -1, d + 9, 9);
  if (shape === "-") line(0, 4, 8, 4);
  if (shape === "|") line(4, 0, 4, 8);
  if (shape === ".") for (const [x, y] of [[2, 2], [6, 6]]) { pen.beginPath(); pen.arc(x, y, 1.2, 0, 7); pen.fill(); }
  document.documentElement.style.setProperty(`--pat-${NAMES[k]}`, `url(${tile.toDataURL()})`);
  return tile;
});

/* Every part subscribes to what it shows; times are milliseconds. */
const STATE = { time: 0, a: 0, b: Math.max(1, DATA.duration), mode: "ribbon", open: new Set(), people: new Set(), modalities: new Set() };
const LISTENERS = { time: [], view: [], filter: [] };
const on = (what, call) => LISTENERS[what].push(call);
const tell = (what) => LISTENERS[what].forEach((call) => call());
const shownLanes = () => DATA.lanes.filter((lane) => !STATE.people.has(laneName(lane)));
const shownPerson = (person) => person === null || !STATE.people.has(person);
const shownModality = (modality) => !STATE.modalities.has(modality);
