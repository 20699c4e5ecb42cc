/* Take it along: every figure as SVG, PNG and CSV; readings, captions, ELAN and TextGrid of the whole. */

const stem = () => DATA.name.replace(/\.[^.]*$/, "") || "report";
function save(name, type, content) {
  const blob = content instanceof Blob ? content : new Blob([content], { type: `${type};charset=utf-8` });
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* A cell that begins like a formula would be one in a spreadsheet. */
const cell = (value) => {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const csv = (rows) => `${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;

/* Paper is white: colours of what leaves the page are those of daylight, whatever the reader prefers. */
function inDaylight(call) {
  ROOT.classList.add("paper-colours");
  readTheme();
  try { return call(); } finally { ROOT.classList.remove("paper-colours"); readTheme(); }
}

const NAME_WIDTH = 130;
function lanesSvg() {
  return inDaylight(() => {
    const width = Math.max(640, Math.min(1600, laneWidth())), rows = ROWS, pen = new VectorPen();
    let y = 8;
    for (const row of rows) {
      pen.at(0, y);
      pen.fillStyle = THEME.ink;
      pen.textBaseline = "middle";
      const name = row.kind === "axis" ? "" : row.kind === "fused" ? row.lane.name : row.kind === "part" ? `   ${row.name}` : row.name;
      pen.fillText(name.length > 20 ? `${name.slice(0, 19)}…` : name, 4, row.height / 2);
      pen.save();
      pen.at(NAME_WIDTH, y);
      pen.beginPath();
      pen.rect(0, 0, width, row.height);
      pen.clip();
      row.draw(pen, width, row.height, () => {});
      pen.restore();
      pen.globalAlpha = 1;
      y += row.height + 2;
    }
    pen.at(0, y + 6);
    pen.textBaseline = "top";
    let x = NAME_WIDTH;
    for (const label of CLASSES) {
      if (label >= 0) fillEmotion(pen, label, x, 0, 10, 10); else { pen.fillStyle = label === UNNAMED ? THEME.hatch : THEME.sunk; pen.fillRect(x, 0, 10, 10); }
      pen.fillStyle = THEME.ink;
      pen.fillText(className(label), x + 14, 0);
      x += pen.measureText(className(label)).width + 30;
    }
    const svg = pen.svg(NAME_WIDTH + width + 8, y + 26);
    return svg.replace("<defs>", `<title>${xml(`${DATA.name}, ${clock(STATE.a)} to ${clock(STATE.b)}`)}</title><rect width="100%" height="100%" fill="${inPage()}"/><defs>`);
  });
}
const inPage = () => THEME.page;

/* A figure of the page on its own: what the stylesheet gives it is written into it. */
const STYLED = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "text-anchor", "opacity"];
function figureSvg(svg) {
  return inDaylight(() => {
    const copy = svg.cloneNode(true), box = svg.viewBox.baseVal, from = svg.querySelectorAll("*");
    copy.querySelectorAll("*").forEach((node, i) => {
      const style = getComputedStyle(from[i]);
      node.removeAttribute("style");
      node.removeAttribute("class");
      if (["title", "g"].includes(node.tagName)) return;
      for (const name of STYLED) { const value = style.getPropertyValue(name); if (value) node.setAttribute(name, value); }
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    copy.setAttribute("font-family", "sans-serif");
    for (const name of ["class", "aria-hidden", "data-rows"]) copy.removeAttribute(name);
    return new XMLSerializer().serializeToString(copy);
  });
}

async function png(svg, scale = 2) {
  const image = new Image();
  image.src = `data:image/svg+xml;base64,${btoa(Array.from(new TextEncoder().encode(svg), (byte) => String.fromCharCode(byte)).join(""))}`;
  await image.decode();
  const canvas = el("canvas", { width: image.naturalWidth * scale, height: image.naturalHeight * scale }), pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => { canvas.toBlob(done, "image/png"); });
}

const tableRows = (table) => [...table.rows].map((row) => [...row.cells].map((one) => one.textContent.trim()));

function readingsCsv() {
  const rows = [["start", "end", "person", "label", "confidence", ...NAMES, ...PARTS.map((part) => `${part}_weight`), "disagreement", "reason"]];
  for (const lane of shownLanes()) {
    const { fused, runs } = shown(lane), own = [];
    for (let i = 0; i < fused.count; i++) {
      if (fused.l[i] === GAP) continue;
      const p = NAMES.map((_, k) => (probability(fused, i, k) / UNIT).toFixed(3));
      own.push([fused.start[i] / 1000, fused.end[i] / 1000, lane.person === null ? "" : lane.name, fused.l[i] >= 0 ? NAMES[fused.l[i]] : "", Math.max(...p.map(Number)).toFixed(3), ...p, ...PARTS.map((_, m) => (fused.w[m * fused.count + i] / 100).toFixed(2)), fused.d[i] === 255 ? "" : decimal(fused.d[i]), fused.l[i] === UNNAMED ? whyUnnamed(fused, i) : ""]);
    }
    for (let i = 0; i < runs.count; i++) if (runs.l[i] === GAP) own.push([runs.start[i] / 1000, runs.end[i] / 1000, lane.person === null ? "" : lane.name, "", "", ...NAMES.map(() => ""), "", "", "", "", runs.reasons[runs.r[i]]]);
    rows.push(...own.sort((one, other) => one[0] - other[0]));
  }
  return csv(rows);
}

const vttTime = (ms) => new Date(Math.round(ms)).toISOString().slice(11, 23);
const vttText = (text) => text.split(/\s+/).join(" ").replace(/[&<>]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[letter]);
function captions() {
  const cues = DATA.words.map(([start, end, text, person, label]) => `${vttTime(start)} --> ${vttTime(Math.max(end, start + 1))}\n${person === null ? "" : `<v ${vttText(personName(person))}>`}${vttText(text)}${label >= 0 ? ` [reads as ${NAMES[label]}]` : ""}`);
  return `WEBVTT\n\n${cues.join("\n\n")}\n`;
}

/* Tiers of the whole: a name and [start, end, text] rows in milliseconds that do not overlap. */
function tiers() {
  const found = [];
  for (const lane of shownLanes()) {
    const { runs } = shown(lane), rows = [];
    for (let i = 0; i < runs.count; i++) {
      if (runs.l[i] === GAP) continue;
      rows.push([runs.start[i], runs.end[i], className(runs.l[i])]);
    }
    if (rows.length) found.push([lane.name, rows]);
    const said = DATA.words.filter((words) => words[3] === lane.person);
    if (said.length) found.push([`${lane.name}, words`, said.map((words) => [words[0], words[1], words[2]])]);
  }
  if (NOTES.length) found.push(["Notes", [...NOTES].sort((one, other) => one.start - other.start).map((note) => [note.start, note.end, [note.label, note.note].filter(Boolean).join(": ")])]);
  return found.map(([name, rows]) => [name, apart(rows)]);
}

function apart(rows) {
  const kept = [];
  for (const [start, end, text] of [...rows].sort((one, other) => one[0] - other[0])) {
    const from = Math.max(Math.round(start), kept.length ? kept[kept.length - 1][1] : 0), to = Math.max(Math.round(end), from + 1);
    if (to > from) kept.push([from, to, text]);
  }
  return kept;
}

function elan() {
  const slots = [], body = [];
  let id = 0;
  for (const [name, rows] of tiers()) {
    const notes = rows.map(([start, end, text]) => {
      slots.push(start, end);
      return `<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a${++id}" TIME_SLOT_REF1="ts${slots.length - 1}" TIME_SLOT_REF2="ts${slots.length}"><ANNOTATION_VALUE>${xml(text)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>`;
    });
    body.push(`<TIER TIER_ID="${xml(name)}" LINGUISTIC_TYPE_REF="default-lt">${notes.join("")}</TIER>`);
  }
  const order = slots.map((ms, i) => `<TIME_SLOT TIME_SLOT_ID="ts${i + 1}" TIME_VALUE="${ms}"/>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT AUTHOR="mer" DATE="${new Date().toISOString().slice(0, 19)}+00:00" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd"><HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="${xml(DATA.name)}" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="./${xml(DATA.name)}"/></HEADER><TIME_ORDER>${order.join("")}</TIME_ORDER>${body.join("")}<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>\n`;
}

