// The lines view: what is looked at on the left, who looks on the right, joined by lines as thick as their weights.

const LEAST_LINE = 0.02;  // thinner ones are left out

function linesScene(view, look) {
  const most = Math.max(view.rows.length, view.columns.length), step = clamp(900 / most, 14, 24), size = clamp(step * 0.62, 10, 14);
  const {colours} = look, shapes = [], top = 34;
  const widest = tokens => Math.max(40, ...tokens.map(token => textWidth(labelText(token, size), size, true)));
  const left = Math.ceil(widest(view.columns)) + 10, gap = 150, right = left + gap, width = right + Math.ceil(widest(view.rows)) + 12;
  const yOf = (i, n) => top + (i + 0.5 + (most - n) / 2) * step;  // the shorter side is in the middle
  const side = (tokens, x, anchor, name) => tokens.forEach((token, i) => shapes.push({
    shape: "text", text: labelText(token, size), x, y: yOf(i, tokens.length), size, anchor, italic: token.unk,
    fill: token.end ? colours.faint : colours.text, data: ` class="word" data-${name}="${i}"`}));
  for (let r = 0; r < view.rows.length; ++r) {
    for (let c = 0; c < view.columns.length; ++c) {
      const w = view.matrix.at(r, c);
      if (w < LEAST_LINE || view.masked(r, c)) continue;
      shapes.push({shape: "link", row: r, column: c, x1: left, y1: yOf(c, view.columns.length), x2: right, y2: yOf(r, view.rows.length),
                   width: 0.5 + 6 * w, opacity: 0.15 + 0.75 * w, stroke: look.accent});
    }
  }
  side(view.columns, left - 5, "end", "column");
  side(view.rows, right + 5, "start", "row");
  const heading = (text, x, anchor) => shapes.push({shape: "text", text, x, y: 12, size: 12, anchor, fill: colours.faint});
  const [lookedAt, looks] = [view.says.columnsShort, view.says.rowsShort];
  heading(lookedAt, Math.max(left - 5, textWidth(lookedAt, 12)), "end");
  heading(looks, right + 5, "start");
  return {width: Math.max(width, right + 10 + textWidth(looks, 12)), height: top + most * step + 6, shapes, colours, label: `${view.label}, as lines`};
}

// Lights the lines and words of the focus, and dims the others.
function lightLines(stage, focus) {
  stage.classList.toggle("focused", !!focus);
  if (!focus) return;
  const fits = (node, name) => focus[name] === null || Number(node.dataset[name]) === focus[name];
  const words = {row: new Set(), column: new Set()};
  for (const link of stage.querySelectorAll(".link")) {
    const lit = fits(link, "row") && fits(link, "column");
    link.classList.toggle("lit", lit);
    if (lit) { words.row.add(Number(link.dataset.row)); words.column.add(Number(link.dataset.column)); }
  }
  for (const name of ["row", "column"]) {
    if (focus[name] !== null) words[name] = new Set([focus[name]]);
    for (const word of stage.querySelectorAll(`.word[data-${name}]`)) word.classList.toggle("lit", words[name].has(Number(word.dataset[name])));
  }
}
