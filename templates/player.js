/* The clock that moves the playhead: the recording, or a timer where there is none. */

const MEDIA = $("media");
const OVERLAY = $("overlay");
const SCREEN = $("screen");
let SHOW_BOXES = true;
let TIMER = null;

const hasMedia = () => Boolean(MEDIA && MEDIA.currentSrc && !MEDIA.error);
const speed = () => Number($("speed").value);
const playing = () => (hasMedia() ? !MEDIA.paused && !MEDIA.ended : TIMER !== null);

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

function tick() {
  if (hasMedia()) moveTo(MEDIA.currentTime * 1000);
  else if (TIMER) {
    moveTo(TIMER.from + (performance.now() - TIMER.at) * speed());
    if (STATE.time >= DATA.duration) TIMER = null;
  }
  if (playing()) requestAnimationFrame(tick);
  else showPlaying();
}

function showPlaying() {
  $("play").textContent = playing() ? "Pause" : "Play";
}

function stepEvent(direction) {
  const times = DATA.events.filter((event) => shownPerson(event[2])).map((event) => event[0]);
  const next = direction > 0 ? times.find((time) => time > STATE.time + 50) : times.filter((time) => time < STATE.time - 50).pop();
  if (next !== undefined) seek(next);
}

/* Boxes and names over the picture; between two readings of one face the box glides. */
function faceBox(face, i) {
  const at = (n, step) => face.b[n * face.count + step], box = [0, 1, 2, 3].map((n) => at(n, i)), next = i + 1;
  if (next >= face.count || face.start[next] - face.start[i] > 600) return box;
  const share = (STATE.time - face.start[i]) / Math.max(1, face.start[next] - face.start[i]);
  return box.map((edge, n) => edge + (at(n, next) - edge) * Math.min(1, Math.max(0, share)));
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
  if (!SHOW_BOXES) return;
  pen.font = `600 ${width < 480 ? 11 : 12}px ${FONT.slice(5)}`;
  pen.textBaseline = "middle";
  const taken = [];
  for (const lane of shownLanes()) {
    if (lane.beside) continue;
    const face = lane.face, i = face?.start ? stepAt(face, STATE.time) : -1;
    if (i < 0 || !face.b[2 * face.count + i]) continue;
    const [left, top, right, bottom] = faceBox(face, i).map((edge, n) => (edge / 1000) * (n % 2 ? height : width));
    drawBox(pen, lane, [left, top, right, bottom], width, height, taken);
  }
}

function drawBox(pen, lane, [left, top, right, bottom], width, height, taken) {
  const { fused } = shown(lane), i = stepAt(fused, STATE.time), label = i < 0 ? GAP : fused.l[i];
  const reading = label >= 0 ? `${NAMES[label]} ${decimal(probability(fused, i, label))}` : className(label);
  const text = width < 320 ? `${lane.name} · ${label >= 0 ? NAMES[label] : "?"}` : `${lane.name} · ${reading}`;
  const colour = label >= 0 ? COLOURS[label] : "#ffffff";
  pen.lineWidth = 4; pen.strokeStyle = "#000a"; pen.strokeRect(left, top, right - left, bottom - top);
  pen.lineWidth = 2; pen.strokeStyle = lane.colour ?? colour; pen.strokeRect(left, top, right - left, bottom - top);
  const wide = pen.measureText(text).width + 10, x = Math.max(0, Math.min(left - 1, width - wide));
  const free = (y) => y >= 0 && !taken.some((box) => x < box[1] && x + wide > box[0] && Math.abs(y - box[2]) < 19);
  const y = [top - 20, bottom + 1, top + 1].find(free) ?? bottom - 20;
  taken.push([x, x + wide, y]);
  pen.fillStyle = colour; pen.fillRect(x, y, wide, 19);
  pen.fillStyle = inkOn(colour); pen.fillText(text, x + 5, y + 10);
}

function mediaFailed() {
  $("media-failed").hidden = false;
  if (SCREEN) SCREEN.hidden = true;
  showPlaying();
}

if (MEDIA) {
  for (const name of ["play", "playing"]) MEDIA.addEventListener(name, () => { showPlaying(); tick(); });
  for (const name of ["pause", "ended"]) MEDIA.addEventListener(name, showPlaying);
  for (const name of ["seeked", "timeupdate"]) MEDIA.addEventListener(name, () => { if (hasMedia()) moveTo(MEDIA.currentTime * 1000); });
  MEDIA.addEventListener("error", mediaFailed);
  if (MEDIA.error) mediaFailed();
  if (MEDIA.tagName === "VIDEO") MEDIA.addEventListener("click", toggle);
  new ResizeObserver(drawOverlay).observe(OVERLAY ?? MEDIA);
}

/* When the picture is scrolled out of sight it stands small in a corner, so that a click anywhere seeks in sight. */
let MINI = true;
if (SCREEN && OVERLAY) {
  new IntersectionObserver(([entry]) => {
    SCREEN.classList.toggle("mini", MINI && !entry.isIntersecting && hasMedia());
    drawOverlay();
  }, { threshold: 0.15 }).observe($("stage"));
  $("mini-close").onclick = () => { MINI = false; SCREEN.classList.remove("mini"); drawOverlay(); };
}

/* The reader may point the page at the recording: it stays on this computer, as a blob address. */
for (const input of document.querySelectorAll(".file input")) {
  input.addEventListener("change", () => {
    if (!input.files.length || !MEDIA) return;
    MEDIA.src = URL.createObjectURL(input.files[0]);
    SCREEN.hidden = false;
    $("stage").classList.toggle("low", !OVERLAY);
    if ($("boxes")) $("boxes").hidden = false;
    $("media-failed").hidden = true;
    for (const box of document.querySelectorAll("[data-empty=no-player]")) box.hidden = true;
  });
}

$("play").onclick = toggle;
$("event-before").onclick = () => stepEvent(-1);
$("event-after").onclick = () => stepEvent(1);
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
on("time", drawOverlay);
on("filter", drawOverlay);
on("names", drawOverlay);
