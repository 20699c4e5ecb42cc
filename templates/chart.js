/* The lanes: rows of name and canvas on one time axis, one playhead over all of them. */

const CHART = $("chart");
const OVER = el("div", { className: "over" });
const HEAD = el("div", { className: "head" }), CROSS = el("div", { className: "cross", hidden: true });
const MARKED = { first: el("div", { className: "picked", hidden: true }), second: el("div", { className: "picked second", hidden: true }) };
const TIP = el("div", { className: "tip", hidden: true, role: "status" });
OVER.append(MARKED.first, MARKED.second, HEAD, CROSS);
let ROWS = [];

function zoom(a, b) {
  const span = Math.min(Math.max(1, DATA.duration), Math.max(200, b - a));
  STATE.a = Math.max(0, Math.min(a, DATA.duration - span));
  STATE.b = STATE.a + span;
  $("zoom-out").disabled = span >= DATA.duration;
  tell("view");
}

function zoomBy(factor, centre = STATE.time) {
  const inside = centre >= STATE.a && centre <= STATE.b ? centre : (STATE.a + STATE.b) / 2;
  zoom(inside - (inside - STATE.a) * factor, inside + (STATE.b - inside) * factor);
}

const hasReadings = (part) => part?.count || part?.gaps?.length;
function plan() {
  const rows = [{ kind: "axis", name: "", height: 19, draw: (pen, w, h) => drawAxis(pen, w, h) }];
  const lanes = shownLanes(), crowd = lanes.filter((lane) => lane.runs.count).length > 3;
  const many = STATE.mode === "curves" ? 7 * 24 : crowd ? 46 : 58;
  if (DATA.shots.length > 1 || DATA.shots.some((shot) => shot[2])) rows.push({ kind: "shots", name: "Shots", height: DATA.shots.some((shot) => shot[2]) ? 40 : 18, draw: drawShots });
  for (const lane of lanes) {
    const parts = PARTS.filter((part) => hasReadings(lane[part]));
    if (lane.runs.count) {
      rows.push({ kind: "fused", lane, parts, height: many, draw: (pen, w, h) => (STATE.mode === "curves" ? drawCurves : drawRibbon)(pen, lane, w, h) });
    }
    if (STATE.open.has(lane) || !lane.runs.count) {
      for (const part of parts) {
        const owner = lane.runs.count ? "" : lane.name, off = !shownModality(part);
        rows.push({ kind: "part", lane, part, owner, name: MODALITY_WORDS[part], note: off ? "taken out" : "", height: 32, draw: (pen, w, h) => { pen.globalAlpha = 1; drawReadings(pen, lane[part], w, h); } });
      }
    }
  }
  rows.push(...pairRows());
  if (DATA.loudness.levels.length) rows.push({ kind: "speech", name: "Speech", note: "loudness; bar: speech", height: 34, draw: drawSpeech });
  if (DATA.words.length) rows.push({ kind: "words", name: "Words", height: 36, draw: drawWords });
  if (lanes.some((lane) => lane.fused?.d?.some((d) => d !== 255))) {
    rows.push({ kind: "disagreement", name: "Disagreement", note: "0 to 1, between modalities", height: 34, draw: drawDisagreement });
  }
  if (DATA.events.length) rows.push({ kind: "events", name: "Events", height: 26, draw: drawEvents });
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
  if (lane.colour) cell.style.setProperty("box-shadow", `inset 3px 0 ${lane.colour}`);
  if (lane.colour) cell.classList.add("coloured");
  cell.append(el("bdi", { className: "person", title: lane.name }, lane.name));
  if (parts.length) {
    const toggle = el("button", { className: "plain", type: "button", "aria-expanded": String(open), "aria-label": `${lane.name}: ${open ? "fold in" : "unfold"} ${parts.map((part) => MODALITY_WORDS[part]).join(", ")}` }, open ? "fold in" : parts.map((part) => MODALITY_WORDS[part]).join(", "));
    toggle.onclick = () => { if (open) STATE.open.delete(lane); else STATE.open.add(lane); build(); };
    cell.append(toggle);
  }
  return cell;
}

