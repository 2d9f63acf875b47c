// How a cell was computed, where a record has the vectors: the query of the row's word, the key of the column's, their product, the softmax
// of the row, and the value that the weight lets through. Of one head, between the units that the model reads.

function vectorsOf(stored, heads) {
  const bytes = stored.decoded ??= atob(stored.bytes), size = stored.size / heads;
  return (unit, head) => Float32Array.from({length: size}, (_, k) => {
    const at = 2 * (unit * stored.size + head * size + k);
    return (bytes.charCodeAt(at) + 256 * bytes.charCodeAt(at + 1) - 32768) / 32767 * stored.largest;
  });
}
const dot = (a, b) => a.reduce((sum, x, k) => sum + x * b[k], 0);

function renderComputed(view) {
  const section = $("computed"), {focus} = state;
  section.hidden = !state.shown.computed || !view?.record.vectors;
  if (section.hidden) return;
  section.classList.add("told");  // how to get there: nothing for paper
  const say = text => section.replaceChildren(make("h2", {textContent: "How this cell is computed"}), make("p", {className: "faint", textContent: text}));
  if (focus?.row == null || focus.column == null) return say("Point at a cell.");
  const name = view.coding.names[Number(view.key)];
  if (!name) return say("Choose a single head: this matrix is made of several ([ and ] step through them).");
  if (view.record.pieces && view.level === "words") return say("Choose pieces (w): the model computes between them.");
  if (view.masked(focus.row, focus.column)) return say("This word is not written yet: its score is taken as minus infinity, its weight is 0.");
  const [layer, head] = name, vectors = view.record.vectors.find(one => one.kind === view.kind && one.layer === layer);
  if (!vectors) return say("The record has no vectors of this layer.");
  section.classList.remove("told");
  section.replaceChildren(make("h2", {textContent: `How this cell is computed: layer ${layer}, head ${head}`}), ...computation(view, vectors, head));
}

function computation(view, vectors, head) {
  const {row, column} = state.focus, heads = view.coding.names.filter(([layer]) => layer === vectors.layer).length;
  const [queries, keys, values] = [vectors.query, vectors.key, vectors.value].map(stored => vectorsOf(stored, heads));
  const query = queries(view.rows[row].at, head), root = Math.sqrt(query.length), at = view.rows[row].at;
  const seen = Array.from({length: view.coding.columns}, (_, c) => c).filter(c => view.kind !== "decoder" || c <= at);
  const scores = new Map(seen.map(c => [c, dot(query, keys(c, head)) / root]));
  const most = Math.max(...scores.values()), total = [...scores.values()].reduce((sum, s) => sum + Math.exp(s - most), 0);
  const here = view.columns[column].at, weight = Math.exp(scores.get(here) - most) / total;
  const bars = (label, vector) => make("figure", {style: "margin: 0"}, make("figcaption", {className: "faint", textContent: label}), vectorBars(vector, label));
  const line = make("p", {}, `query of `, quoted(view.rows[row]), ` times key of `, quoted(view.columns[column]),
                    ` = ${(scores.get(here) * root).toFixed(3)}; divided by \u221a${query.length} = ${scores.get(here).toFixed(3)}, the score; `,
                    `e^score, divided by the row's sum of them, = `, make("b", {textContent: weight.toFixed(4)}));
  const value = values(here, head);
  return [line, make("div", {className: "pictures"}, bars(`query, ${query.length} numbers`, query), bars("key", keys(here, head)),
                     bars("products, whose sum is the score before the division", query.map((x, k) => x * keys(here, head)[k])),
                     bars(`value, of which ${percent(weight)} goes on`, value)),
          softmaxTable(view, scores, most, total, here)];
}
// The row's scores and weights; their sum is one.
function softmaxTable(view, scores, most, total, here) {
  const tokens = tokensOf(view.record, view.sides.columns, view.level);
  const rows = [...scores].map(([c, score]) => {
    const weight = Math.exp(score - most) / total, bar = make("span");
    bar.style.width = `${100 * weight}%`;
    return make("tr", {className: c === here ? "taken" : ""}, make("td", {}, bdi(visible(tokens[c].text))), make("td", {className: "number", textContent: score.toFixed(3)}),
                make("td", {className: "number", textContent: weight.toFixed(4)}), make("td", {className: "measure"}, bar));
  });
  const sum = [...scores.values()].reduce((all, score) => all + Math.exp(score - most) / total, 0);
  return make("div", {className: "scroll"}, make("table", {className: "bars"},
    make("thead", {}, make("tr", {className: "faint"}, ...["looked at", "score", "weight"].map(text => make("th", {scope: "col", textContent: text})))), ...rows,
    make("tr", {className: "faint"}, make("td", {textContent: "sum"}), make("td"), make("td", {className: "number", textContent: sum.toFixed(3)}))));
}
// A vector as bars up and down from a line.
function vectorBars(vector, label) {
  const look = lookNow(), wide = clamp(260 / vector.length, 2, 9), high = 56, most = Math.max(1e-9, ...vector.map(Math.abs)), shapes = [];
  vector.forEach((x, k) => {
    const length = Math.abs(x) / most * (high / 2 - 2);
    shapes.push({shape: "rect", x: k * wide, y: x > 0 ? high / 2 - length : high / 2, width: wide - 0.6, height: length, fill: x > 0 ? look.accent : look.colours.faint});
  });
  shapes.push({shape: "line", x1: 0, y1: high / 2, x2: vector.length * wide, y2: high / 2, stroke: look.colours.edge});
  const box = make("div");
  box.innerHTML = sceneSvg({width: vector.length * wide, height: high, shapes, colours: look.colours, label});
  return box;
}
