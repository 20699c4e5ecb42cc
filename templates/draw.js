/* Drawing of the lanes.

   Canvas and not plotly: a lane must redraw an hour of steps within one frame of the screen, share one
   playhead with a playing video and one time axis with a dozen other lanes. Steps are first averaged into
   the pixel columns that show them (`sampled`), so that the cost of drawing follows the width, not the length. */

const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif";
const scaleX = (width) => (ms) => ((ms - STATE.a) / (STATE.b - STATE.a)) * width;

/* Mean probabilities and half-widths for each pixel column; `top` is the leading emotion, UNNAMED, GAP or nothing (-3).
   Where columns hold several steps each, `BIN` columns share one mean: single columns would be noise to the eye. */
const BIN = 4;
function sampled(columns, width) {
  const inView = before(columns.start, STATE.b) - before(columns.start, STATE.a);
  const bin = inView > 1.5 * width ? BIN : 1;
  const coarse = columnMeans(columns, Math.ceil(width / bin));
  if (bin === 1) return coarse;
  const p = new Float32Array(width * 7), s = new Float32Array(width * 7), top = new Int8Array(width);
  for (let column = 0; column < width; column++) {
    const from = Math.floor(column / bin);
    top[column] = coarse.top[from];
    p.set(coarse.p.subarray(7 * from, 7 * from + 7), 7 * column);
    s.set(coarse.s.subarray(7 * from, 7 * from + 7), 7 * column);
  }
  return { p, s, top, width };
}

function columnMeans(columns, width) {
  const p = new Float32Array(width * 7), s = new Float32Array(width * 7);
  const n = new Uint32Array(width), gap = new Uint32Array(width), unnamed = new Uint32Array(width);
  const x = scaleX(width);
  for (let i = Math.max(0, before(columns.start, STATE.a)); i < columns.count && columns.start[i] < STATE.b; i++) {
    const label = columns.l ? columns.l[i] : 0;
    const from = Math.max(0, Math.floor(x(columns.start[i]))), to = Math.min(width - 1, Math.ceil(x(columns.end[i])) - 1);
    for (let column = from; column <= to; column++) {
      if (label === GAP) { gap[column]++; continue; }
      n[column]++;
      if (label === UNNAMED) unnamed[column]++;
      for (let k = 0; k < 7; k++) {
        p[column * 7 + k] += columns.p[i * 7 + k];
        if (columns.s) s[column * 7 + k] += columns.s[i * 7 + k];
      }
    }
  }
  const top = new Int8Array(width);
  for (let column = 0; column < width; column++) {
    if (!n[column] || gap[column] > n[column]) { top[column] = gap[column] ? GAP : -3; continue; }
    let best = 0;
    for (let k = 0; k < 7; k++) {
      p[column * 7 + k] /= n[column] * 1000;
      s[column * 7 + k] /= n[column] * 1000;
      if (p[column * 7 + k] > p[column * 7 + best]) best = k;
    }
    top[column] = unnamed[column] * 2 > n[column] ? UNNAMED : best;
  }
  return { p, s, top, width };
}

/* Runs of equal value in a column array: [from, to, value], `to` not included. */
function runs(values) {
  const found = [];
  for (let from = 0, at = 1; at <= values.length; at++) {
    if (at === values.length || values[at] !== values[from]) { found.push([from, at, values[from]]); from = at; }
  }
  return found;
}

function fillEmotion(pen, k, x, y, width, height) {
  pen.fillStyle = COLOURS[k];
  pen.fillRect(x, y, width, height);
  pen.fillStyle = pen.createPattern(TILES[k], "repeat");
  pen.fillRect(x, y, width, height);
}

/* A gap with its reason, or the first part of it, where that fits. */
function hatch(pen, x, y, width, height, reason = "") {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.strokeStyle = THEME.gap;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = x - height - ((x - height) % 7); at < x + width; at += 7) { pen.moveTo(at, y + height); pen.lineTo(at + height, y); }
  pen.stroke();
  const text = [reason, reason.split(",")[0]].find((words) => words && pen.measureText(words).width + 12 < width);
  if (text) {
    const room = pen.measureText(text).width + 12;
    pen.fillStyle = THEME.page;
    pen.fillRect(x + (width - room) / 2, y + height / 2 - 8, room, 16);
    pen.fillStyle = THEME.soft;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    pen.fillText(text, x + width / 2, y + height / 2 + 0.5);
  }
  pen.restore();
}

/* The longest text that fits: the name, its first two letters, or nothing. */
function fitted(pen, text, width) {
  return [text, text.slice(0, 2)].find((short) => pen.measureText(short).width + 6 <= width) ?? "";
}