const rowName = (row) => `${row.lane ? `${laneName(row.lane)}, ` : ""}${row.name || (row.kind === "axis" ? "time axis" : "fused reading")}`;
function build() {
  const focused = ROWS.findIndex((row) => row.strip === document.activeElement);
  ROWS = plan();
  CHART.replaceChildren();
  for (const row of ROWS) {
    row.canvas = el("canvas", { "aria-hidden": "true" });
    row.strip = el("div", { className: row.kind === "part" ? "strip sub" : "strip" }, row.canvas);
    if (row.kind !== "axis") {
      for (const [name, value] of [["role", "slider"], ["tabindex", "0"], ["aria-label", rowName(row)], ["aria-valuemin", "0"], ["aria-valuemax", String(Math.round(DATA.duration / 100) / 10)], ["aria-valuenow", String(Math.round(STATE.time / 100) / 10)]]) row.strip.setAttribute(name, value);
      row.strip.setAttribute("aria-valuetext", clock(STATE.time));
    }
    row.label = nameCell(row);
    row.canvas.style.height = `${row.height}px`;
    CHART.append(row.label, row.strip);
  }
  CHART.append(OVER, TIP);
  if (focused > 0) ROWS[Math.min(focused, ROWS.length - 1)].strip.focus();
  zoom(STATE.a, STATE.b);
}

/* Asked of the layout when it may have changed, not in every frame. */
let WIDTH = 0;
const laneWidth = () => (WIDTH ||= Math.max(1, Math.floor(OVER.clientWidth)));

function prepared(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1, wide = Math.round(width * ratio), tall = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== tall) { canvas.width = wide; canvas.height = tall; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = FONT;
  pen.textAlign = "left";
  pen.lineWidth = 1;
  pen.globalAlpha = 1;
  return pen;
}

function drawNow() {
  const width = laneWidth();
  for (const row of ROWS) row.draw(prepared(row.canvas, width, row.height), width, row.height, drawAll);
  placeHead();
  placeMarks();
  showScale(width);
}

/* What the lanes are drawn as at this zoom: shares in a column, or one step after the other. */
function showScale(width) {
  const lane = shownLanes().find((one) => one.fused?.count), note = $("legend-note");
  if (!note || !lane) return;
  const own = wideEnough(lane.fused, width);
  note.textContent = own ? "height: probability, pale: 95 % interval" : "height: share of the time; zoom in for probabilities";
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

function placeMarks() {
  const x = scaleX(laneWidth());
  for (const name of ["first", "second"]) {
    const span = STATE[name], node = MARKED[name];
    node.hidden = !span || span[1] < STATE.a || span[0] > STATE.b;
    if (node.hidden) continue;
    node.style.left = `${x(span[0])}px`;
    node.style.width = `${Math.max(1, x(span[1]) - x(span[0]))}px`;
    node.dataset.name = STATE.second ? (name === "first" ? "A" : "B") : "";
  }
}

function followHead() {
  if (STATE.time > STATE.b || STATE.time < STATE.a) {
    const span = STATE.b - STATE.a;
    zoom(STATE.time - span * 0.05, STATE.time + span * 0.95);
  }
  placeHead();
}

/* Pointer: a click seeks (or goes to the event under it), a drag selects, a double click shows everything. */
let grip = null;
const rowOf = (target) => ROWS.find((row) => row.strip === target.closest?.(".strip"));
const placeOf = (event) => Math.max(0, Math.min(laneWidth(), event.clientX - OVER.getBoundingClientRect().left));
const timeOf = (place) => STATE.a + (place / laneWidth()) * (STATE.b - STATE.a);

function eventNear(place, reach = 8) {
  const x = scaleX(laneWidth());
  let best = null;
  for (const event of eventsInView()) {
    const off = Math.abs(x(event[0]) - place);
    if (off <= reach && (!best || off < best.off)) best = { off, event };
  }
  return best?.event ?? null;
}

CHART.addEventListener("pointerdown", (event) => {
  const row = rowOf(event.target);
  if (!row || event.button) return;
  grip = { row, from: placeOf(event), moved: false, name: event.shiftKey && STATE.first ? "second" : "first", before: { first: STATE.first, second: STATE.second } };
  row.strip.setPointerCapture(event.pointerId);
});

CHART.addEventListener("pointermove", (event) => {
  const row = grip?.row ?? rowOf(event.target);
  CROSS.hidden = !row;
  if (!row) { TIP.hidden = true; return; }
  const place = placeOf(event);
  CROSS.style.left = `${place}px`;
  if (grip && Math.abs(place - grip.from) > 5) grip.moved = true;
  if (grip?.moved) { STATE[grip.name] = [timeOf(Math.min(place, grip.from)), timeOf(Math.max(place, grip.from))]; placeMarks(); }
  showTip(row, place, event);
});

CHART.addEventListener("pointerup", (event) => {
  if (!grip) return;
  const { row, from, moved, name } = grip, place = placeOf(event);
  grip = null;
  if (moved) select(name, timeOf(Math.min(from, place)), timeOf(Math.max(from, place)));
  else seek(row.kind === "events" && eventNear(place) ? eventNear(place)[0] : timeOf(place));
  // A finger leaves no pointer behind: what it touched is told until the next touch.
  if (event.pointerType === "touch") showTip(row, place, event);
});
CHART.addEventListener("pointercancel", () => { if (grip?.moved) { Object.assign(STATE, grip.before); placeMarks(); } grip = null; });
CHART.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") CROSS.hidden = TIP.hidden = true; });
document.addEventListener("pointerdown", (event) => { if (!CHART.contains(event.target)) CROSS.hidden = TIP.hidden = true; });
CHART.addEventListener("dblclick", (event) => { if (rowOf(event.target)) zoom(0, DATA.duration); });
CHART.addEventListener("wheel", (event) => {
  const place = placeOf(event), span = STATE.b - STATE.a;
  if (event.ctrlKey) zoomBy(Math.exp(event.deltaY / 300), timeOf(place));
  else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) zoom(STATE.a + (event.deltaX / laneWidth()) * span, STATE.b + (event.deltaX / laneWidth()) * span);
  else return;
  event.preventDefault();
}, { passive: false });

