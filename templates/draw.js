/* Drawing of the lanes.

   A lane shows what is true at its scale: where a step has pixels of its own, the probability of what was named and its
   interval; where a column of pixels holds several steps, the shares of what was named in it, not sure and gaps too.
   The cost follows the width, not the length. */

const scaleX = (width, a = STATE.a, b = STATE.b) => (ms) => ((ms - a) / (b - a)) * width;
const OWN_PIXELS = 2.5;

/* Whether steps are wide enough on the screen to be drawn one by one. */
function wideEnough(columns, width) {
  const first = Math.max(0, before(columns.start, STATE.a)), last = before(columns.start, STATE.b);
  if (last < first) return true;
  const own = columns.end[last] - columns.start[first];
  return (own / (last - first + 1) / (STATE.b - STATE.a)) * width >= OWN_PIXELS;
}

/* The step of each pixel column, or -1. */
function stepsAcross(columns, width) {
  const found = new Int32Array(width).fill(-1), x = scaleX(width);
  for (let i = Math.max(0, before(columns.start, STATE.a)); i < columns.count && columns.start[i] < STATE.b; i++) {
    const from = Math.max(0, Math.round(x(columns.start[i]))), to = Math.min(width, Math.round(x(columns.end[i])));
    for (let column = from; column < to; column++) found[column] = i;
  }
  return found;
}

/* Runs of equal value in a column array: [from, to, value], `to` not included. */
function runsIn(values) {
  const found = [];
  for (let from = 0, at = 1; at <= values.length; at++) {
    if (at === values.length || values[at] !== values[from]) { found.push([from, at, values[from]]); from = at; }
  }
  return found;
}

/* What costs most in a redraw is made once: patterns, and how wide a text is. */
const PATTERNS = [], WIDTHS = new Map();
const pattern = (pen, k) => (pen instanceof VectorPen ? pen.createPattern(TILES[k]) : (PATTERNS[k] ??= pen.createPattern(TILES[k], "repeat")));
function textWidth(pen, text) {
  if (!WIDTHS.has(text)) {
    if (WIDTHS.size > 5000) WIDTHS.clear();
    WIDTHS.set(text, pen.measureText(text).width);
  }
  return WIDTHS.get(text);
}

function fillEmotion(pen, k, x, y, width, height) {
  pen.fillStyle = COLOURS[k];
  pen.fillRect(x, y, width, height);
  if (width < 3) return;
  pen.fillStyle = pattern(pen, k);
  pen.fillRect(x, y, width, height);
}

/* Shares of each class in columns of `wide` pixels, standing on each other. */
function drawMosaic(pen, runs, top, height, width, a = STATE.a, b = STATE.b, wide = 2) {
  const columns = Math.ceil(width / wide), boxes = CLASSES.map(() => []);
  let low = secondsUpTo(runs, a, new Float64Array(CLASSES.length)), high = new Float64Array(CLASSES.length);
  for (let column = 0; column < columns; column++) {
    const from = column * wide, right = Math.min(width, from + wide);
    secondsUpTo(runs, a + (right / width) * (b - a), high);
    const length = ((right - from) / width) * (b - a);
    let base = top + height;
    for (let c = 0; c < CLASSES.length; c++) {
      const tall = (height * (high[c] - low[c])) / length;
      if (tall <= 0.001) continue;
      const last = boxes[c][boxes[c].length - 1], y = base - tall;
      // What goes on as it was is one box.
      if (last && last[0] + last[2] === from && Math.abs(last[1] - y) < 0.01 && Math.abs(last[3] - tall) < 0.01) last[2] += right - from;
      else boxes[c].push([from, y, right - from, tall]);
      base -= tall;
    }
    [low, high] = [high, low];
  }
  // Patterns need room: where there are hundreds of pieces nobody sees them, and they cost most of the time.
  const plain = boxes.reduce((sum, own) => sum + own.length, 0) > MOST_PATTERNED;
  boxes.forEach((own, c) => fillClass(pen, CLASSES[c], own, plain));
}

