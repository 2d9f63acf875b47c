// The matrix: who looks down, who is looked at across, brightness the weight.

const LARGEST_SVG = 60 * 60;  // of more cells a canvas draws
const NUMBERS_FROM = 30;      // px: cells so large show their numbers

// Size of cells and labels for a view: the zoom of the user on what fits into `room` pixels.
function matrixLayout(view, room, zoom) {
  const rows = view.rows.length, columns = view.columns.length;
  const widest = (tokens, size) => Math.max(0, ...tokens.map(token => textWidth(labelText(token, size), size)));
  const guess = clamp((room - 150) / columns, 5, 40);
  const cell = Math.max(3, Math.round(Math.min(guess, Math.max(14, 1100 / rows)) * zoom * 10) / 10);
  const size = clamp(cell * 0.6, 9, 14);
  const across = widest(view.columns, size);
  // what is lit is larger than small labels, and bold
  const lit = tokens => size < LIT ? Math.max(0, ...tokens.map(token => textWidth(labelText(token, LIT), LIT, true))) : 0;
  const down = Math.max(widest(view.rows, size), lit(view.rows));
  const every = Math.max(1, Math.ceil(size * 1.15 / cell));  // labels that would overlap are left out; hover shows them
  const angle = across + 4 <= cell ? 0 : size + 2 <= cell * Math.SQRT1_2 ? -45 : -90;
  const high = angle === 0 ? size * 1.4 : angle === -90 ? Math.max(across, lit(view.columns)) : (across + size) * Math.SQRT1_2;
  const fed = view.kind === "decoder" ? Math.max(...view.rows.map(token => textWidth(fedText(token), size * 0.8))) + 8 : 0;
  const over = angle === -45 ? Math.max(0, (across + size) * Math.SQRT1_2 - cell / 2) : 0;
  return {cell, size, every, angle, over, x: Math.ceil(24 + fed + down + 8), y: Math.ceil(22 + high + 8), fed, down,
          width: columns * cell, height: rows * cell};
}
const LIT = 12;  // px, the least size of a label that is lit
const labelText = (token, size) => shortened(visible(token.text), size, 150);
const fedText = token => token.fed === undefined ? "" : `${shortened(visible(token.fed), 10, 70)} \u2192`;

// A shade of 256 for a weight, -1 for a cell that cannot be looked at.
function shadeOf(view) {
  if (view.difference) return (r, c) => view.masked(r, c) ? -1 : Math.round(127.5 + 127.5 * clamp(view.matrix.at(r, c), -1, 1));
  const top = Array.from({length: view.rows.length}, (_, r) =>
    view.scale === "row" ? Math.max(1e-9, ...view.matrix.row(r)) : view.scale === "largest" ? view.largest : 1);
  return (r, c) => view.masked(r, c) ? -1 : Math.round(255 * clamp(view.matrix.at(r, c) / top[r], 0, 1));
}
const shortNumber = w => w < 0.005 ? "" : w >= 0.995 ? "1" : w.toFixed(2).slice(1);