/* A row of coloured blocks that carry their names. */
function labelStrip(pen, columns, y, height) {
  for (const [from, to, k] of runs(columns.top)) {
    if (k < UNNAMED) continue;
    const width = to - from;
    let text = k === UNNAMED ? "too weak to name" : NAMES[k];
    if (k === UNNAMED) {
      pen.strokeStyle = THEME.soft;
      pen.setLineDash([2, 2]);
      pen.strokeRect(from + 0.5, y + 0.5, Math.max(0, width - 1), height - 1);
      pen.setLineDash([]);
      if (pen.measureText(text).width + 6 > width) text = width > 14 ? "?" : "";
    } else {
      fillEmotion(pen, k, from, y, Math.max(width - (width > 3 ? 1 : 0), 0.5), height);
      text = fitted(pen, text, width);
    }
    if (!text) continue;
    pen.textBaseline = "middle";
    const size = pen.measureText(text).width;
    if (k >= 0) { pen.fillStyle = COLOURS[k]; pen.fillRect(from + 2, y + 1, size + 4, height - 2); }
    pen.fillStyle = k === UNNAMED ? THEME.soft : inkOn(COLOURS[k]);
    pen.fillText(text, from + 4, y + height / 2 + 0.5);
  }
}

function gridLines(pen, width, top, height, marks) {
  pen.strokeStyle = THEME.grid;
  pen.lineWidth = 1;
  for (const mark of marks) {
    const y = Math.round(top + height * (1 - mark)) + 0.5;
    pen.beginPath(); pen.moveTo(0, y); pen.lineTo(width, y); pen.stroke();
  }
}

function drawGaps(pen, columns, top, height, x) {
  for (const [start, end, reason] of columns.gaps) {
    const from = Math.max(x(start), -20), to = Math.min(x(end), x(STATE.b) + 20);
    if (to - from > 1) hatch(pen, from, top, to - from, height, reason);
  }
  if (!columns.l) return;
  for (let i = Math.max(0, before(columns.start, STATE.a)); i < columns.count && columns.start[i] < STATE.b; i++) {
    if (columns.l[i] !== GAP) continue;
    const from = Math.max(x(columns.start[i]), -20), to = Math.min(x(columns.end[i]), x(STATE.b) + 20);
    if (to - from > 1) hatch(pen, from, top, to - from, height, columns.reasons[columns.r[i]]);
  }
}

/* The height is the probability of the leading emotion; the paler top runs through its 95 % interval. */
function drawRibbon(pen, columns, width, height) {
  const strip = 15, room = height - strip - 6, data = sampled(columns, width), x = scaleX(width);
  gridLines(pen, width, 2, room, [0, 0.5, 1]);
  drawGaps(pen, columns, 2, height - 4, x);
  for (const [from, to, label] of runs(data.top)) {
    if (label < UNNAMED) continue;
    for (let column = from; column < to; column++) {
      let k = label;
      if (k === UNNAMED) { k = 0; for (let j = 1; j < 7; j++) if (data.p[column * 7 + j] > data.p[column * 7 + k]) k = j; }
      const p = data.p[column * 7 + k], s = data.s[column * 7 + k];
      const y = (value) => 2 + room * (1 - Math.min(1, Math.max(0, value)));
      pen.fillStyle = label === UNNAMED ? THEME.hatch : COLOURS[k];
      pen.globalAlpha = 0.3;
      pen.fillRect(column, y(p + s), 1, y(p - s) - y(p + s));
      pen.globalAlpha = label === UNNAMED ? 0.45 : 0.85;
      pen.fillRect(column, y(p - s), 1, y(0) - y(p - s));
      pen.globalAlpha = 1;
      pen.fillStyle = THEME.ink;
      pen.fillRect(column, y(p) - 0.5, 1, 1.2);
    }
  }
  labelStrip(pen, data, height - strip - 1, strip);
}