const MOST_PATTERNED = 400;
function fillClass(pen, label, boxes, plain = false) {
  if (!boxes.length) return;
  const path = () => { pen.beginPath(); for (const box of boxes) pen.rect(...box); };
  path();
  pen.fillStyle = label >= 0 ? COLOURS[label] : label === UNNAMED ? THEME.hatch : THEME.sunk;
  pen.fill();
  if (label >= 0 && !plain) { pen.fillStyle = pattern(pen, label); pen.fill(); }
}

/* Gaps, [from, to, reason] in pixels, with the reason or the first part of it where that fits. */
function hatch(pen, gaps, y, height) {
  if (!gaps.length) return;
  pen.save();
  pen.beginPath();
  for (const [from, to] of gaps) pen.rect(from, y, to - from, height);
  pen.clip();
  pen.strokeStyle = THEME.gap;
  pen.lineWidth = 1;
  pen.beginPath();
  let last = -Infinity;
  for (const [from, to] of gaps) {
    for (let at = Math.max(last + 7, Math.floor((from - height) / 7) * 7); at < to; at += 7) { pen.moveTo(at, y + height); pen.lineTo(at + height, y); last = at; }
  }
  pen.stroke();
  pen.restore();
  if (height <= 12) return;
  for (const [from, to, reason] of gaps) {
    if (to - from < 30) continue;
    const text = [reason, reason.split(",")[0]].find((words) => words && textWidth(pen, words) + 12 < to - from);
    if (!text) continue;
    const room = textWidth(pen, text) + 12;
    pen.fillStyle = THEME.page;
    pen.fillRect((from + to - room) / 2, y + height / 2 - 8, room, 16);
    pen.fillStyle = THEME.soft;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    pen.fillText(text, (from + to) / 2, y + height / 2 + 0.5);
    pen.textAlign = "left";
  }
}

/* The longest text that fits: the name, its first two letters, or nothing. */
function fitted(pen, text, width) {
  return width < 12 ? "" : [text, text.slice(0, 2)].find((short) => textWidth(pen, short) + 6 <= width) ?? "";
}

