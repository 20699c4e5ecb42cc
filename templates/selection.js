/* A stretch of time, or two beside each other: shares with n and interval, changes, words and peaks, of everybody or one. */

const PANEL = $("selection");
const QUOTES = 6, CHANGES = 5;

function select(name, a, b) {
  if (name === "second" && !STATE.first) name = "first";
  STATE[name] = a === null ? null : [Math.max(0, Math.round(a)), Math.min(DATA.duration, Math.round(b))];
  if (name === "first" && a === null) { STATE.first = STATE.second; STATE.second = null; }
  tell("selection");
}

const chosenLanes = () => {
  const lanes = shownLanes().filter((lane) => lane.runs.count);
  return STATE.who === "" ? lanes : lanes.filter((lane) => String(LANES.indexOf(lane)) === STATE.who);
};
const spanName = ([a, b]) => `${clock(a)} – ${clock(b)}`;

function shareRows() {
  const lanes = chosenLanes(), whole = [0, DATA.duration];
  const one = stretch(lanes, ...(STATE.first ?? whole)), two = STATE.second ? stretch(lanes, ...STATE.second) : null;
  const rows = CLASSES.slice(0, 8).map((label, c) => ({ label, one: shareOf(one, c), two: two && shareOf(two, c) }))
    .filter((row) => (row.one?.value ?? 0) > 0 || (row.two?.value ?? 0) > 0)
    .sort((x, y) => (y.one?.value ?? 0) - (x.one?.value ?? 0));
  return { one, two, rows };
}

function barCell(share, label) {
  if (!share) return el("td", {}, "–");
  const back = label >= 0 ? { "background-color": `var(--${NAMES[label]})`, "background-image": `var(--pat-${NAMES[label]})` } : { background: "var(--hatch)" };
  return el("td", { className: "wide" }, el("span", { className: "track", "aria-hidden": "true" },
    el("i", { style: { width: `${100 * share.value}%`, ...back } }), share.low === null ? null : el("u", { style: { left: `${100 * share.low}%`, width: `${100 * (share.high - share.low)}%` } })));
}

function sharesTable({ one, two, rows }) {
  const heads = ["", ...(two ? ["A", "", "B", "", "B − A, points"] : ["share of the time read", ""])];
  const table = el("table", { className: "shares" }, el("thead", {}, el("tr", {}, ...heads.map((head) => (head ? el("th", { scope: "col" }, head) : el("td"))))));
  const body = el("tbody");
  for (const { label, one: a, two: b } of rows) {
    const cells = [barCell(a, label), el("td", { className: "n" }, a ? spanText(a) : "–")];
    if (two) {
      const gap = a && b ? difference(a, b) : null;
      cells.push(barCell(b, label), el("td", { className: "n" }, b ? spanText(b) : "–"));
      const clear = gap && gap.low !== null && (gap.low > 0 || gap.high < 0);
      cells.push(el("td", { className: clear ? "n clear" : "n" }, !gap ? "–" : gap.low === null ? signedPoints(gap.value) : `${signedPoints(gap.value)} (${signedPoints(gap.low)} to ${signedPoints(gap.high)})`));
    }
    body.append(el("tr", {}, el("th", { scope: "row" }, chip(label)), ...cells));
  }
  table.append(body);
  const pair = STATE.pair && STATE.pair.every((lane) => lane.fused?.start) ? [el("p", {}, pairSentence(STATE.first ?? [0, DATA.duration]))] : [];
  const told = (part) => `${clock(part.read)} read, n = ${counted(part.n, "step")}${part.read < 1000 * SHORTEST - 1 ? ", too short for intervals" : ""}`;
  return [table, el("p", { className: "note" }, two ? `A: ${told(one)}. B: ${told(two)}.` : `${told(one)}. No evidence: ${clock(one.ms[8])}.`), ...pair];
}

function changesList(part) {
  const rows = [...part.changes].sort((x, y) => y[1] - x[1]).slice(0, CHANGES);
  if (!rows.length) return el("p", { className: "note" }, "No change from one label to another.");
  return el("ul", { className: "plain" }, ...rows.map(([key, n]) => {
    const [from, to] = key.split(",").map(Number);
    return el("li", {}, chip(from), " → ", chip(to), ` ${n}×`);
  }));
}

const who = (person) => STATE.who === "" || String(LANES.indexOf(laneOf(person))) === STATE.who;
function quotesList([a, b]) {
  const rows = rowsBetween(DATA.words, a, b, LONGEST_WORDS).filter((said) => shownPerson(said[3]) && who(said[3]));
  if (!rows.length) return el("p", { className: "note" }, "Nothing is said here.");
  const list = el("ul", { className: "plain" }, ...rows.slice(0, QUOTES).map((said) => el("li", {},
    el("button", { type: "button", className: "plain", "data-seek": said[0] }, clock(said[0])), " ", el("span", { dir: "auto" }, `“${said[2]}”`))));
  if (rows.length > QUOTES) list.append(el("li", { className: "note" }, `and ${rows.length - QUOTES} more`));
  return list;
}

function peaksList([a, b]) {
  const rows = DATA.events.filter((event) => event[1] === "peak" && event[0] >= a && event[0] <= b && shownPerson(event[2]) && who(event[2])).slice(0, QUOTES);
  if (!rows.length) return el("p", { className: "note" }, "No peak.");
  return el("ul", { className: "plain" }, ...rows.map((event) => el("li", {},
    el("button", { type: "button", className: "plain", "data-seek": event[0] }, clock(event[0])), " ", chip(event[3]), " ", el("bdi", {}, personName(event[2])))));
}

