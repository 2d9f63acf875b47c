// Decoding step by step, where a record has that: the words that were most probable at each step, and the beam's tree.

// What the model wrote, unit by unit: pieces of a model with subwords, else words.
const unitsOf = record => record.pieces ? tokensOf(record, "target", "pieces") : tokensOf(record, "target", "words");
const probability = p => Math.exp(Math.min(0, p));
const probabilityText = p => { const x = probability(p); return x >= 0.0005 ? percent(x) : "< 0.05 %"; };

function renderSteps() {
  const section = $("steps"), record = openRecord(state.panels[state.active].entry);
  section.hidden = !state.shown.steps || !(record.steps || record.tree);
  if (section.hidden) return;
  const units = unitsOf(record), had = document.activeElement?.id === "step";
  state.step = clamp(state.step, 0, units.length - 1);
  const slider = make("input", {type: "range", id: "step", min: 0, max: units.length - 1, value: state.step, "aria-label": "Step of decoding",
                                "aria-valuetext": `step ${state.step + 1} of ${units.length}: ${units[state.step].text}`});
  slider.addEventListener("input", () => goToStep(Number(slider.value)));
  const written = make("p", {className: "written", dir: "auto"});
  units.forEach((unit, i) => written.append(bdi(visible(unit.text), {className: i < state.step ? "" : i === state.step ? "now" : "later"}), " "));
  section.replaceChildren(make("h2", {textContent: "Decoding, step by step"}),
                          make("div", {className: "controls"}, slider, make("span", {className: "faint", textContent: `step ${state.step + 1} of ${units.length} (keys , and .)`})),
                          written);
  const columns = make("div", {className: "columns"});
  if (record.steps) columns.append(bestOfStep(record, units));
  if (record.tree) columns.append(beamTree(record, units));
  section.append(columns);
  if (had) slider.focus();
}

// Goes to a step, and lights what the model looked at then.
function goToStep(step) {
  const panel = state.panels[state.active], record = openRecord(panel.entry), units = unitsOf(record), view = drawn[state.active]?.view;
  state.step = clamp(step, 0, units.length - 1);
  renderSteps();
  if (!view || view.sides.rows !== "target") return;
  const at = view.level === "pieces" || !record.pieces ? state.step : units[state.step].word;
  const row = view.rows.findIndex(token => token.at === at);
  state.locked = row >= 0;
  setFocus(row >= 0 ? {panel: state.active, row, column: null} : null);
}
const moveStep = by => { const record = openRecord(state.panels[state.active].entry); if (record.steps || record.tree) goToStep(state.step + by); };

// The most probable units of the step; the one that was taken in bold, also where it is not among them.
function bestOfStep(record, units) {
  const step = record.steps[state.step], taken = units[state.step].text;
  const rows = step.best.map(({t, p}) => ({t, p, taken: t === taken}));
  if (!rows.some(row => row.taken)) rows.push({t: taken, p: step.p, taken: true});
  const rest = 1 - rows.reduce((sum, row) => sum + probability(row.p), 0);
  const table = make("table", {className: "bars"}, make("caption", {className: "faint", textContent: "most probable here; bold: taken"}), ...rows.map(({t, p, taken}) => {
    const bar = make("span");
    bar.style.width = `${100 * probability(p)}%`;
    return make("tr", {className: taken ? "taken" : ""}, make("td", {}, bdi(visible(t))), make("td", {className: "number", textContent: probabilityText(p)}),
                make("td", {className: "measure"}, bar));
  }), make("tr", {className: "faint"}, make("td", {textContent: "all others"}), make("td", {className: "number", textContent: percent(Math.max(0, rest))}), make("td")));
  return table;
}

// The beam's hypotheses, a column a step: a thick line leads to the translation, thin ones to what was kept for a while, dashed grey ones to
// what was pruned at once.
const FATES = ["kept", "pruned", "ended"];
function beamTree(record, units) {
  const look = lookNow(), {colours} = look, size = 12, line = 18, shapes = [], nodes = record.tree.map(([parent, text, score, fate]) => ({parent, text, score, fate: FATES[fate]}));
  const columns = [];
  nodes.forEach(node => {
    node.depth = node.parent < 0 ? 0 : nodes[node.parent].depth + 1;
    node.wins = node.text === units[node.depth]?.text && (node.parent < 0 || nodes[node.parent].wins);
    (columns[node.depth] ??= []).push(node);
  });
  let x = 10, high = 0;
  for (const [depth, column] of columns.entries()) {
    column.sort((a, b) => b.score - a.score).forEach((node, i) => Object.assign(node, {x, y: 34 + i * line, shown: shortened(visible(node.text), size, 110)}));
    if (depth === state.step) shapes.push({shape: "rect", x: x - 5, y: 20, width: Math.max(...column.map(node => textWidth(node.shown, size, true))) + 50, height: column.length * line + 8, fill: colours.back});
    shapes.push({shape: "text", text: String(depth + 1), x, y: 9, size: 11, fill: colours.faint});
    for (const node of column) node.right = x + textWidth(node.shown, size, node.wins) + 36;
    x = Math.max(...column.map(node => node.right)) + 34;
    high = Math.max(high, column.length);
  }
  for (const node of nodes) {
    const from = nodes[node.parent];
    if (from) shapes.push({shape: "link", row: "", column: "", x1: from.right, y1: from.y, x2: node.x - 3, y2: node.y, width: node.wins ? 2.5 : 1,
                           opacity: node.wins ? 1 : node.fate === "pruned" ? 0.45 : 0.8, stroke: node.wins ? look.accent : node.fate === "pruned" ? colours.edge : colours.faint});
    const fill = node.wins ? look.accent : node.fate === "pruned" ? colours.faint : colours.text;
    shapes.push({shape: "text", text: node.shown, x: node.x, y: node.y, size, fill, bold: node.wins, italic: node.fate === "pruned"});
    shapes.push({shape: "text", text: `${node.score.toFixed(1)}${node.fate === "ended" ? " \u25a0" : ""}`, x: node.right - 2, y: node.y, size: 10, anchor: "end", fill: colours.faint});
  }
  const tree = make("div", {className: "tree", tabIndex: 0});
  tree.innerHTML = sceneSvg({width: x, height: 34 + high * line, shapes, colours, label: treeLabel(nodes)});
  return make("div", {style: "min-width: 0"}, make("p", {className: "faint", textContent: "The beam: a column a step, the best on top, with the sum of log probabilities. Coloured: the translation; italics: pruned; \u25a0: ended."}), tree);
}
const treeLabel = nodes => `Tree of the beam: ${nodes.length} hypotheses, ${nodes.filter(node => node.fate === "pruned").length} pruned, ${nodes.filter(node => node.fate === "ended").length} ended`;