/* A row of coloured blocks that carry their names; labels per pixel column. */
function labelStrip(pen, labels, y, height) {
  for (const [from, to, k] of runsIn(labels)) {
    if (k < UNNAMED) continue;
    const width = to - from;
    let text = className(k);
    if (k === UNNAMED) {
      pen.strokeStyle = THEME.soft;
      pen.setLineDash([2, 2]);
      pen.strokeRect(from + 0.5, y + 0.5, Math.max(0, width - 1), height - 1);
      pen.setLineDash([]);
      if (textWidth(pen, text) + 6 > width) text = width > 14 ? "?" : "";
    } else {
      fillEmotion(pen, k, from, y, Math.max(width - (width > 3 ? 1 : 0), 0.5), height);
      text = fitted(pen, text, width);
    }
    if (!text) continue;
    pen.textBaseline = "middle";
    const size = textWidth(pen, text);
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

function drawGaps(pen, gaps, top, height, width) {
  const x = scaleX(width), boxes = [];
  for (const [start, end, reason] of gaps) {
    if (end < STATE.a || start > STATE.b) continue;
    const from = Math.max(x(start), -20), to = Math.min(x(end), width + 20);
    if (to - from > 1) boxes.push([from, to, reason]);
  }
  hatch(pen, boxes, top, height);
}

/* The gaps of a lane in view, and what lies before its first and after its last step. */
function gapsOf(runs) {
  const found = [];
  if (!runs.count) return found;
  if (runs.start[0] > 300) found.push([0, runs.start[0], "not there yet"]);
  for (let i = Math.max(0, before(runs.start, STATE.a)); i < runs.count && runs.start[i] < STATE.b; i++) {
    if (runs.l[i] === GAP) found.push([runs.start[i], runs.end[i], runs.reasons[runs.r[i]] || NO_EVIDENCE]);
  }
  if (DATA.duration - runs.end[runs.count - 1] > 300) found.push([runs.end[runs.count - 1], DATA.duration, "no longer there"]);
  return found;
}

/* One bar a step: solid up to the low end of the interval, pale up to the high end, a line at the probability. */
function drawBars(pen, steps, columns, kOf, base, tall, solid) {
  const y = (value) => base - tall * value;
  for (const [from, to, i] of runsIn(steps)) {
    if (i < 0) continue;
    const k = kOf(i), unnamed = columns.l && columns.l[i] === UNNAMED && solid;
    const p = probability(columns, i, k) / UNIT, [low, high] = columns.s ? bounds(p, halfWidth(columns, i, k) / UNIT) : [p, p];
    pen.fillStyle = unnamed ? THEME.hatch : COLOURS[k];
    pen.globalAlpha = 0.3;
    pen.fillRect(from, y(high), to - from, y(low) - y(high));
    pen.globalAlpha = unnamed ? 0.45 : 0.85;
    pen.fillRect(from, y(low), to - from, base - y(low));
    pen.globalAlpha = 1;
    pen.fillStyle = THEME.ink;
    pen.fillRect(from, y(p) - 0.6, to - from, 1.2);
  }
}

/* The height is the probability of the leading emotion; the paler top runs through its 95 % interval. */
function drawRibbon(pen, lane, width, height) {
  const { fused, runs } = shown(lane);
  if (!fused?.start || !wideEnough(fused, width)) { drawMosaic(pen, runs, 2, height - 4, width, STATE.a, STATE.b, 3); return; }
  const strip = 15, room = height - strip - 6, steps = stepsAcross(fused, width);
  gridLines(pen, width, 2, room, [0, 0.5, 1]);
  drawGaps(pen, gapsOf(runs), 2, height - 4, width);
  const visible = steps.map((i) => (i >= 0 && fused.l[i] === GAP ? -1 : i));
  drawBars(pen, visible, fused, (i) => (fused.l[i] >= 0 ? fused.l[i] : leader(fused, i)), 2 + room, room, true);
  labelStrip(pen, Array.from(visible, (i) => (i < 0 ? NONE : fused.l[i])), height - strip - 1, strip);
}

/* Seven small multiples on one scale: overlapping curves of seven colours cannot be told apart. Where steps are narrower
   than pixels each row shows the share of the time in which that emotion was named. */
function drawCurves(pen, lane, width, height) {
  const { fused, runs } = shown(lane), room = height / 7;
  const own = fused?.start && wideEnough(fused, width), steps = own ? stepsAcross(fused, width).map((i) => (i >= 0 && fused.l[i] === GAP ? -1 : i)) : null;
  if (own) drawGaps(pen, gapsOf(runs), 2, height - 4, width);
  for (let k = 0; k < 7; k++) {
    const base = Math.round((k + 1) * room) - 2, tall = room - 5;
    gridLines(pen, width, base - tall, tall, [0]);
    if (own) drawBars(pen, steps, fused, () => k, base, tall, false);
    else drawShare(pen, runs, k, base, tall, width);
    pen.textBaseline = "top";
    pen.globalAlpha = 0.85;
    pen.fillStyle = THEME.page;
    pen.fillRect(0, base - tall - 1, pen.measureText(NAMES[k]).width + 6, 12);
    pen.globalAlpha = 1;
    pen.fillStyle = THEME.ink;
    pen.fillText(NAMES[k], 2, base - tall);
  }
}

function drawShare(pen, runs, k, base, tall, width) {
  const low = new Float64Array(CLASSES.length), high = new Float64Array(CLASSES.length), wide = 2, boxes = [];
  secondsUpTo(runs, STATE.a, low);
  let last = low[k];
  for (let from = 0; from < width; from += wide) {
    const now = secondsUpTo(runs, STATE.a + (Math.min(width, from + wide) / width) * (STATE.b - STATE.a), high)[k];
    const share = (now - last) / ((Math.min(wide, width - from) / width) * (STATE.b - STATE.a));
    last = now;
    if (share > 0.002) boxes.push([from, base - tall * share, wide, tall * share]);
  }
  fillClass(pen, k, boxes);
}

/* One modality of one person: the height of the colour is the confidence of the reading. */
function drawReadings(pen, columns, width, height) {
  const strip = 13, room = height - strip - 3;
  drawGaps(pen, columns.gaps, 1, height - 3, width);
  if (!wideEnough(columns, width)) { drawMosaic(pen, leadingRuns(columns), 1, height - 3, width); return; }
  const steps = stepsAcross(columns, width), tops = new Int8Array(width).fill(NONE);
  for (const [from, to, i] of runsIn(steps)) {
    if (i < 0) continue;
    const k = leader(columns, i);
    tops.fill(k, from, to);
    pen.fillStyle = COLOURS[k];
    pen.globalAlpha = 0.6;
    const tall = (room * probability(columns, i, k)) / UNIT;
    pen.fillRect(from, 1 + room - tall, to - from, tall);
    pen.globalAlpha = 1;
  }
  labelStrip(pen, tops, height - strip - 1, strip);
}

/* The leading emotion of each reading as runs. */
function leadingRuns(columns) {
  columns.leading ??= summed({
    count: columns.count, start: columns.start, end: columns.end,
    l: Int8Array.from({ length: columns.count }, (_, i) => leader(columns, i)), n: new Uint8Array(columns.count).fill(1), r: null, reasons: [],
  });
  return columns.leading;
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

/* How many moments fall in each column of `wide` pixels, as bars. */
function drawDensity(pen, times, width, height, wide = 4) {
  const counts = new Uint16Array(Math.ceil(width / wide)), x = scaleX(width);
  for (const time of times) if (time >= STATE.a && time <= STATE.b) counts[Math.min(counts.length - 1, Math.floor(x(time) / wide))]++;
  const most = Math.max(3, ...counts);
  pen.fillStyle = THEME.soft;
  counts.forEach((n, at) => { if (n) pen.fillRect(at * wide, height - 2 - ((height - 6) * n) / most, wide - 1, ((height - 6) * n) / most); });
}

const LONGEST_SHOT = longestOf(DATA.shots);
function drawShots(pen, width, height, redraw) {
  const x = scaleX(width), inView = rowsBetween(DATA.shots, STATE.a, STATE.b, LONGEST_SHOT);
  if (inView.length > width / 14) { drawDensity(pen, inView.map((shot) => shot[0]), width, height); return; }
  for (const shot of inView) {
    const [start, end, thumbnail] = shot, from = x(start), to = x(end), i = DATA.shots.indexOf(shot);
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
  }
}

function drawSpeech(pen, width, height) {
  const x = scaleX(width), { start, step, levels } = DATA.loudness, base = height - 5;
  const level = (db) => Math.max(0, Math.min(1, (db + 70) / 70)) * (height - 9);
  const top = new Float32Array(width), count = new Uint32Array(width);
  const first = Math.max(0, Math.floor((STATE.a - start) / step));
  for (let i = first; i < levels.length && start + i * step < STATE.b; i++) {
    const from = Math.max(0, Math.floor(x(start + i * step))), to = Math.min(width - 1, Math.ceil(x(start + (i + 1) * step)) - 1);
    for (let column = from; column <= to; column++) { top[column] += level(levels[i]); count[column]++; }
  }
  pen.fillStyle = THEME.hatch;
  for (let column = 0; column < width; column++) if (count[column]) pen.fillRect(column, base - top[column] / count[column], 1, top[column] / count[column]);
  pen.fillStyle = THEME.ink;
  for (const [from, to] of rowsBetween(DATA.speech, STATE.a, STATE.b, LONGEST_SPEECH)) pen.fillRect(x(from), base + 1, Math.max(1, x(to) - x(from)), 3);
}
const LONGEST_SPEECH = longestOf(DATA.speech), LONGEST_WORDS = longestOf(DATA.words);

function drawWords(pen, width, height) {
  const x = scaleX(width), inView = rowsBetween(DATA.words, STATE.a, STATE.b, LONGEST_WORDS);
  for (const [start, end, text, person, label] of inView) {
    if (!shownPerson(person)) continue;
    const from = Math.max(0, x(start)), wide = Math.max(1, Math.min(width, x(end)) - from - 1);
    if (wide > 2) { pen.fillStyle = THEME.sunk; pen.fillRect(from, 2, wide, height - 4); }
    if (label >= 0) fillEmotion(pen, label, from, height - 7, wide, 5);
    if (wide < 24) continue;
    pen.save();
    pen.beginPath(); pen.rect(from, 0, wide - 2, height); pen.clip();
    pen.fillStyle = THEME.ink;
    pen.textBaseline = "top";
    pen.fillText(text, from + 4, 4);
    pen.fillStyle = THEME.soft;
    if (label >= 0 && height > 30) pen.fillText(`reads as ${NAMES[label]}`, from + 4, 18);
    pen.restore();
  }
}

function drawDisagreement(pen, width, height) {
  const top = new Float32Array(width).fill(-1), x = scaleX(width), base = height - 3, room = height - 6;
  for (const { fused } of shownLanes()) {
    if (!fused?.d) continue;
    for (let i = Math.max(0, before(fused.start, STATE.a)); i < fused.count && fused.start[i] < STATE.b; i++) {
      if (fused.d[i] === 255) continue;
      const from = Math.max(0, Math.floor(x(fused.start[i]))), to = Math.min(width - 1, Math.ceil(x(fused.end[i])) - 1);
      for (let column = from; column <= to; column++) top[column] = Math.max(top[column], fused.d[i] / UNIT);
    }
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

/* A shape an event kind; the table of events names them. */
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

function eventsInView() {
  const found = [];
  for (let i = firstAfter(DATA.events, STATE.a); i < DATA.events.length && DATA.events[i][0] <= STATE.b; i++) if (shownPerson(DATA.events[i][2])) found.push(DATA.events[i]);
  return found;
}

function drawEvents(pen, width, height) {
  const x = scaleX(width), isCut = (event) => event[1] === "cut", inView = eventsInView();
  if (inView.length > width / 8) { drawDensity(pen, inView.map((event) => event[0]), width, height); return; }
  for (const [time, kind, , emotion] of [...inView.filter(isCut), ...inView.filter((event) => !isCut(event))]) {
    pen.fillStyle = emotion >= 0 ? COLOURS[emotion] : THEME.page;
    pen.strokeStyle = kind === "cut" ? THEME.soft : THEME.ink;
    pen.lineWidth = kind === "disagreement" ? 1.6 : 1;
    eventMark(pen, kind, x(time), height / 2, 11);
  }
}

const NICE = [100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, 3600000, 7200000];
function drawAxis(pen, width, height, a = STATE.a, b = STATE.b) {
  const x = scaleX(width, a, b), step = NICE.find((ms) => (ms / (b - a)) * width > 64) ?? 14400000;
  pen.fillStyle = THEME.soft;
  pen.textBaseline = "top";
  for (let at = Math.ceil(a / step) * step; at <= b; at += step) {
    const place = x(at), text = clock(at, step < 1000 ? 1 : 0), half = pen.measureText(text).width / 2;
    pen.fillRect(Math.round(place), 0, 1, 4);
    pen.textAlign = "left";
    pen.fillText(text, Math.max(0, Math.min(width - 2 * half, place - half)), 5);
  }
}