function whoMenu() {
  const menu = el("select", { "aria-label": "Whose" }, el("option", { value: "" }, "everybody"));
  for (const lane of shownLanes().filter((one) => one.runs.count)) menu.append(el("option", { value: String(LANES.indexOf(lane)), selected: STATE.who === String(LANES.indexOf(lane)) }, lane.name));
  menu.onchange = () => { STATE.who = menu.value; showSelection(); };
  return menu;
}

const button = (text, call, more = {}) => Object.assign(el("button", { type: "button", ...more }, text), { onclick: call });

function selectionBar() {
  const { first, second } = STATE, bar = el("div", { className: "bar" });
  const title = !first ? "Whole file" : second ? `A ${spanName(first)} · B ${spanName(second)}` : `Selection ${spanName(first)}`;
  bar.append(el("h2", {}, title), whoMenu());
  if (!first) { bar.append(el("span", { className: "note" }, "Drag in the lanes to select a stretch; with shift a second one to compare.")); return bar; }
  bar.append(button("Zoom to it", () => zoom(Math.min(first[0], second?.[0] ?? first[0]), Math.max(first[1], second?.[1] ?? first[1]))));
  bar.append(button("Copy link", (event) => copyLink(event.target)), button("Export it", () => save(`${stem()}.selection.csv`, "text/csv", selectionCsv())));
  if (!second) bar.append(button("Compare with…", () => compareWithRest()));
  else bar.append(button("Swap", () => { [STATE.first, STATE.second] = [second, first]; tell("selection"); }));
  bar.append(button("Clear", () => { STATE.first = STATE.second = null; tell("selection"); }));
  return bar;
}

/* The stretch of the same length after this one, or before it where there is no more: a start for a second drag. */
function compareWithRest() {
  const [a, b] = STATE.first, long = b - a;
  if (b + long <= DATA.duration) select("second", b, b + long);
  else select("second", Math.max(0, a - long), a);
}

function showSelection() {
  if (STATE.who !== "" && !chosenLanes().length) STATE.who = "";
  if (!LANES.some((lane) => lane.runs.count)) { PANEL.hidden = true; return; }
  const found = shareRows(), span = STATE.first ?? [0, DATA.duration];
  const column = (title, ...nodes) => el("div", {}, el("h3", {}, title), ...nodes);
  PANEL.replaceChildren(selectionBar(), el("div", { className: found.two ? "columns pair" : "columns" },
    el("div", { className: "wide-column" }, ...sharesTable(found)),
    column("Changes", changesList(found.one), ...(found.two ? [el("h3", {}, "Changes in B"), changesList(found.two)] : [])),
    column("Peaks", peaksList(span), ...(STATE.second ? [el("h3", {}, "Peaks in B"), peaksList(STATE.second)] : [])),
    ...(DATA.words.length ? [column("Words", quotesList(span), ...(STATE.second ? [el("h3", {}, "Words in B"), quotesList(STATE.second)] : []))] : [])));
}

function selectionCsv() {
  const { one, two, rows } = shareRows(), spans = [["A", STATE.first, one], ["B", STATE.second, two]].filter(([, span]) => span);
  const lines = [["selection", "start", "end", "person", "label", "share", "low", "high", "seconds", "steps"]];
  for (const [name, span, part] of spans) {
    for (const row of rows) {
      const share = name === "A" ? row.one : row.two, c = CLASSES.indexOf(row.label);
      lines.push([name, span[0] / 1000, span[1] / 1000, STATE.who === "" ? "everybody" : LANES[Number(STATE.who)].name, className(row.label), ...(share ? [share.value, share.low, share.high].map((n) => (n === null ? "" : n.toFixed(4))) : ["", "", ""]), (part.ms[c] / 1000).toFixed(2), part.n]);
    }
  }
  return csv(lines);
}

/* report.html#t=42.5 opens at that second, #t=12,30 selects from 12 to 30 s; &b=40,50 is the second selection. */
function address() {
  const seconds = (ms) => String(Math.round(ms / 100) / 10), span = (two) => two.map(seconds).join(",");
  if (!STATE.first) return `#t=${seconds(STATE.time)}`;
  return `#t=${span(STATE.first)}${STATE.second ? `&b=${span(STATE.second)}` : ""}`;
}

function openAtHash() {
  const found = new Map([...location.hash.matchAll(/[#&]([tb])=(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?=&|$)/g)].map(([, key, a, b]) => [key, [a, b].filter((part) => part !== undefined).map((part) => Number(part) * 1000)]));
  const t = found.get("t");
  if (!t) return;
  if (t.length === 2 && t[1] > t[0]) {
    STATE.second = null;
    select("first", t[0], t[1]);
    const b = found.get("b");
    if (b?.length === 2 && b[1] > b[0]) select("second", b[0], b[1]);
  }
  seek(t[0]);
}

async function copyLink(target) {
  const link = location.href.split("#")[0] + address(), before = target.textContent;
  history.replaceState(null, "", address());
  try { await navigator.clipboard.writeText(link); } catch { copyByHand(link); }
  target.textContent = "Copied";
  setTimeout(() => { target.textContent = before; }, 1200);
}

/* Where a page from a folder may not use the clipboard. */
function copyByHand(text) {
  const box = el("textarea", { value: text, className: "unseen", "aria-hidden": "true" });
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

on("selection", showSelection);
/* What nobody has looked at yet is made when it comes into view. */
for (const what of ["filter", "names"]) on(what, () => { if (PANEL.childElementCount) showSelection(); });
