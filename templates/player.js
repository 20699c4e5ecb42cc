/* The clock that moves the playhead (the recording, or a timer where there is none), and what shows "now". */

const MEDIA = $("media");
const OVERLAY = $("overlay");
let SHOW_BOXES = true;
let TIMER = null;

const hasMedia = () => Boolean(MEDIA && MEDIA.currentSrc && !MEDIA.error);

function moveTo(ms) {
  STATE.time = Math.max(0, Math.min(DATA.duration, ms));
  tell("time");
}

function seek(ms) {
  const time = Math.max(0, Math.min(DATA.duration, ms));
  if (MEDIA?.hasAttribute("src")) MEDIA.currentTime = time / 1000;
  if (TIMER) TIMER = { at: performance.now(), from: time };
  moveTo(time);
}

function toggle() {
  if (hasMedia()) {
    if (MEDIA.paused) MEDIA.play().catch(() => {}); else MEDIA.pause();
  } else {
    TIMER = TIMER ? null : { at: performance.now(), from: STATE.time >= DATA.duration ? 0 : STATE.time };
    tick();
  }
  showPlaying();
}

const speed = () => Number($("speed").value);
function tick() {
  if (hasMedia()) moveTo(MEDIA.currentTime * 1000);
  else if (TIMER) {
    moveTo(TIMER.from + (performance.now() - TIMER.at) * speed());
    if (STATE.time >= DATA.duration) TIMER = null;
  }
  if (hasMedia() ? !MEDIA.paused && !MEDIA.ended : TIMER) requestAnimationFrame(tick);
  else showPlaying();
}

function showPlaying() {
  const now = hasMedia() ? !MEDIA.paused && !MEDIA.ended : TIMER !== null;
  $("play").textContent = now ? "Pause" : "Play";
}

function stepEvent(direction) {
  const times = DATA.events.filter((event) => shownPerson(event[2])).map((event) => event[0]);
  const next = direction > 0 ? times.find((time) => time > STATE.time + 50) : times.filter((time) => time < STATE.time - 50).pop();
  if (next !== undefined) seek(next);
}

/* Boxes and names over the picture; between two readings of one face the box glides. */
function faceBox(face, i) {
  const box = face.b.slice(4 * i, 4 * i + 4), next = i + 1;
  if (next >= face.count || face.start[next] - face.start[i] > 600) return box;
  const share = (STATE.time - face.start[i]) / Math.max(1, face.start[next] - face.start[i]);
  return box.map((edge, n) => edge + (face.b[4 * next + n] - edge) * Math.min(1, Math.max(0, share)));
}

/* Where the picture lies in the space of its player: a recording may change its shape, and then has bars beside it. */
function pictureArea(width, height) {
  const wide = MEDIA.videoWidth || width, tall = MEDIA.videoHeight || height;
  const scale = Math.min(width / wide, height / tall);
  return { left: (width - wide * scale) / 2, top: (height - tall * scale) / 2, width: wide * scale, height: tall * scale };
}

function drawOverlay() {
  if (!OVERLAY) return;
  const ratio = window.devicePixelRatio || 1, space = [OVERLAY.clientWidth, OVERLAY.clientHeight];
  OVERLAY.width = space[0] * ratio;
  OVERLAY.height = space[1] * ratio;
  const pen = OVERLAY.getContext("2d"), { left: x0, top: y0, width, height } = pictureArea(...space);
  pen.scale(ratio, ratio);
  pen.translate(x0, y0);
  if (!SHOW_BOXES || !shownModality("face")) return;
  pen.font = `600 ${width < 480 ? 11 : 12}px ${FONT.slice(5)}`;
  pen.textBaseline = "middle";
  const taken = [];
  for (const lane of shownLanes()) {
    const i = stepAt(lane.face, STATE.time);
    if (i < 0 || !lane.face.b[4 * i + 2]) continue;
    const [left, top, right, bottom] = faceBox(lane.face, i).map((edge, n) => (edge / 1000) * (n % 2 ? height : width));
    const fused = stepAt(lane.fused, STATE.time), label = fused < 0 ? GAP : lane.fused.l[fused];
    const reading = label >= 0 ? `${NAMES[label]} ${decimal(lane.fused.p[7 * fused + label])}` : "too weak to name";
    const text = width < 480 ? `${laneName(lane)} · ${label >= 0 ? NAMES[label] : "?"}` : `${laneName(lane)} · ${reading}`;
    const colour = label >= 0 ? COLOURS[label] : "#ffffff";
    pen.lineWidth = 4; pen.strokeStyle = "#000a"; pen.strokeRect(left, top, right - left, bottom - top);
    pen.lineWidth = 2; pen.strokeStyle = colour; pen.strokeRect(left, top, right - left, bottom - top);
    const wide = pen.measureText(text).width + 10, x = Math.max(0, Math.min(left - 1, width - wide));
    const free = (y) => y >= 0 && !taken.some((box) => x < box[1] && x + wide > box[0] && Math.abs(y - box[2]) < 19);
    const y = [top - 20, bottom + 1, top + 1].find(free) ?? bottom - 20;
    taken.push([x, x + wide, y]);
    pen.fillStyle = colour; pen.fillRect(x, y, wide, 19);
    pen.fillStyle = inkOn(colour); pen.fillText(text, x + 5, y + 10);
  }
}

