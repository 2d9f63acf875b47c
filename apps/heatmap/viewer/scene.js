// A picture as a list of shapes, drawn the same way as SVG (screen and export) and on a canvas (large matrices and PNG).

const FONT = '"DejaVu Sans", "Noto Sans", "Helvetica Neue", Arial, "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Color Emoji", sans-serif';

const measuring = document.createElement("canvas").getContext("2d");
function textWidth(text, size, bold = false) {
  measuring.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
  return measuring.measureText(text).width;
}

const escapeXml = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)
  .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
const px = x => String(Math.round(x * 100) / 100);

const isRightToLeft = text => /^[^\p{L}]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u.test(text);

// A token for people: white space and characters without a glyph of their own made visible; emoji joined by joiners stay whole.
function visible(text) {
  if (text === "") return "\u2205";
  let shown = text.replace(/[\s\u00a0]/gu, "\u2423").replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd")
    .replace(/[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, c => `\u27e8${c.charCodeAt(0).toString(16).padStart(4, "0")}\u27e9`);
  if (/^\p{M}/u.test(shown)) shown = "\u25cc" + shown;  // a mark without its letter
  return /^[\u200c\u200d\ufe0f]+$/.test(shown) ? shown.replace(/./gu, c => `\u27e8${c.codePointAt(0).toString(16)}\u27e9`) : shown;
}

// The text cut to a width, between what people take for characters.
const segmenter = globalThis.Intl?.Segmenter ? new Intl.Segmenter(undefined, {granularity: "grapheme"}) : null;
const lettersOf = text => segmenter ? [...segmenter.segment(text)].map(part => part.segment) : Array.from(text);
function shortened(text, size, width) {
  if (textWidth(text, size) <= width) return text;
  const letters = lettersOf(text);
  while (letters.length > 1 && textWidth(letters.join("") + "\u2026", size) > width) letters.pop();
  return letters.join("") + "\u2026";
}

// The place of a cell; `reversed`: the first column is at the right.
const cellX = (cells, column) => cells.x + (cells.reversed ? cells.columns - 1 - column : column) * cells.cell;
const cellY = (cells, row) => cells.y + row * cells.cell;
const linkPath = s => {
  const middle = (s.x1 + s.x2) / 2;
  return `M${px(s.x1)} ${px(s.y1)}C${px(middle)} ${px(s.y1)} ${px(middle)} ${px(s.y2)} ${px(s.x2)} ${px(s.y2)}`;
};

const svgOf = {
  rect: s => `<rect x="${px(s.x)}" y="${px(s.y)}" width="${px(s.width)}" height="${px(s.height)}" fill="${s.fill ?? "none"}"` +
    `${s.stroke ? ` stroke="${s.stroke}"` : ""}${s.lineWidth ? ` stroke-width="${s.lineWidth}"` : ""}/>`,
  line: s => `<path d="M${px(s.x1)} ${px(s.y1)}L${px(s.x2)} ${px(s.y2)}" stroke="${s.stroke}" fill="none"/>`,
  link: s => `<path class="link" data-row="${s.row}" data-column="${s.column}" d="${linkPath(s)}" stroke="${s.stroke}" ` +
    `stroke-width="${px(s.width)}" stroke-opacity="${px(s.opacity)}" fill="none" stroke-linecap="round"/>`,
  text: s => `<text x="${px(s.x)}" y="${px(s.y)}" dy="0.35em" font-size="${px(s.size)}" text-anchor="${s.anchor ?? "start"}" fill="${s.fill}"` +
    `${s.bold ? ' font-weight="bold"' : ""}${s.italic ? ' font-style="italic"' : ""}${s.data ?? ""}` +
    `${s.angle ? ` transform="rotate(${s.angle} ${px(s.x)} ${px(s.y)})"` : ""}>${escapeXml(s.text)}</text>`,
  cells(s) {
    let svg = '<g shape-rendering="crispEdges">';
    for (let r = 0; r < s.rows; ++r) {
      for (let c = 0; c < s.columns; ++c) {
        const shade = s.shade(r, c), fill = shade < 0 ? "url(#hatch)" : s.shades.css[shade];
        svg += `<rect x="${px(cellX(s, c))}" y="${px(cellY(s, r))}" width="${px(s.cell)}" height="${px(s.cell)}" fill="${fill}"/>`;
      }
    }
    return svg + "</g>";
  },
};

function sceneSvg(scene, whole = false) {
  const {width, height, colours} = scene;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${px(width)}" height="${px(height)}" viewBox="0 0 ${px(width)} ${px(height)}" ` +
    `font-family='${FONT}' role="img" aria-label="${escapeXml(scene.label)}">` +
    `<style>text{unicode-bidi:plaintext}</style><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse">` +
    `<rect width="6" height="6" fill="${colours.panel}"/><path d="M-1 1l2 -2M0 6l6 -6M5 7l2 -2" stroke="${colours.edge}"/></pattern></defs>` +
    (whole ? `<rect width="100%" height="100%" fill="${colours.back}"/>` : "") + scene.shapes.map(s => svgOf[s.shape](s)).join("") + "</svg>";
}

const paintOf = {
  rect(context, s) {
    if (s.fill) { context.fillStyle = s.fill; context.fillRect(s.x, s.y, s.width, s.height); }
    if (s.stroke) { context.strokeStyle = s.stroke; context.lineWidth = s.lineWidth ?? 1; context.strokeRect(s.x, s.y, s.width, s.height); }
  },
  line(context, s) {
    context.strokeStyle = s.stroke;
    context.lineWidth = 1;
    context.stroke(new Path2D(`M${s.x1} ${s.y1}L${s.x2} ${s.y2}`));
  },
  link(context, s) {
    context.globalAlpha = s.opacity;
    context.strokeStyle = s.stroke;
    context.lineWidth = s.width;
    context.stroke(new Path2D(linkPath(s)));
    context.globalAlpha = 1;
  },
  text(context, s) {
    context.save();
    context.translate(s.x, s.y);
    context.rotate((s.angle ?? 0) * Math.PI / 180);
    context.font = `${s.italic ? "italic " : ""}${s.bold ? "bold " : ""}${s.size}px ${FONT}`;
    context.textBaseline = "middle";
    context.textAlign = {start: "left", middle: "center", end: "right"}[s.anchor ?? "start"];
    context.direction = isRightToLeft(s.text) ? "rtl" : "ltr";
    context.fillStyle = s.fill;
    context.fillText(s.text, 0, 0);
    context.restore();
  },
  cells(context, s, scene) {  // a pixel a cell, then enlarged
    const small = document.createElement("canvas");
    small.width = s.columns;
    small.height = s.rows;
    const pixels = new ImageData(s.columns, s.rows), hatched = [];
    for (let r = 0; r < s.rows; ++r) {
      for (let c = 0; c < s.columns; ++c) {
        const shade = s.shade(r, c), at = 4 * (r * s.columns + (s.reversed ? s.columns - 1 - c : c));
        if (shade < 0) { hatched.push([r, c]); continue; }
        pixels.data.set(s.shades.bytes[shade], at);
        pixels.data[at + 3] = 255;
      }
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, s.x, s.y, s.columns * s.cell, s.rows * s.cell);
    context.fillStyle = hatchOn(context, scene.colours);
    for (const [r, c] of hatched) context.fillRect(cellX(s, c), cellY(s, r), s.cell, s.cell);
  },
};
function hatchOn(context, colours) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const draw = tile.getContext("2d");
  draw.fillStyle = colours.panel;
  draw.fillRect(0, 0, 6, 6);
  draw.strokeStyle = colours.edge;
  draw.stroke(new Path2D("M-1 1l2 -2M0 6l6 -6M5 7l2 -2"));
  return context.createPattern(tile, "repeat");
}

// The scene on a canvas of `scale` pixels a unit, at most as large as browsers take.
function sceneCanvas(scene, scale) {
  const least = Math.min(scale, 16000 / scene.width, 16000 / scene.height, Math.sqrt(2e8 / (scene.width * scene.height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(scene.width * least);
  canvas.height = Math.ceil(scene.height * least);
  canvas.style.width = `${scene.width}px`;
  canvas.style.height = `${scene.height}px`;
  const context = canvas.getContext("2d");
  context.scale(least, least);
  if (scene.filled) { context.fillStyle = scene.colours.back; context.fillRect(0, 0, scene.width, scene.height); }
  for (const s of scene.shapes) paintOf[s.shape](context, s, scene);
  return canvas;
}
