/* A pen with the methods of a canvas that the lanes are drawn with, which writes SVG instead: one drawing, two kinds. */

const xml = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`).replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
const MEASURE = el("canvas").getContext("2d");

class VectorPen {
  constructor() {
    this.out = [];
    this.clips = 0;
    this.state = { fillStyle: "#000", strokeStyle: "#000", globalAlpha: 1, lineWidth: 1, font: FONT, textAlign: "left", textBaseline: "alphabetic", dash: [], groups: 0, x: 0, y: 0 };
    this.kept = [];
    this.d = "";
    for (const name of ["fillStyle", "strokeStyle", "globalAlpha", "lineWidth", "font", "textAlign", "textBaseline"]) {
      Object.defineProperty(this, name, { get: () => this.state[name], set: (value) => { this.state[name] = value; } });
    }
  }
  at(x, y) { this.state.x = x; this.state.y = y; }
  n(value) { return Math.round(value * 100) / 100; }
  save() { this.kept.push({ ...this.state }); }
  restore() {
    const before = this.kept.pop();
    for (let i = before.groups; i < this.state.groups; i++) this.out.push("</g>");
    this.state = before;
  }
  paint(style) { return style.tile === undefined ? `fill="${style}"` : `fill="url(#tile-${style.tile})"`; }
  alpha() { return this.globalAlpha < 1 ? ` opacity="${this.globalAlpha}"` : ""; }
  fillRect(x, y, w, h) { if (w > 0 && h > 0) this.out.push(`<rect x="${this.n(x + this.state.x)}" y="${this.n(y + this.state.y)}" width="${this.n(w)}" height="${this.n(h)}" ${this.paint(this.fillStyle)}${this.alpha()}/>`); }
  strokeRect(x, y, w, h) { this.beginPath(); this.rect(x, y, w, h); this.stroke(); }
  beginPath() { this.d = ""; }
  moveTo(x, y) { this.d += `M${this.n(x + this.state.x)} ${this.n(y + this.state.y)}`; }
  lineTo(x, y) { this.d += `L${this.n(x + this.state.x)} ${this.n(y + this.state.y)}`; }
  rect(x, y, w, h) { this.d += `M${this.n(x + this.state.x)} ${this.n(y + this.state.y)}h${this.n(w)}v${this.n(h)}h${this.n(-w)}z`; }
  arc(x, y, r) { this.d += `M${this.n(x + this.state.x - r)} ${this.n(y + this.state.y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`; }
  closePath() { this.d += "z"; }
  fill() { this.out.push(`<path d="${this.d}" ${this.paint(this.fillStyle)}${this.alpha()}/>`); }
  stroke() { this.out.push(`<path d="${this.d}" fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"${this.state.dash.length ? ` stroke-dasharray="${this.state.dash.join(" ")}"` : ""}${this.alpha()}/>`); }
  clip() {
    this.out.push(`<clipPath id="clip-${++this.clips}"><path d="${this.d}"/></clipPath><g clip-path="url(#clip-${this.clips})">`);
    this.state.groups++;
  }
  setLineDash(dash) { this.state.dash = dash; }
  createPattern(tile) { return { tile: TILES.indexOf(tile) }; }
  measureText(text) { MEASURE.font = this.font; return MEASURE.measureText(text); }
  fillText(text, x, y) {
    const down = { top: 9, middle: 4, alphabetic: 0 }[this.textBaseline] ?? 0, anchor = { center: "middle", right: "end" }[this.textAlign] ?? "start";
    this.out.push(`<text x="${this.n(x + this.state.x)}" y="${this.n(y + this.state.y + down)}" text-anchor="${anchor}" fill="${this.fillStyle}"${this.font.startsWith("600") ? ' font-weight="600"' : ""}>${xml(text)}</text>`);
  }
  drawImage(image, ...rest) {
    const [x, y, w, h] = rest.slice(-4);
    this.out.push(`<svg x="${this.n(x + this.state.x)}" y="${this.n(y + this.state.y)}" width="${this.n(w)}" height="${this.n(h)}" viewBox="0 0 ${this.n(w)} ${this.n(h)}"><image href="${xml(image.src)}" width="${this.n(w)}" height="${this.n(h)}" preserveAspectRatio="xMidYMid slice"/></svg>`);
  }
  svg(width, height) {
    const tiles = SHAPES.map((_, k) => {
      const pen = new TilePen();
      pen.strokeStyle = pen.fillStyle = inkOn(COLOURS[k]);
      drawTile(pen, k);
      return `<pattern id="tile-${k}" width="8" height="8" patternUnits="userSpaceOnUse">${pen.out.join("")}</pattern>`;
    });
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11"><defs>${tiles.join("")}</defs>${this.out.join("")}</svg>`;
  }
}
class TilePen extends VectorPen {
  constructor() { super(); this.globalAlpha = 0.34; this.lineWidth = 1.2; }
}
