// The active panel's numbers as a table, for screen readers and for those who like numbers: a row a word that looks. Of a large map the
// three largest weights of each row.

const LARGEST_TABLE = 40 * 40;

function renderTable() {
  const section = $("table"), view = drawn[state.active]?.view;
  section.hidden = !state.shown.table || !view;
  if (section.hidden) return;
  const large = view.rows.length * view.columns.length > LARGEST_TABLE;
  const heading = (token, scope) => make("th", {scope}, bdi(visible(token.text)));
  const table = make("table", {className: "numbers"}, make("caption", {className: "faint", textContent: view.label}));
  if (large) {
    table.append(make("thead", {}, make("tr", {}, ...[view.says.rowsShort, "largest weight", "second", "third"].map(text => make("th", {scope: "col", textContent: text})))));
  } else {
    table.append(make("thead", {}, make("tr", {}, make("th", {scope: "col", textContent: "looks / looked at"}), ...view.columns.map(token => heading(token, "col")))));
  }
  table.append(make("tbody", {}, ...view.rows.map((token, r) => make("tr", {}, heading(token, "row"), ...(large ? largestCells(view, r) : allCells(view, r))))));
  section.replaceChildren(make("h2", {textContent: "Numbers"}), make("div", {className: "scroll", tabIndex: 0}, table));
}
const allCells = (view, r) => view.columns.map((_, c) => make("td", {textContent: view.masked(r, c) ? "\u2013" : view.matrix.at(r, c).toFixed(3)}));
function largestCells(view, r) {
  const row = view.matrix.row(r), order = [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, 3);
  return order.map(c => make("td", {}, bdi(visible(view.columns[c].text)), ` ${row[c].toFixed(3)}`));
}