/* The NOW panel is rebuilt only when a step, not a frame, has passed. */
let shownKey = null;
function nowKey() {
  const lanes = shownLanes().map((lane) => stepAt(lane.fused, STATE.time)).join();
  return `${lanes}|${spansAt(DATA.words, STATE.time).map((said) => said[0])}|${[...STATE.people, ...STATE.modalities].join()}`;
}

function bar(columns, i, k) {
  const p = columns.p[7 * i + k] / 10, s = columns.s[7 * i + k] / 10;
  const low = Math.max(0, p - s), high = Math.min(100, p + s);
  return el("div", { className: "row" },
    el("span", { className: "lab" }, NAMES[k]),
    el("span", { className: "track" },
      el("i", { style: { width: `${p}%`, "background-color": `var(--${NAMES[k]})`, "background-image": `var(--pat-${NAMES[k]})` } }),
      el("u", { style: { left: `${low}%`, width: `${high - low}%` } })),
    el("span", { className: "val" }, `${(p / 100).toFixed(2)} ±${(s / 100).toFixed(2)}`));
}

function whyLine(fused, i) {
  const parts = ["face", "voice", "text"].map((part, n) => [part, fused.w[3 * i + n]]).filter(([part, share]) => share && shownModality(part));
  const shares = parts.map(([part, share]) => `${MODALITY_WORDS[part]} ${(share / 100).toFixed(2)}`).join(" · ");
  return `why: ${shares}${fused.d[i] >= 0 ? ` · disagreement ${decimal(fused.d[i])}` : ""}`;
}

function showNow() {
  $("now-time").textContent = clock(STATE.time);
  $("position").value = STATE.time;
  $("position").setAttribute("aria-valuetext", clock(STATE.time));
  $("at").textContent = `${clock(STATE.time)} / ${clock(DATA.duration)}`;
  const key = nowKey();
  if (key === shownKey) return;
  shownKey = key;
  const cards = [], absent = [];
  for (const lane of shownLanes()) {
    const fused = lane.fused, i = stepAt(fused, STATE.time);
    if (!fused.count) continue;
    if (i < 0 || fused.l[i] === GAP) {
      const reason = i < 0 ? spansAt(fused.gaps, STATE.time)[0]?.[2] : fused.reasons[fused.r[i]];
      if (lane.person !== null) absent.push(el("p", { className: "note" }, el("bdi", {}, laneName(lane)), ` – no evidence${reason ? `: ${reason}` : ""}`));
      continue;
    }
    const title = fused.l[i] === UNNAMED ? " – reading too weak to name" : "";
    cards.push(el("div", { className: "who" }, el("div", {}, el("b", {}, el("bdi", {}, laneName(lane))), title),
      ...ranked(fused, i).slice(0, 3).map((k) => bar(fused, i, k)), el("div", { className: "why" }, whyLine(fused, i))));
  }
  const said = spansAt(DATA.words, STATE.time).filter((words) => shownPerson(words[3]) && shownModality("text"));
  const quotes = said.map((words) => el("blockquote", { dir: "auto" }, `“${words[2]}”`));
  if (!cards.length && !absent.length) absent.push(el("p", { className: "note" }, "No readings to show here."));
  $("now-body").replaceChildren(...cards, ...absent, ...quotes);
}

function mediaFailed() {
  $("media-failed").hidden = false;
  showPlaying();
}

if (MEDIA) {
  for (const name of ["play", "playing"]) MEDIA.addEventListener(name, () => { showPlaying(); tick(); });
  for (const name of ["pause", "ended"]) MEDIA.addEventListener(name, showPlaying);
  for (const name of ["seeked", "timeupdate"]) MEDIA.addEventListener(name, () => { if (hasMedia()) moveTo(MEDIA.currentTime * 1000); });
  MEDIA.addEventListener("error", mediaFailed);
  if (MEDIA.error) mediaFailed();
  new ResizeObserver(drawOverlay).observe(OVERLAY ?? MEDIA);
}

/* The reader may point the page at the recording: it stays on this computer, as a blob address. */
for (const input of document.querySelectorAll(".file input")) {
  input.addEventListener("change", () => {
    if (!input.files.length || !MEDIA) return;
    MEDIA.src = URL.createObjectURL(input.files[0]);
    $("screen").hidden = false;
    if ($("boxes")) $("boxes").hidden = false;
    $("media-failed").hidden = true;
    for (const box of document.querySelectorAll("[data-empty=no-player]")) box.hidden = true;
  });
}

$("play").onclick = toggle;
$("event-before").onclick = () => stepEvent(-1);
$("event-after").onclick = () => stepEvent(1);
$("position").max = DATA.duration;
$("position").oninput = (event) => seek(Number(event.target.value));
$("speed").onchange = () => {
  if (MEDIA) MEDIA.playbackRate = speed();
  if (TIMER) TIMER = { at: performance.now(), from: STATE.time };
};
if ($("boxes")) {
  $("boxes").onclick = () => {
    SHOW_BOXES = !SHOW_BOXES;
    $("boxes").setAttribute("aria-pressed", String(SHOW_BOXES));
    drawOverlay();
  };
}
on("time", () => { showNow(); drawOverlay(); });
on("filter", () => { showNow(); drawOverlay(); });
