// What is lit, in all panels at once, and the line that says it.

function setFocus(focus) {
  state.focus = focus;
  if (!focus) state.locked = false;
  paintFocus();
}

function paintFocus() {
  const {focus} = state, look = lookNow(), from = focus && drawn[focus.panel]?.view;
  for (const one of drawn) {
    if (!one.view) continue;
    const here = from ? carriedFocus(from, one.view, focus) : null;
    if (one.over) one.over.innerHTML = overlaySvg(one.view, one.scene, one.layout, look, here);
    if (one.lines) lightLines(one.lines, here);
  }
  if (drawnDifference) {
    const here = focus && focus.panel === 0 ? drawnDifference.view.fromFirst(focus) : null;
    drawnDifference.over.innerHTML = overlaySvg(drawnDifference.view, drawnDifference.scene, drawnDifference.layout, look, here);
  }
  sayFocus(from);
  renderComputed(from || drawn[state.active]?.view);
}

const quoted = token => make("b", {}, bdi(visible(token.text)));

function sayFocus(view) {
  const line = $("status"), {focus} = state;
  const how = state.locked ? "Locked; a click or Esc frees it." : "A click locks, Esc frees; arrows move; ? shows all keys.";
  if (!view) {
    line.replaceChildren(`Point at a cell, a word or a line. ${how}`);
    return;
  }
  const parts = [];
  if (focus.row !== null && focus.column !== null) {
    const w = view.matrix.at(focus.row, focus.column);
    parts.push(quoted(view.rows[focus.row]), " looks at ", quoted(view.columns[focus.column]), " with ");
    if (view.masked(focus.row, focus.column)) parts.splice(0, 4, quoted(view.rows[focus.row]), " cannot look at ", quoted(view.columns[focus.column]), ", which is not written yet");
    else parts.push(make("b", {textContent: weightText(view, w)}), ...elsewhere());
    parts.push(` (row ${focus.row + 1} of ${view.rows.length}, column ${focus.column + 1} of ${view.columns.length}). `);
  } else if (focus.row !== null) {
    parts.push(quoted(view.rows[focus.row]), " looks most at ", ...mostOf(view, view.matrix.row(focus.row), view.columns), ". ");
  } else {
    const column = view.rows.map((_, r) => view.matrix.at(r, focus.column));
    parts.push(quoted(view.columns[focus.column]), " is looked at most by ", ...mostOf(view, column, view.rows), ". ");
  }
  line.replaceChildren(...parts, make("span", {className: "faint", textContent: how}));
}

// The weights of the same words in the other panels.
function elsewhere() {
  const from = drawn[state.focus.panel].view, texts = [];
  drawn.forEach((one, i) => {
    const there = i !== state.focus.panel && one.view && carriedFocus(from, one.view, state.focus);
    if (there && there.row !== null && there.column !== null)
      texts.push(`, ${weightText(one.view, one.view.matrix.at(there.row, there.column))} in panel ${i + 1}`);
  });
  return texts;
}
// With as many digits as the stored bytes have.
function weightText(view, w) {
  const error = roundingAt(view.coding, w);
  return error < 0.0001 ? w.toFixed(4) : `${w.toFixed(3)} (\u00b1${error.toFixed(error < 0.001 ? 4 : 3)})`;
}
function mostOf(view, weights, tokens) {
  const order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]).slice(0, 3);
  return order.flatMap((i, n) => [n ? ", " : "", quoted(tokens[i]), ` ${weights[i].toFixed(2)}`]);
}
