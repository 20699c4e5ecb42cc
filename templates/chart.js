/* The lanes: rows of name and canvas on one time axis, one playhead over all of them. */

const CHART = $("chart");
const OVER = el("div", { className: "over" });
const HEAD = el("div", { className: "head" }), CROSS = el("div", { className: "cross", hidden: true });
const BRUSH = el("div", { className: "brush", hidden: true }), TIP = el("div", { className: "tip", hidden: true });
OVER.append(HEAD, CROSS, BRUSH);
let ROWS = [];

function zoom(a, b) {
  const span = Math.min(DATA.duration, Math.max(200, b - a));
  STATE.a = Math.max(0, Math.min(a, DATA.duration - span));
  STATE.b = STATE.a + span;
  $("zoom-out").disabled = span >= DATA.duration;
  const overview = ROWS.find((row) => row.kind === "overview");
  if (overview) for (const node of [overview.label, overview.strip]) node.hidden = span >= DATA.duration;
  tell("view");
}

function zoomBy(factor, centre = STATE.time) {
  const inside = centre >= STATE.a && centre <= STATE.b ? centre : (STATE.a + STATE.b) / 2;
  zoom(inside - (inside - STATE.a) * factor, inside + (STATE.b - inside) * factor);
}

function plan() {
  const rows = [];
  if (DATA.shots.length) rows.push({ kind: "shots", name: "Shots", height: 46, draw: drawShots });
  for (const lane of shownLanes()) {
    const heightOf = STATE.mode === "curves" ? 7 * 25 : 62;
    const parts = ["face", "voice", "text"].filter((part) => shownModality(part) && (lane[part].count || lane[part].gaps.length));
    if (lane.fused.count) {
      rows.push({ kind: "fused", lane, parts, height: heightOf, draw: (pen, w, h) => (STATE.mode === "curves" ? drawCurves : drawRibbon)(pen, lane.fused, w, h) });
    }
    if (STATE.open.has(lane) || !lane.fused.count) {
      for (const part of parts) {
        const owner = lane.fused.count ? "" : laneName(lane);
        rows.push({ kind: "part", lane, part, owner, name: MODALITY_WORDS[part], height: 32, draw: (pen, w, h) => drawReadings(pen, lane[part], w, h) });
      }
    }
  }
  if (DATA.loudness.length && shownModality("voice")) rows.push({ kind: "speech", name: "Speech", note: "loudness; bar: speech", height: 36, draw: drawSpeech });
  if (DATA.words.length && shownModality("text")) rows.push({ kind: "words", name: "Transcript", height: 38, draw: drawWords });
  if (DATA.lanes.some((lane) => lane.fused.d.some((d) => d >= 0))) {
    rows.push({ kind: "disagreement", name: "Disagreement", note: "0 to 1, between modalities", height: 36, draw: drawDisagreement });
  }
  if (DATA.events.length) rows.push({ kind: "events", name: "Events", height: 26, draw: drawEvents });
  rows.push({ kind: "axis", name: "", height: 22, draw: drawAxis });
  rows.push({ kind: "overview", name: "Whole file", height: 22, draw: drawOverview });
  return rows;
}

function nameCell(row) {
  const cell = el("div", { className: row.kind === "part" && !row.owner ? "name sub" : "name" });
  if (row.kind !== "fused") {
    if (row.owner) cell.append(el("bdi", { className: "person", title: row.owner }, row.owner));
    cell.append(row.name);
    if (row.note) cell.append(el("small", {}, row.note));
    return cell;
  }
  const { lane, parts } = row, open = STATE.open.has(lane);
  if (lane.thumbnail) {
    cell.classList.add("who");
    cell.append(el("img", { src: lane.thumbnail, alt: "" }));
  }
  cell.append(el("bdi", { className: "person", title: laneName(lane) }, laneName(lane)));
  if (parts.length) {
    const toggle = el("button", { className: "plain", type: "button", "aria-expanded": String(open) }, open ? "fold in" : parts.map((part) => MODALITY_WORDS[part]).join(", "));
    toggle.onclick = () => { if (open) STATE.open.delete(lane); else STATE.open.add(lane); build(); };
    cell.append(toggle);
  }
  return cell;
}