function textGrid() {
  const end = DATA.duration / 1000, all = tiers(), quoted = (text) => `"${text.split(/\s+/).join(" ").replaceAll('"', '""')}"`;
  const lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", `xmax = ${end}`, "tiers? <exists>", `size = ${all.length}`, "item []:"];
  all.forEach(([name, rows], n) => {
    const filled = [];
    let at = 0;
    for (const [start, stop, text] of rows) {
      if (start >= DATA.duration) continue;
      if (start > at) filled.push([at, start, ""]);
      filled.push([start, Math.min(stop, DATA.duration), text]);
      at = Math.min(stop, DATA.duration);
    }
    if (at < DATA.duration) filled.push([at, DATA.duration, ""]);
    lines.push(`    item [${n + 1}]:`, '        class = "IntervalTier"', `        name = ${quoted(name)}`, "        xmin = 0", `        xmax = ${end}`, `        intervals: size = ${filled.length}`);
    filled.forEach(([start, stop, text], i) => lines.push(`        intervals [${i + 1}]:`, `            xmin = ${start / 1000}`, `            xmax = ${stop / 1000}`, `            text = ${quoted(text)}`));
  });
  return `${lines.join("\n")}\n`;
}

const EXPORTS = [
  ["Lanes in view, SVG", () => save(`${stem()}.lanes.svg`, "image/svg+xml", lanesSvg())],
  ["Lanes in view, PNG", async () => save(`${stem()}.lanes.png`, "image/png", await png(lanesSvg()))],
  ["All readings, CSV", () => save(`${stem()}.readings.csv`, "text/csv", readingsCsv())],
  ["Captions, WebVTT", () => save(`${stem()}.vtt`, "text/vtt", captions())],
  ["Tiers for ELAN", () => save(`${stem()}.eaf`, "application/xml", elan())],
  ["Tiers for Praat, TextGrid", () => save(`${stem()}.TextGrid`, "text/plain", textGrid())],
];
for (const [text, call] of EXPORTS) if (DATA.words.length || !text.startsWith("Captions")) $("export-menu").append(button(text, call, { className: "plain" }));