/* Seven small multiples on one scale: overlapping curves of seven colours cannot be told apart. */
function drawCurves(pen, columns, width, height) {
  const data = sampled(columns, width), room = height / 7, x = scaleX(width);
  drawGaps(pen, columns, 2, height - 4, x);
  for (let k = 0; k < 7; k++) {
    const base = Math.round((k + 1) * room) - 2, tall = room - 5;
    gridLines(pen, width, base - tall, tall, [0]);
    for (let column = 0; column < width; column++) {
      if (data.top[column] < UNNAMED) continue;
      const p = data.p[column * 7 + k], s = data.s[column * 7 + k];
      const y = (value) => base - tall * Math.min(1, Math.max(0, value));
      pen.fillStyle = COLOURS[k];
      pen.globalAlpha = 0.3;
      pen.fillRect(column, y(p + s), 1, y(p - s) - y(p + s));
      pen.globalAlpha = 0.9;
      pen.fillRect(column, y(p - s), 1, base - y(p - s));
      pen.globalAlpha = 1;
      pen.fillStyle = THEME.ink;
      pen.fillRect(column, y(p) - 0.5, 1, 1);
    }
    pen.textBaseline = "top";
    pen.globalAlpha = 0.85;
    pen.fillStyle = THEME.page;
    pen.fillRect(0, base - tall - 1, pen.measureText(NAMES[k]).width + 6, 12);
    pen.globalAlpha = 1;
    pen.fillStyle = THEME.ink;
    pen.fillText(NAMES[k], 2, base - tall);
  }
}

/* One modality of one person: the height of the colour is the confidence of the reading. */
function drawReadings(pen, columns, width, height) {
  const strip = 13, data = sampled(columns, width), room = height - strip - 3;
  drawGaps(pen, columns, 1, height - 3, scaleX(width));
  for (let column = 0; column < width; column++) {
    const k = data.top[column];
    if (k < 0) continue;
    pen.fillStyle = COLOURS[k];
    pen.globalAlpha = 0.6;
    const tall = room * data.p[column * 7 + k];
    pen.fillRect(column, 1 + room - tall, 1, tall);
    pen.globalAlpha = 1;
  }
  labelStrip(pen, data, height - strip - 1, strip);
}

const IMAGES = new Map();
function picture(address, redraw) {
  if (!IMAGES.has(address)) {
    const image = new Image();
    image.onload = redraw;
    image.src = address;
    IMAGES.set(address, image);
  }
  return IMAGES.get(address);
}

function drawShots(pen, width, height, redraw) {
  const x = scaleX(width);
  DATA.shots.forEach(([start, end, thumbnail], i) => {
    const from = x(start), to = x(end);
    if (to < 0 || from > width) return;
    pen.fillStyle = i % 2 ? THEME.grid : THEME.sunk;
    pen.fillRect(from, 2, to - from, height - 4);
    if (thumbnail && to - from > 18) {
      const image = picture(thumbnail, redraw);
      if (image.complete && image.naturalWidth) {
        const wide = Math.min(to - from - 2, ((height - 4) * image.naturalWidth) / image.naturalHeight);
        const crop = wide * (image.naturalHeight / (height - 4));
        const at = Math.max(from + 1, Math.min(1, to - wide - 1));
        pen.drawImage(image, (image.naturalWidth - crop) / 2, 0, crop, image.naturalHeight, at, 2, wide, height - 4);
      }
    }
    if (i && to - from > 8) { pen.fillStyle = THEME.ink; pen.fillRect(Math.round(from) - 0.5, 0, 1, height); }
  });
}

function drawSpeech(pen, width, height) {
  const x = scaleX(width), loud = DATA.loudness, base = height - 5;
  const level = (db) => Math.max(0, Math.min(1, (db + 70) / 70)) * (height - 9);
  const top = new Float32Array(width), count = new Uint32Array(width);
  const stepMs = loud.length > 2 ? loud[2] - loud[0] : 500;
  for (let i = 0; i < loud.length; i += 2) {
    const from = Math.max(0, Math.floor(x(loud[i]))), to = Math.min(width - 1, Math.ceil(x(loud[i] + stepMs)) - 1);
    for (let column = from; column <= to; column++) { top[column] += level(loud[i + 1]); count[column]++; }
  }
  pen.fillStyle = THEME.hatch;
  for (let column = 0; column < width; column++) {
    const tall = count[column] ? top[column] / count[column] : 0;
    pen.fillRect(column, base - tall, 1, tall);
  }
  pen.fillStyle = THEME.ink;
  for (const [start, end] of DATA.speech) {
    if (end > STATE.a && start < STATE.b) pen.fillRect(x(start), base + 1, Math.max(1, x(end) - x(start)), 3);
  }
}

function drawWords(pen, width, height) {
  const x = scaleX(width);
  for (const [start, end, text, person, label] of DATA.words) {
    if (end < STATE.a || start > STATE.b || !shownPerson(person)) continue;
    const from = Math.max(0, x(start)), wide = Math.max(1, Math.min(width, x(end)) - from - 1);
    pen.fillStyle = THEME.sunk;
    pen.fillRect(from, 2, wide, height - 4);
    if (label >= 0) fillEmotion(pen, label, from, height - 7, wide, 5);
    if (wide < 24) continue;
    pen.save();
    pen.beginPath(); pen.rect(from, 0, wide - 2, height); pen.clip();
    pen.fillStyle = THEME.ink;
    pen.textBaseline = "top";
    pen.fillText(text, from + 4, 4);
    pen.fillStyle = THEME.soft;
    if (label >= 0) pen.fillText(`reads as ${NAMES[label]}`, from + 4, 18);
    pen.restore();
  }
}