function build() {
  ROWS = plan();
  CHART.replaceChildren();
  for (const row of ROWS) {
    row.canvas = el("canvas", { role: "img", "aria-label": `${row.lane ? `${laneName(row.lane)}, ` : ""}${row.name || (row.kind === "axis" ? "time axis" : "fused reading")}; the tables below hold the numbers` });
    row.strip = el("div", { className: row.kind === "part" ? "strip sub" : "strip" }, row.canvas);
    row.label = nameCell(row);
    row.canvas.style.height = `${row.height}px`;
    CHART.append(row.label, row.strip);
  }
  CHART.append(OVER, TIP);
  zoom(STATE.a, STATE.b);
}

const laneWidth = () => Math.max(1, Math.floor(OVER.clientWidth));

function drawRow(row, width) {
  const ratio = window.devicePixelRatio || 1, canvas = row.canvas;
  const wide = Math.round(width * ratio), tall = Math.round(row.height * ratio);
  if (canvas.width !== wide || canvas.height !== tall) { canvas.width = wide; canvas.height = tall; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, row.height);
  pen.font = FONT;
  pen.textAlign = "left";
  pen.lineWidth = 1;
  row.draw(pen, width, row.height, drawAll);
}

function drawNow() {
  const width = laneWidth();
  for (const row of ROWS) if (!row.strip.hidden) drawRow(row, width);
  placeHead();
}

let waiting = 0;
function drawAll() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawNow);
}

function placeHead() {
  const place = ((STATE.time - STATE.a) / (STATE.b - STATE.a)) * laneWidth();
  HEAD.style.transform = `translateX(${place - 1}px)`;
  HEAD.hidden = place < -1 || place > laneWidth() + 1;
}

function followHead() {
  if (STATE.time > STATE.b || STATE.time < STATE.a) {
    const span = STATE.b - STATE.a;
    zoom(STATE.time - span * 0.05, STATE.time + span * 0.95);
  }
  placeHead();
  const overview = ROWS.find((row) => row.kind === "overview");
  if (overview && !overview.strip.hidden) drawRow(overview, laneWidth());
}

/* Pointer: a click seeks (or goes to the event under it), a drag zooms, a double click shows everything. */
let grip = null;
const rowOf = (target) => ROWS.find((row) => row.strip === target.closest?.(".strip"));
const placeOf = (event) => Math.max(0, Math.min(laneWidth(), event.clientX - OVER.getBoundingClientRect().left));
const timeOf = (place) => STATE.a + (place / laneWidth()) * (STATE.b - STATE.a);

function eventNear(place, reach = 8) {
  const x = scaleX(laneWidth());
  let best = null;
  for (const event of DATA.events) {
    if (!shownPerson(event[2])) continue;
    const off = Math.abs(x(event[0]) - place);
    if (off <= reach && (!best || off < best.off)) best = { off, event };
  }
  return best?.event ?? null;
}

CHART.addEventListener("pointerdown", (event) => {
  const row = rowOf(event.target);
  if (!row || event.button) return;
  grip = { row, from: placeOf(event), moved: false };
  row.strip.setPointerCapture(event.pointerId);
});

CHART.addEventListener("pointermove", (event) => {
  const row = grip?.row ?? rowOf(event.target);
  CROSS.hidden = !row;
  if (!row) { TIP.hidden = true; return; }
  const place = placeOf(event);
  CROSS.style.left = `${place}px`;
  if (grip && row.kind === "overview") { panTo(place); return; }
  if (grip && Math.abs(place - grip.from) > 5) {
    grip.moved = true;
    BRUSH.hidden = false;
    BRUSH.style.left = `${Math.min(place, grip.from)}px`;
    BRUSH.style.width = `${Math.abs(place - grip.from)}px`;
  }
  showTip(row, place, event);
});

CHART.addEventListener("pointerup", (event) => {
  if (!grip) return;
  const { row, from, moved } = grip, place = placeOf(event);
  grip = null;
  BRUSH.hidden = true;
  if (row.kind === "overview") panTo(place);
  else if (moved) zoom(timeOf(Math.min(from, place)), timeOf(Math.max(from, place)));
  else seek(row.kind === "events" && eventNear(place) ? eventNear(place)[0] : timeOf(place));
});
CHART.addEventListener("pointercancel", () => { grip = null; BRUSH.hidden = true; });
CHART.addEventListener("pointerleave", () => { CROSS.hidden = TIP.hidden = true; });
CHART.addEventListener("dblclick", (event) => { if (rowOf(event.target)) zoom(0, DATA.duration); });
CHART.addEventListener("wheel", (event) => {
  const place = placeOf(event), span = STATE.b - STATE.a;
  if (event.ctrlKey) zoomBy(Math.exp(event.deltaY / 300), timeOf(place));
  else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) zoom(STATE.a + (event.deltaX / laneWidth()) * span, STATE.b + (event.deltaX / laneWidth()) * span);
  else return;
  event.preventDefault();
}, { passive: false });

