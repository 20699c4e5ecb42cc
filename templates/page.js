/* Filters, keys, transcript, plots, printing: everything around the lanes. */

function filterMenu(box, names, hidden) {
  for (const [name, text] of names) {
    const tick = el("input", { type: "checkbox", checked: true });
    tick.onchange = () => { if (tick.checked) hidden.delete(name); else hidden.add(name); tell("filter"); };
    box.append(el("label", {}, tick, " ", el("bdi", {}, text)));
  }
}
filterMenu($("people-menu"), DATA.lanes.map((lane) => [laneName(lane), laneName(lane)]), STATE.people);
filterMenu($("modality-menu"), Object.entries(MODALITY_WORDS), STATE.modalities);
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

$("mode").onclick = () => {
  STATE.mode = STATE.mode === "ribbon" ? "curves" : "ribbon";
  $("mode").setAttribute("aria-pressed", String(STATE.mode === "curves"));
  build();
};
$("unfold").onclick = () => {
  const open = STATE.open.size > 0;
  STATE.open.clear();
  if (!open) for (const lane of DATA.lanes) STATE.open.add(lane);
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
};
document.addEventListener("keydown", (event) => {
  const tag = event.target.tagName;
  const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(tag);
  const ownUse = ["VIDEO", "AUDIO"].includes(tag) || (event.key === " " && ["BUTTON", "SUMMARY", "A"].includes(tag));
  const call = KEYS[event.key];
  if (!call || typing || ownUse || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  call(event);
});

/* Anything with data-seek goes to that time: transcript lines, rows of the table of events, times in sentences. */
document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek]");
  if (!target || getSelection().toString()) return;
  seek(Number(target.dataset.seek));
});

const LIST = $("transcript-list");
if (LIST) {
  const lines = [...LIST.children], starts = DATA.words.map((said) => said[0]);
  let current = -1;
  const showCurrent = () => {
    const at = before(starts, STATE.time);
    const here = at >= 0 && STATE.time < DATA.words[at][1] ? at : -1;
    if (here === current) return;
    lines[current]?.classList.remove("on");
    lines[current]?.removeAttribute("aria-current");
    current = here;
    if (here < 0) return;
    lines[here].classList.add("on");
    lines[here].setAttribute("aria-current", "true");
    if ($("follow").checked && !lines[here].hidden) {
      LIST.scrollTop = lines[here].offsetTop - LIST.clientHeight / 3;
    }
  };
  const search = () => {
    const wanted = $("search").value.trim().toLocaleLowerCase();
    let found = 0;
    lines.forEach((line, i) => {
      const cell = line.querySelector(".text"), text = DATA.words[i][2];
      const at = wanted ? text.toLocaleLowerCase().indexOf(wanted) : -1;
      line.hidden = (wanted && at < 0) || !shownPerson(DATA.words[i][3]);
      if (!line.hidden) found++;
      if (at < 0) cell.textContent = text;
      else cell.replaceChildren(text.slice(0, at), el("mark", {}, text.slice(at, at + wanted.length)), text.slice(at + wanted.length));
    });
    $("found").textContent = wanted ? `${found} of ${lines.length} lines` : "";
  };
  $("search").addEventListener("input", search);
  on("time", showCurrent);
  on("filter", search);
}

/* Plotly for the matrices and paths: they are few, small, and its hover and scales serve them. */
const SCALE = () => [[0, THEME.sunk], [1, THEME.scale]];
function themed(layout) {
  const axis = { gridcolor: THEME.grid, linecolor: THEME.line, zerolinecolor: THEME.line, tickcolor: THEME.line };
  const all = { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: THEME.ink, size: 12, family: FONT.slice(5) } };
  for (const name of ["xaxis", "yaxis"]) all[name] = { ...axis, ...layout[name] };
  all.hoverlabel = { bgcolor: THEME.page, bordercolor: THEME.line, font: { color: THEME.ink } };
  return all;
}

function sizeOf(node) {
  const figure = DATA.figures[node.dataset.figure], width = Math.min(node.parentElement.clientWidth, figure.width);
  return [width, Math.round(width * figure.ratio)];
}

function plot(node) {
  const figure = DATA.figures[node.dataset.figure];
  const data = figure.data.map((trace) => {
    if (trace.type === "heatmap") return { ...trace, colorscale: SCALE(), textfont: { color: THEME.ink } };
    if (!trace.line) return trace;
    return { ...trace, line: { ...trace.line, color: THEME.hatch }, marker: { ...trace.marker, colorscale: [[0, THEME.hatch], [1, THEME.accent]] } };
  });
  const [width, height] = sizeOf(node);
  node.style.minHeight = `${height}px`;
  Plotly.react(node, data, { ...themed(figure.layout), width, height }, { displayModeBar: false, responsive: false, scrollZoom: false });
  node.dataset.drawn = "yes";
}
const PLOTS = [...document.querySelectorAll(".plot")];
const SEEN = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting && !entry.target.dataset.drawn) plot(entry.target);
}, { rootMargin: "600px" });

function refresh() {
  readTheme();
  drawNow();
  drawOverlay();
  for (const node of PLOTS) if (node.dataset.drawn) plot(node);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);

/* Paper: light colours, the width of a page, everything drawn and nothing folded away. */
addEventListener("beforeprint", () => {
  document.documentElement.classList.add("paper");
  readTheme();
  drawNow();
  PLOTS.forEach(plot);
});
addEventListener("afterprint", () => { document.documentElement.classList.remove("paper"); refresh(); });

let oldWidth = 0;
new ResizeObserver(() => {
  if (laneWidth() === oldWidth) return;
  oldWidth = laneWidth();
  drawAll();
  for (const node of PLOTS) if (node.dataset.drawn) plot(node);
}).observe(CHART);

readTheme();
build();
drawNow();
moveTo(0);
/* report.html#t=42.5 opens at that second, so that a moment can be linked to. */
function openAtHash() {
  const asked = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (asked) seek(Number(asked[1]) * 1000);
}
addEventListener("hashchange", openAtHash);
openAtHash();
for (const node of PLOTS) {
  // Room is kept before a plot is drawn, so that nothing moves when it is.
  node.style.minHeight = `${sizeOf(node)[1]}px`;
  SEEN.observe(node);
}
document.documentElement.classList.add("ready");
