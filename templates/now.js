/* The readings at the playhead: for each person what the face, the voice and the words read as, how much each weighs,
   and what comes of it. Rebuilt only when a step, not a frame, has passed; its room is fixed, so that nothing moves. */

let shownKey = null;
function nowKey() {
  const lanes = shownLanes().map((lane) => (lane.fused?.start ? stepAt(lane.fused, STATE.time) : stepAt(lane.runs, STATE.time))).join();
  return `${lanes}|${wordsNow().map((said) => said[0])}|${[...STATE.off].join()}`;
}
const wordsNow = () => spansAt(rowsBetween(DATA.words, STATE.time, STATE.time + 1, LONGEST_WORDS), STATE.time).filter((said) => shownPerson(said[3]));

/* A bar of the probabilities of all seven. */
function sevenBar(columns, i) {
  const parts = ranked(columns, i).map((k) => el("i", { title: `${NAMES[k]} ${decimal(probability(columns, i, k))}`, style: { width: `${(100 * probability(columns, i, k)) / UNIT}%`, "background-color": `var(--${NAMES[k]})`, "background-image": `var(--pat-${NAMES[k]})` } }));
  return el("span", { className: "seven", "aria-hidden": "true" }, ...parts);
}

/* One term of the pool: reading x weight. */
function term(lane, columns, i, part, m) {
  const weight = columns.w[m * columns.count + i];
  if (!weight) return null;
  const own = opinion(lane[part], columns.start[i], columns.end[i]);
  const k = own ? own.indexOf(Math.max(...own)) : -1;
  return el("span", { className: "term" }, `${MODALITY_WORDS[part]} `, own ? el("b", {}, `${NAMES[k]} ${Math.exp(own[k]).toFixed(2)}`) : "", ` × ${(weight / 100).toFixed(2)}`);
}

function result(columns, i) {
  const k = columns.l[i] >= 0 ? columns.l[i] : ranked(columns, i)[0], p = probability(columns, i, k) / UNIT;
  const [low, high] = columns.s ? bounds(p, halfWidth(columns, i, k) / UNIT) : [];
  const span = columns.s ? ` (${low.toFixed(2)} – ${high.toFixed(2)})` : " (no interval)";
  return [chip(columns.l[i], columns.l[i] >= 0 ? `${NAMES[k]} ${p.toFixed(2)}` : NOT_SURE), el("span", { className: "note" }, columns.l[i] >= 0 ? span : whyUnnamed(columns, i).replace(`${NOT_SURE}: `, " "))];
}

function nowRow(lane) {
  const { fused, runs } = shown(lane), name = el("b", {}, el("bdi", {}, lane.name));
  const i = fused?.start ? stepAt(fused, STATE.time) : -1;
  if (i < 0 || fused.l[i] === GAP) {
    if (lane.person === null) return null;
    return el("div", { className: "who" }, el("div", { className: "top" }, name, el("span", { className: "note" }, `${NO_EVIDENCE}: ${reasonAt(runs, STATE.time)}`)));
  }
  const terms = PARTS.map((part, m) => term(lane, fused, i, part, m)).filter((one) => one);
  const why = el("div", { className: "why" }, ...terms.flatMap((one, n) => (n ? [" · ", one] : [one])), ` = ${columnsResult(fused, i)}`);
  return el("div", { className: "who" }, el("div", { className: "top" }, name, ...result(fused, i)), sevenBar(fused, i), why);
}

function columnsResult(columns, i) {
  const [k] = ranked(columns, i);
  return `${NAMES[k]} ${decimal(probability(columns, i, k))}${columns.d[i] !== 255 && columns.s ? ` · disagreement ${decimal(columns.d[i])}` : ""}`;
}

function showNow() {
  $("now-time").textContent = clock(STATE.time);
  $("at").textContent = `${clock(STATE.time)} / ${clock(DATA.duration)}`;
  const key = nowKey();
  if (key === shownKey) return;
  shownKey = key;
  const rows = shownLanes().filter((lane) => lane.runs.count).map(nowRow).filter((row) => row);
  // Who is there stands before who is not.
  rows.sort((one, other) => (one.children.length === 1) - (other.children.length === 1));
  const quotes = wordsNow().map((said) => el("blockquote", { dir: "auto" }, `“${said[2]}”`));
  if (!rows.length) rows.push(el("p", { className: "note" }, "No readings to show here."));
  if (STATE.off.size) rows.push(el("p", { className: "note" }, `Without ${[...STATE.off].map((part) => MODALITY_WORDS[part]).join(" and ")}: pooled again in this page from what is left, without intervals.`));
  $("now-body").replaceChildren(...quotes, ...rows);
}

on("time", showNow);
for (const what of ["filter", "names"]) on(what, () => { shownKey = null; showNow(); });