function panTo(place) {
  const centre = (place / laneWidth()) * DATA.duration, half = (STATE.b - STATE.a) / 2;
  zoom(centre - half, centre + half);
}

function readingLines(columns, i) {
  return ranked(columns, i).slice(0, 3).map((k) => {
    const band = columns.s ? ` ±${decimal(columns.s[7 * i + k])}` : "";
    return el("div", {}, el("span", { className: "chip", style: { "--c": `var(--${NAMES[k]})`, "--pat": `var(--pat-${NAMES[k]})` } }, `${NAMES[k]} ${decimal(columns.p[7 * i + k])}${band}`));
  });
}

function tipLines(row, place) {
  const ms = timeOf(place);
  if (row.kind === "events") {
    const found = eventNear(place);
    if (!found) return [];
    const [time, kind, person, emotion, detail, thumbnail] = found;
    const head = [clock(time), kind, person, emotion >= 0 ? NAMES[emotion] : null].filter((part) => part !== null).join(" · ");
    return [el("b", {}, head), thumbnail ? el("img", { src: thumbnail, alt: "" }) : null, el("div", {}, detail)];
  }
  const head = el("b", {}, clock(ms));
  if (row.kind === "fused") {
    const fused = row.lane.fused, i = stepAt(fused, ms);
    if (i < 0) return [head, el("div", {}, spansAt(fused.gaps, ms)[0]?.[2] ?? "no reading")];
    if (fused.l[i] === GAP) return [head, el("div", {}, `no evidence: ${fused.reasons[fused.r[i]] || "no reading"}`)];
    const reason = fused.l[i] === UNNAMED ? el("div", {}, fused.reasons[fused.r[i]] || "too weak to name") : null;
    return [head, ...readingLines(fused, i), reason];
  }
  if (row.kind === "part") {
    const columns = row.lane[row.part], i = stepAt(columns, ms), gap = spansAt(columns.gaps, ms)[0];
    if (i < 0) return [head, el("div", {}, gap ? `no ${row.name}: ${gap[2]}` : `no ${row.name} reading here`)];
    const flags = columns.flags[columns.f[i]];
    return [head, ...readingLines(columns, i), el("div", {}, `quality ${(columns.q[i] / 100).toFixed(2)}${flags ? ` (${flags})` : ""}`)];
  }
  if (row.kind === "words") return [head, ...spansAt(DATA.words, ms).filter((said) => shownPerson(said[3])).map((said) => el("div", { dir: "auto" }, said[2]))];
  if (row.kind === "disagreement") {
    return [head, ...shownLanes().map((lane) => {
      const i = stepAt(lane.fused, ms);
      return i >= 0 && lane.fused.d[i] >= 0 ? el("div", {}, `${laneName(lane)}: ${decimal(lane.fused.d[i])}`) : null;
    })];
  }
  if (row.kind === "speech") {
    const i = Math.max(0, Math.min(DATA.loudness.length / 2 - 1, Math.round(ms / Math.max(1, (DATA.loudness[2] ?? 500) - DATA.loudness[0]))));
    return [head, el("div", {}, `${DATA.loudness[2 * i + 1]} dBFS, ${spansAt(DATA.speech, ms).length ? "speech" : "no speech"}`)];
  }
  return [head];
}

function showTip(row, place, event) {
  const lines = tipLines(row, place);
  TIP.hidden = !lines.length;
  if (!lines.length) return;
  TIP.replaceChildren(...lines.filter((line) => line !== null));
  const box = CHART.getBoundingClientRect();
  const left = event.clientX - box.left, wide = TIP.offsetWidth;
  TIP.style.left = `${Math.max(0, left + 14 + wide > box.width ? left - wide - 14 : left + 14)}px`;
  const tall = TIP.offsetHeight, below = event.clientY + tall + 20 < innerHeight;
  TIP.style.top = `${event.clientY - box.top + (below ? 16 : -tall - 12)}px`;
}

on("view", drawAll);
on("time", followHead);
on("filter", build);
