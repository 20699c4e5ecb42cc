/* Colours of the page as the reader prefers them, for canvases, and a pattern for every emotion. */

const THEME = {};
function readTheme() {
  const style = getComputedStyle(ROOT);
  for (const name of ["page", "sunk", "ink", "soft", "line", "grid", "accent", "hatch", "gap", "scale", "second"]) {
    THEME[name] = style.getPropertyValue(`--${name}`).trim();
  }
}
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif";

/* Black or white, whichever reads better on an emotion's colour (WCAG contrast). */
function inkOn(hex) {
  const channel = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * channel[0] + 0.7152 * channel[1] + 0.0722 * channel[2];
  return 1.05 / (light + 0.05) > (light + 0.05) / 0.05 ? "#fff" : "#000";
}

/* One pattern an emotion, so that no reading rests on colour alone; the same tiles serve canvas and CSS. */
const SHAPES = ["/", "\\", ".", "", "-", "|", "x"];
function drawTile(pen, k) {
  const shape = SHAPES[k];
  const line = (...points) => { pen.beginPath(); pen.moveTo(points[0], points[1]); pen.lineTo(points[2], points[3]); pen.stroke(); };
  if (shape === "/" || shape === "x") for (const d of [-8, 0, 8]) line(d - 1, 9, d + 9, -1);
  if (shape === "\\" || shape === "x") for (const d of [-8, 0, 8]) line(d - 1, -1, d + 9, 9);
  if (shape === "-") line(0, 4, 8, 4);
  if (shape === "|") line(4, 0, 4, 8);
  if (shape === ".") for (const [x, y] of [[2, 2], [6, 6]]) { pen.beginPath(); pen.arc(x, y, 1.2, 0, 7); pen.fill(); }
}
const TILES = SHAPES.map((_, k) => {
  const tile = el("canvas", { width: 8, height: 8 }), pen = tile.getContext("2d");
  pen.strokeStyle = pen.fillStyle = inkOn(COLOURS[k]);
  pen.globalAlpha = 0.34;
  pen.lineWidth = 1.2;
  drawTile(pen, k);
  ROOT.style.setProperty(`--pat-${NAMES[k]}`, `url(${tile.toDataURL()})`);
  return tile;
});

function chip(label, text = className(label)) {
  const style = label >= 0 ? { "--c": `var(--${NAMES[label]})`, "--pat": `var(--pat-${NAMES[label]})` } : {};
  return el("span", { className: label >= 0 ? "chip" : label === GAP ? "chip gapped" : "chip none", style }, text);
}