for (const figure of document.querySelectorAll("figure[data-figure]")) {
  const takes = figure.querySelector("[data-takes]"), svg = figure.querySelector("svg"), name = figure.dataset.figure;
  if (!svg || !takes) continue;
  takes.append(
    button("SVG", () => save(`${stem()}.${name}.svg`, "image/svg+xml", figureSvg(svg)), { className: "plain" }),
    button("PNG", async () => save(`${stem()}.${name}.png`, "image/png", await png(figureSvg(svg))), { className: "plain" }),
    button("CSV", () => save(`${stem()}.${name}.csv`, "text/csv", csv(figureRows(figure, svg))), { className: "plain" }));
}
function figureRows(figure, svg) {
  const table = figure.querySelector("table");
  if (table) return tableRows(table);
  return [["seconds", "valence", "arousal"], ...svg.dataset.rows.split(";").filter(Boolean).map((row) => row.split(","))];
}
for (const table of document.querySelectorAll("main table")) {
  if (table.closest("figure, .columns, #events-scroll, noscript") || !table.caption) continue;
  table.caption.append(" ", button("CSV", () => save(`${stem()}.${table.caption.firstChild.textContent.trim().toLowerCase().replace(/\W+/g, "-").slice(0, 40)}.csv`, "text/csv", csv(tableRows(table))), { className: "plain js-only" }));
}
$("copy-link").onclick = (event) => copyLink(event.target);
$("print").onclick = () => print();