/* Keyboard: in a lane, arrows go from step to step and from lane to lane; what stands there is the lane's value. */
CHART.addEventListener("keydown", (event) => {
  const row = rowOf(event.target), way = { ArrowLeft: -1, ArrowRight: 1 }[event.key], up = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!row || event.target !== row.strip || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (way) {
    const columns = row.part ? row.lane[row.part] : row.lane ? shown(row.lane).fused ?? row.lane.runs : null;
    const starts = columns?.count ? columns.start : row.kind === "words" ? DATA.words.map((said) => said[0]) : row.kind === "events" ? DATA.events.map((one) => one[0]) : null;
    const at = starts ? before(starts, STATE.time + 0.5) : 0, next = starts?.[way > 0 ? at + 1 : starts[at] < STATE.time - 1 ? at : at - 1];
    seek(next ?? STATE.time + way * 1000);
  } else if (up) {
    const strips = ROWS.filter((one) => one.kind !== "axis").map((one) => one.strip), to = strips.indexOf(row.strip) + up;
    strips[to]?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
  readOut();
});
CHART.addEventListener("focusin", readOut);

function readOut() {
  const row = rowOf(document.activeElement ?? document.body);
  if (!row || row.strip !== document.activeElement) return;
  row.strip.setAttribute("aria-valuenow", String(Math.round(STATE.time / 100) / 10));
  row.strip.setAttribute("aria-valuetext", tipLines(row, ((STATE.time - STATE.a) / (STATE.b - STATE.a)) * laneWidth()).filter(Boolean).map((line) => line.textContent).join(", "));
}

function readingLines(columns, i) {
  return ranked(columns, i).slice(0, 3).map((k) => {
    const p = probability(columns, i, k) / UNIT, [low, high] = columns.s ? bounds(p, halfWidth(columns, i, k) / UNIT) : [];
    return el("div", {}, chip(k, `${NAMES[k]} ${p.toFixed(2)}${columns.s ? ` (${low.toFixed(2)} – ${high.toFixed(2)})` : ""}`));
  });
}

function reasonAt(runs, ms) {
  const i = stepAt(runs, ms);
  if (i >= 0 && runs.l[i] === GAP) return runs.reasons[runs.r[i]] || NO_EVIDENCE;
  return i >= 0 ? "" : runs.count && ms < runs.start[0] ? "not there yet" : runs.count ? "no longer there" : NO_EVIDENCE;
}

/* The shares of the time under a few pixels of the pointer. */
function shareLines(runs, ms) {
  const half = ((STATE.b - STATE.a) / laneWidth()) * 4, part = millisecondsOf(runs, ms - half, ms + half);
  return CLASSES.map((label, c) => [label, part[c] / (2 * half)]).filter(([, share]) => share > 0.005).sort((x, y) => y[1] - x[1]).slice(0, 4)
    .map(([label, share]) => el("div", {}, chip(label, `${className(label)} ${percent(share)}`)));
}

function fusedLines(row, ms) {
  const { fused, runs } = shown(row.lane);
  if (!fused?.start || !wideEnough(fused, laneWidth())) return shareLines(runs, ms);
  const i = stepAt(fused, ms), reason = reasonAt(runs, ms);
  if (i < 0 || fused.l[i] === GAP) return [el("div", {}, `${NO_EVIDENCE}: ${reason}`)];
  return [...readingLines(fused, i), fused.l[i] === UNNAMED ? el("div", {}, whyUnnamed(fused, i)) : null];
}

function tipLines(row, place) {
  const ms = timeOf(place), head = el("b", {}, clock(ms));
  if (row.kind === "events") {
    const found = eventNear(place);
    if (!found) return [];
    const [time, kind, person, emotion, detail, thumbnail] = found;
    const title = [clock(time), kind, personName(person) || null, emotion >= 0 ? NAMES[emotion] : null].filter((part) => part !== null).join(" · ");
    return [el("b", {}, title), thumbnail ? el("img", { src: thumbnail, alt: "" }) : null, el("div", {}, renamed(detail))];
  }
  if (row.kind === "fused") return [head, ...fusedLines(row, ms)];
  if (row.kind === "pair" || row.kind === "far") return [head, ...pairLines(row, ms)];
  if (row.kind === "part") {
    const columns = row.lane[row.part], i = stepAt(columns, ms), gap = spansAt(columns.gaps, ms)[0];
    if (i < 0) return [head, el("div", {}, gap ? `no ${row.name}: ${gap[2]}` : `no ${row.name} reading here`)];
    const flags = columns.flags[columns.f[i]];
    return [head, ...readingLines(columns, i), el("div", {}, `quality ${(columns.q[i] / 100).toFixed(2)}${flags ? ` (${flags})` : ""}`)];
  }
  if (row.kind === "words") return [head, ...spansAt(rowsBetween(DATA.words, ms, ms + 1, LONGEST_WORDS), ms).filter((said) => shownPerson(said[3])).slice(0, 3).map((said) => el("div", { dir: "auto" }, said[2]))];
  if (row.kind === "disagreement") {
    return [head, ...shownLanes().map((lane) => {
      const i = lane.fused ? stepAt(lane.fused, ms) : -1;
      return i >= 0 && lane.fused.d[i] !== 255 ? el("div", {}, `${laneName(lane)}: ${decimal(lane.fused.d[i])}`) : null;
    })];
  }
  if (row.kind === "speech") {
    const { start, step, levels } = DATA.loudness, i = Math.max(0, Math.min(levels.length - 1, Math.round((ms - start) / step)));
    return [head, el("div", {}, `${levels[i]} dBFS, ${spansAt(DATA.speech, ms).length ? "speech" : "no speech"}`)];
  }
  return [head];
}

function showTip(row, place, event) {
  const lines = tipLines(row, place).filter((line) => line !== null);
  TIP.hidden = !lines.length;
  if (!lines.length) return;
  TIP.replaceChildren(...lines);
  const box = CHART.getBoundingClientRect();
  const left = event.clientX - box.left, wide = TIP.offsetWidth;
  TIP.style.left = `${Math.max(0, left + 14 + wide > box.width ? left - wide - 14 : left + 14)}px`;
  const tall = TIP.offsetHeight, below = event.clientY + tall + 20 < innerHeight;
  TIP.style.top = `${event.clientY - box.top + (below ? 16 : -tall - 12)}px`;
}

on("view", drawAll);
on("time", followHead);
on("filter", build);
on("names", build);
on("selection", placeMarks);
