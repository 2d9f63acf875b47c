// All maps of the active panel as small pictures: a row a layer and a column a head, or sorted by a measure.

const SORTS = {
  model: {name: "as in the model"},
  entropy: {name: "by entropy, sharp first", of: entropyOf, up: true},
  diagonality: {name: "by diagonality, most first", of: diagonalityOf, up: false},
  error: {name: "by alignment error, least first", up: true, of: (matrix, record) => alignmentErrorOf(record, matrix), gold: true},
};
const SMALL = 92;  // px, the longer side of a small picture
let headsTurn = 0;  // a drawing that was overtaken stops

function renderHeads() {
  const section = $("heads"), panel = state.panels[state.active], record = openRecord(panel.entry);
  section.hidden = !state.shown.heads || !panel.kind || record.maps[panel.kind].names.length < 2;
  if (section.hidden) return;
  const names = record.maps[panel.kind].names, sorts = Object.entries(SORTS).filter(([, sort]) => !sort.gold || (record.gold && panel.kind === "cross"));
  if (!sorts.some(([key]) => key === state.sortHeads)) state.sortHeads = "model";
  const list = select("Order", sorts.map(([key, sort]) => [key, sort.name]), state.sortHeads, value => { state.sortHeads = value; renderHeads(); });
  const together = make("div", {className: "grid"}), grid = make("div", {className: "grid"});
  section.replaceChildren(make("h2", {textContent: `Layers and heads: ${KINDS[panel.kind].name}`}), make("div", {className: "controls"}, make("label", {}, "order", list)), together, grid);
  const sort = SORTS[state.sortHeads], level = record.pieces && state.level === "pieces" && !sort.gold ? "pieces" : "words";
  const figures = ordered(record, panel.kind, names.map((_, m) => String(m)), sort, level);
  const heads = new Set(names.map(name => name[1])).size;
  together.style.gridTemplateColumns = `repeat(3, ${SMALL + 10}px)`;
  grid.style.gridTemplateColumns = `repeat(${sort.of ? "auto-fill" : heads}, ${SMALL + 10}px)`;
  if (sort.of) grid.style.justifyContent = "stretch";
  section.style.flexBasis = `${Math.min(heads, 8) * (SMALL + 18) + 30}px`;
  ++headsTurn;
  drawSmall(together, choicesOf(record, panel.kind).filter(({key}) => ["mean", "max", "rollout"].includes(key)), panel, record, {}, level);
  drawSmall(grid, figures, panel, record, sort, level);
}
function ordered(record, kind, keys, sort, level) {
  if (!sort.of) return keys.map(key => ({key}));
  const rated = keys.map(key => ({key, value: sort.of(matrixOf(record, kind, key, level), record)}));
  return rated.sort((a, b) => sort.up ? a.value - b.value : b.value - a.value);
}

// Draws for some milliseconds at a time, so that a page with many large maps answers meanwhile.
function drawSmall(grid, figures, panel, record, sort, level) {
  const turn = headsTurn, look = lookNow();
  const draw = from => {
    const end = performance.now() + 25;
    let i = from;
    for (; i < figures.length && performance.now() < end; ++i) grid.append(smallFigure(figures[i], panel, record, sort, level, look));
    if (i < figures.length) setTimeout(() => { if (turn === headsTurn) draw(i); }, 0);
  };
  draw(0);
}
function smallFigure({key, value}, panel, record, sort, level, look) {
  const matrix = matrixOf(record, panel.kind, key, level), name = nameOfChoice(record, panel.kind, key);
  const canvas = sceneCanvas(smallScene(matrix, look), 1), scale = SMALL / Math.max(matrix.rows, matrix.columns);
  canvas.style.width = `${Math.max(4, matrix.columns * scale)}px`;
  canvas.style.height = `${Math.max(4, matrix.rows * scale)}px`;
  const button = make("button", {title: name, "aria-label": `Show ${name}`, "aria-pressed": String(panel.key === key)}, canvas);
  button.addEventListener("click", () => { panel.key = key; render(); });
  const short = /^\d+$/.test(key) ? record.maps[panel.kind].names[Number(key)].map((n, i) => (i ? "head " : "layer ") + n).join(", ") : key;
  return make("figure", {}, button, make("figcaption", {textContent: value === undefined ? short : `${short}: ${sort.gold ? percent(value) : value.toFixed(2)}`}));
}
function smallScene(matrix, look) {
  const cell = Math.max(1, Math.floor(184 / Math.max(matrix.rows, matrix.columns)));
  const cells = {shape: "cells", x: 0, y: 0, cell, rows: matrix.rows, columns: matrix.columns, reversed: false, shades: look.shades,
                 shade: (r, c) => Math.round(255 * clamp(matrix.at(r, c), 0, 1))};
  return {width: matrix.columns * cell, height: matrix.rows * cell, shapes: [cells], colours: look.colours, label: ""};
}