function matrixScene(view, layout, look) {
  const {cell, size, x, y, width, height} = layout, {colours} = look, shapes = [];
  const cells = {shape: "cells", x, y, cell, rows: view.rows.length, columns: view.columns.length, reversed: view.reversed,
                 shade: shadeOf(view), shades: view.difference ? look.difference : look.shades};
  const text = (string, at) => shapes.push({shape: "text", text: string, size, fill: colours.text, ...at});
  const inkOf = token => token.end ? colours.faint : colours.text;
  const heading = Math.max(2, x - layout.down);
  text(view.says.columns, {x: heading, y: 9, size: 12, fill: colours.faint});
  text(view.says.rows, {x: 9, y: y + Math.max(height / 2, textWidth(view.says.rows, 12) / 2 - y + 24), size: 12, anchor: "middle", angle: -90, fill: colours.faint});
  view.columns.forEach((token, c) => {
    if (c % layout.every) return;
    const middle = cellX(cells, c) + cell / 2, string = labelText(token, size);
    const anchor = layout.angle === 0 ? "middle" : "start";
    text(string, {x: middle, y: y - (layout.angle === 0 ? size * 0.8 : 5), anchor, angle: layout.angle, fill: inkOf(token), italic: token.unk});
  });
  view.rows.forEach((token, r) => {
    if (r % layout.every) return;
    const middle = cellY(cells, r) + cell / 2;
    text(labelText(token, size), {x: x - 6, y: middle, anchor: "end", fill: inkOf(token), italic: token.unk});
    if (layout.fed) text(fedText(token), {x: x - 6 - layout.down - 6, y: middle, anchor: "end", size: size * 0.8, fill: colours.faint});
  });
  shapes.push(cells);
  if (cell >= NUMBERS_FROM) addNumbers(shapes, view, cells, size);
  if (cell >= 8) addSeams(shapes, cells);
  shapes.push({shape: "rect", x, y, width, height, stroke: colours.edge});
  const legend = addLegend(shapes, view, layout, look);
  return {width: Math.ceil(Math.max(x + width + layout.over, legend, heading + textWidth(view.says.columns, 12)) + 6), height: Math.ceil(y + height + 46), shapes, colours, cells,
          label: view.label};
}
function addNumbers(shapes, view, cells, size) {
  for (let r = 0; r < cells.rows; ++r) {
    for (let c = 0; c < cells.columns; ++c) {
      const shade = cells.shade(r, c), w = view.matrix.at(r, c);
      const string = (w < 0 ? "\u2212" : "") + shortNumber(Math.abs(w));
      if (shade >= 0 && string.length > 1 || string === "1")
        shapes.push({shape: "text", text: string, x: cellX(cells, c) + cells.cell / 2, y: cellY(cells, r) + cells.cell / 2, size: Math.min(size, 12),
                     anchor: "middle", fill: inkOn(cells.shades.bytes[Math.max(0, shade)])});
    }
  }
}
function addSeams(shapes, cells) {  // hairlines lead the eye from a label to its cells
  const stroke = "rgba(128,128,128,0.35)", width = cells.columns * cells.cell, height = cells.rows * cells.cell;
  for (let c = 1; c < cells.columns; ++c)
    shapes.push({shape: "line", x1: cells.x + c * cells.cell, y1: cells.y, x2: cells.x + c * cells.cell, y2: cells.y + height, stroke});
  for (let r = 1; r < cells.rows; ++r)
    shapes.push({shape: "line", x1: cells.x, y1: cells.y + r * cells.cell, x2: cells.x + width, y2: cells.y + r * cells.cell, stroke});
}
// The scale below the cells; returns how far right it reaches.
function addLegend(shapes, view, layout, look) {
  const {x, y, height} = layout, long = clamp(layout.width, 96, 180), top = y + height + 12, steps = 48;
  const all = view.difference ? look.difference : look.shades;
  for (let i = 0; i < steps; ++i)
    shapes.push({shape: "rect", x: x + i * long / steps, y: top, width: long / steps + 0.5, height: 9, fill: all.css[Math.round(i * 255 / (steps - 1))]});
  shapes.push({shape: "rect", x, y: top, width: long, height: 9, stroke: look.colours.edge});
  const most = view.scale === "largest" ? view.largest.toFixed(2) : "1";
  const ticks = view.difference ? ["second", "0", "first"] : view.scale === "row" ? ["0", "", "row's largest"] : ["0", "", most];
  ticks.forEach((tick, i) => shapes.push({shape: "text", text: tick, x: x + i * long / 2, y: top + 20, size: 11, fill: look.colours.faint,
                                          anchor: ["start", "middle", "end"][i]}));
  return x + long;
}

// The cell under a point of the picture; null beside the cells.
function cellAt(cells, px, py) {
  const across = Math.floor((px - cells.x) / cells.cell), row = Math.floor((py - cells.y) / cells.cell);
  if (across < 0 || across >= cells.columns || row >= cells.rows) return labelAt(cells, across, row);
  const column = cells.reversed ? cells.columns - 1 - across : across;
  return {row: row < 0 ? null : row, column: row < 0 && py < cells.y - 120 ? null : column};
}
const labelAt = (cells, across, row) => across < 0 && row >= 0 && row < cells.rows ? {row, column: null} : null;

// What is lit: bands over a row and a column, a frame around their cell, and the labels, also those that were left out.
function overlaySvg(view, scene, layout, look, focus) {
  if (!focus) return "";
  const {cells, colours} = scene, {x, y, width, height, cell} = layout, shapes = [];
  const accent = look.accent, size = Math.max(layout.size, LIT);
  const label = (token, at, wide) => {
    const string = visible(token.text), long = textWidth(string, size, true) + 6;
    const left = at.anchor === "end" ? at.x - long + 3 : at.x - 3;
    if (!at.angle) shapes.push({shape: "rect", x: left, y: at.y - size * 0.75, width: long, height: size * 1.5, fill: colours.panel});
    else if (at.angle === -90) shapes.push({shape: "rect", x: at.x - size * 0.75, y: at.y - long + 3, width: size * 1.5, height: long, fill: colours.panel});
    shapes.push({shape: "text", text: string, size, bold: true, fill: accent, ...at});
  };
  if (focus.row !== null) {
    shapes.push({shape: "rect", x, y: cellY(cells, focus.row), width, height: cell, stroke: accent, lineWidth: 1.5});
    label(view.rows[focus.row], {x: x - 6, y: cellY(cells, focus.row) + cell / 2, anchor: "end"});
  }
  if (focus.column !== null) {
    shapes.push({shape: "rect", x: cellX(cells, focus.column), y, width: cell, height, stroke: accent, lineWidth: 1.5});
    const middle = cellX(cells, focus.column) + cell / 2;
    label(view.columns[focus.column], layout.angle === 0 ? {x: middle - textWidth(visible(view.columns[focus.column].text), size, true) / 2, y: y - layout.size * 0.8}
                                                         : {x: middle, y: y - 5, angle: layout.angle});
  }
  if (focus.row !== null && focus.column !== null)
    shapes.push({shape: "rect", x: cellX(cells, focus.column), y: cellY(cells, focus.row), width: cell, height: cell, stroke: accent, lineWidth: 3});
  return sceneSvg({width: scene.width, height: scene.height, colours, label: "", shapes});
}
