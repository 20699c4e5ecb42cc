/* The whole file, always there: what was named in it, the place that plays, and a brush for what the lanes show. */

const OVERVIEW = $("overview");
const SCRUB = el("div", { className: "scrub", role: "slider", tabindex: "0", "aria-label": "Position in the recording", "aria-valuemin": "0", "aria-valuemax": String(Math.round(DATA.duration / 100) / 10) });
const WHOLE = el("canvas", { "aria-hidden": "true" }), PLACE = el("div", { className: "place" });
const RAIL = el("div", { className: "rail" });
const THUMB = el("div", { className: "thumb", role: "slider", tabindex: "0", "aria-label": "Stretch that the lanes show", title: "Drag to move; drag an end to zoom", "aria-valuemin": "0", "aria-valuemax": String(Math.round(DATA.duration / 100) / 10) });
const ENDS = ["a", "b"].map((end) => el("i", { className: `end ${end}` }));
const TALL = 34;
SCRUB.append(WHOLE, PLACE);
THUMB.append(...ENDS);
RAIL.append(THUMB);
OVERVIEW.append(el("div", { className: "name" }, "Whole file", el("small", {}, "share of the time")), el("div", { className: "whole" }, SCRUB, RAIL));

let WHOLE_WIDTH = 0;
const wholeWidth = () => (WHOLE_WIDTH ||= Math.max(1, Math.floor(SCRUB.clientWidth)));
let wholeKey = "";
/* One row a person, of what was named in every few pixels; drawn again only when that changes. */
function drawWhole() {
  const width = wholeWidth(), lanes = shownLanes().filter((lane) => lane.runs.count);
  const key = [width, THEME.page, [...STATE.off], lanes.map((lane) => LANES.indexOf(lane)), window.devicePixelRatio].join("|");
  if (key === wholeKey) return;
  wholeKey = key;
  WHOLE.style.height = `${TALL}px`;
  const pen = prepared(WHOLE, width, TALL), tall = TALL / Math.max(1, lanes.length);
  pen.fillStyle = THEME.sunk;
  pen.fillRect(0, 0, width, TALL);
  lanes.forEach((lane, n) => drawMosaic(pen, shown(lane).runs, n * tall, tall - (lanes.length > 1 ? 1 : 0), width, 0, Math.max(1, DATA.duration), 1));
}

function placeWhole() {
  const share = (ms) => `${(100 * ms) / Math.max(1, DATA.duration)}%`;
  PLACE.style.left = share(STATE.time);
  THUMB.style.left = share(STATE.a);
  THUMB.style.width = share(STATE.b - STATE.a);
  SCRUB.setAttribute("aria-valuenow", String(Math.round(STATE.time / 100) / 10));
  SCRUB.setAttribute("aria-valuetext", clock(STATE.time));
  THUMB.setAttribute("aria-valuenow", String(Math.round(STATE.a / 100) / 10));
  THUMB.setAttribute("aria-valuetext", `${clock(STATE.a)} to ${clock(STATE.b)}`);
}

const wholeTime = (event) => Math.max(0, Math.min(1, (event.clientX - SCRUB.getBoundingClientRect().left) / wholeWidth())) * DATA.duration;
SCRUB.addEventListener("pointerdown", (event) => { if (event.button) return; SCRUB.setPointerCapture(event.pointerId); seek(wholeTime(event)); });
SCRUB.addEventListener("pointermove", (event) => { if (SCRUB.hasPointerCapture(event.pointerId)) seek(wholeTime(event)); });

let brushing = null;
RAIL.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  const at = wholeTime(event), end = ENDS.indexOf(event.target);
  if (event.target === RAIL) { const half = (STATE.b - STATE.a) / 2; zoom(at - half, at + half); }
  brushing = { at, a: STATE.a, b: STATE.b, end };
  RAIL.setPointerCapture(event.pointerId);
});
RAIL.addEventListener("pointermove", (event) => {
  if (!brushing) return;
  const { at, a, b, end } = brushing, by = wholeTime(event) - at;
  if (end === 0) zoom(Math.max(0, Math.min(a + by, b - 200)), b);
  else if (end === 1) zoom(a, Math.min(DATA.duration, Math.max(b + by, a + 200)));
  else zoom(a + by, b + by);
});
for (const name of ["pointerup", "pointercancel"]) RAIL.addEventListener(name, () => { brushing = null; });
THUMB.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key], span = STATE.b - STATE.a;
  if (!way) return;
  zoom(STATE.a + way * span * 0.1, STATE.b + way * span * 0.1);
  event.preventDefault();
  event.stopPropagation();
});

on("view", placeWhole);
on("time", placeWhole);
on("filter", () => { drawWhole(); placeWhole(); });
