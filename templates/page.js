/* Menus, keys and the start: everything around the lanes. */

function modalityRow(part) {
  const tick = el("input", { type: "checkbox", checked: true });
  tick.onchange = () => { if (tick.checked) STATE.off.delete(part); else STATE.off.add(part); tell("filter"); };
  return el("label", {}, tick, " ", MODALITY_WORDS[part]);
}
$("modality-menu").append(...PARTS.map(modalityRow), el("p", { className: "note" }, "What is switched off is taken out of the result: the rest is pooled again here."));
document.addEventListener("click", (event) => {
  // What was clicked may be gone by now: a menu that was drawn again stays open.
  const way = event.composedPath();
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!way.includes(menu)) menu.open = false;
});

$("mode").onclick = () => {
  STATE.mode = STATE.mode === "ribbon" ? "curves" : "ribbon";
  $("mode").setAttribute("aria-pressed", String(STATE.mode === "curves"));
  build();
};
$("unfold").onclick = () => {
  const open = STATE.open.size > 0;
  STATE.open.clear();
  if (!open) for (const lane of LANES) STATE.open.add(lane);
  $("unfold").setAttribute("aria-pressed", String(!open));
  build();
};
$("zoom-in").onclick = () => zoomBy(0.5);
$("zoom-out").onclick = () => zoom(0, DATA.duration);

const KEYS = {
  " ": toggle,
  ArrowLeft: (event) => seek(STATE.time - (event.shiftKey ? 5000 : 1000)),
  ArrowRight: (event) => seek(STATE.time + (event.shiftKey ? 5000 : 1000)),
  "[": () => stepEvent(-1),
  "]": () => stepEvent(1),
  "+": () => zoomBy(0.5),
  "-": () => zoomBy(2),
  0: () => zoom(0, DATA.duration),
  i: () => select("first", STATE.time, Math.max(STATE.time + 500, STATE.first?.[1] ?? STATE.time + 5000)),
  o: () => select("first", Math.min(STATE.first?.[0] ?? STATE.time - 5000, STATE.time - 500), STATE.time),
  Escape: () => { STATE.first = STATE.second = null; tell("selection"); },
};
const TYPING = ["text", "search", "color"];
const typesIn = (node) => node.tagName === "TEXTAREA" || (node.tagName === "INPUT" && TYPING.includes(node.type));
/* A control that was reached by the keyboard keeps its own keys; after a click on it the keys are those of the page. */
document.addEventListener("keydown", (event) => {
  const node = event.target, call = KEYS[event.key];
  if (!call || typesIn(node) || event.ctrlKey || event.metaKey || event.altKey) return;
  const own = ["BUTTON", "SUMMARY", "A", "INPUT"].includes(node.tagName) ? [" "] : node.tagName === "SELECT" ? Object.keys(KEYS) : [];
  if (own.includes(event.key) && BY_KEYBOARD) return;
  event.preventDefault();
  call(event);
});
/* `:focus-visible` turns true with the first key after a click, so it is remembered how the focus came. */
let BY_KEYBOARD = false;
document.addEventListener("keydown", (event) => { if (event.key === "Tab") BY_KEYBOARD = true; }, true);
document.addEventListener("pointerdown", () => { BY_KEYBOARD = false; }, true);
/* Firefox and Chromium press a focused button when the space bar comes up. */
document.addEventListener("keyup", (event) => { if (event.key === " " && !BY_KEYBOARD && !typesIn(event.target)) event.preventDefault(); });

/* Anything with data-seek goes to that time: transcript lines, rows of the table of events, times in sentences. */
document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek]");
  if (!target || getSelection().toString()) return;
  seek(Number(target.dataset.seek));
});

function refresh() {
  readTheme();
  drawNow();
  drawWhole();
  drawOverlay();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);

let oldWidth = 0;
new ResizeObserver(() => {
  WIDTH = WHOLE_WIDTH = 0;
  if (laneWidth() === oldWidth) return;
  oldWidth = laneWidth();
  drawAll();
  drawWhole();
}).observe(CHART);

readTheme();
pairAtStart();
pairMenu();
build();
drawWhole();
placeWhole();
moveTo(0);
showPeople();
showNotes();
addEventListener("hashchange", openAtHash);
openAtHash();

/* The page stands; probabilities, intervals and boxes are opened now, one person after the other. */
for (const lane of LANES) {
  const { fused, ...parts } = await unpack(lane.readings);
  Object.assign(lane, { fused }, parts);
  lane.readings = null;
}
shownKey = null;
build();
moveTo(STATE.time);
showPeople();
ROOT.classList.add("ready");
whenSeen(PANEL, () => { if (!PANEL.childElementCount) showSelection(); }, null, "0px");