function drawDisagreement(pen, width, height) {
  const top = new Float32Array(width).fill(-1), x = scaleX(width), base = height - 3, room = height - 6;
  for (const lane of shownLanes()) {
    const fused = lane.fused;
    for (let i = Math.max(0, before(fused.start, STATE.a)); i < fused.count && fused.start[i] < STATE.b; i++) {
      if (fused.d[i] < 0) continue;
      const from = Math.max(0, Math.floor(x(fused.start[i]))), to = Math.min(width - 1, Math.ceil(x(fused.end[i])) - 1);
      for (let column = from; column <= to; column++) top[column] = Math.max(top[column], fused.d[i] / 1000);
    }
  }
  gridLines(pen, width, 3, room, [0, 0.5, 1]);
  for (let column = 0; column < width; column++) {
    if (top[column] < 0) continue;
    pen.fillStyle = THEME.soft;
    pen.globalAlpha = 0.35;
    pen.fillRect(column, base - room * top[column], 1, room * top[column]);
    pen.globalAlpha = 1;
    pen.fillRect(column, base - room * top[column] - 0.5, 1, 1.4);
  }
}

/* A shape an event kind; the legend above the lanes and the table of events name them. */
function eventMark(pen, kind, x, y, size) {
  const r = size / 2;
  pen.beginPath();
  const path = (...points) => points.forEach(([dx, dy], i) => (i ? pen.lineTo(x + dx * r, y + dy * r) : pen.moveTo(x + dx * r, y + dy * r)));
  if (kind === "peak") path([-1, 0.9], [0, -1], [1, 0.9]);
  else if (kind === "onset") pen.arc(x, y, r * 0.9, 0, 7);
  else if (kind === "change") path([-1, 0], [0, -1], [1, 0], [0, 1]);
  else if (kind === "enter") path([-0.8, -1], [0.9, 0], [-0.8, 1]);
  else if (kind === "leave") path([0.8, -1], [-0.9, 0], [0.8, 1]);
  else if (kind === "disagreement") path([-0.9, -0.9], [0.9, 0.9], [0, 0], [0.9, -0.9], [-0.9, 0.9], [0, 0]);
  else path([0, -1.1], [0, 1.1]);
  pen.closePath();
  if (kind !== "cut" && kind !== "disagreement") pen.fill();
  pen.stroke();
}

function drawEvents(pen, width, height) {
  const x = scaleX(width), isCut = (event) => event[1] === "cut";
  // Cuts lie under the rest: there may be hundreds.
  for (const [time, kind, person, emotion] of [...DATA.events.filter(isCut), ...DATA.events.filter((event) => !isCut(event))]) {
    if (time < STATE.a || time > STATE.b || !shownPerson(person)) continue;
    pen.fillStyle = emotion >= 0 ? COLOURS[emotion] : THEME.page;
    pen.strokeStyle = kind === "cut" ? THEME.soft : THEME.ink;
    pen.lineWidth = kind === "disagreement" ? 1.6 : 1;
    eventMark(pen, kind, x(time), height / 2, 11);
  }
}

function drawAxis(pen, width, height) {
  const x = scaleX(width), span = STATE.b - STATE.a;
  const nice = [100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, 3600000];
  const step = nice.find((ms) => (ms / span) * width > 64) ?? 7200000;
  pen.fillStyle = THEME.soft;
  pen.textBaseline = "top";
  for (let at = Math.ceil(STATE.a / step) * step; at <= STATE.b; at += step) {
    const place = x(at), text = clock(at, step < 1000 ? 1 : 0), half = pen.measureText(text).width / 2;
    pen.fillRect(Math.round(place), 0, 1, 4);
    pen.textAlign = "left";
    pen.fillText(text, Math.max(0, Math.min(width - 2 * half, place - half)), 6);
  }
}

function drawOverview(pen, width, height) {
  const x = (ms) => (ms / DATA.duration) * width;
  pen.fillStyle = THEME.sunk;
  pen.fillRect(0, 3, width, height - 6);
  pen.fillStyle = THEME.accent;
  pen.globalAlpha = 0.25;
  pen.fillRect(x(STATE.a), 3, Math.max(3, x(STATE.b) - x(STATE.a)), height - 6);
  pen.globalAlpha = 1;
  pen.fillRect(x(STATE.time), 1, 2, height - 2);
}
