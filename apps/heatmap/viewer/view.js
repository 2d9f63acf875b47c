// What the user has chosen, and a view: a matrix with its words, as a panel shows it.

const state = {
  panels: [],         // {entry, kind, key}: a record, a kind of attention, which of its maps
  active: 0,          // the panel that keys and the grid of heads act on
  shown: {matrix: true, lines: true, heads: true, steps: true, difference: false, without: true, computed: true, table: false},
  level: "words",     // or pieces
  ends: "show",       // end marks: show, hide, rescale (hidden, and the rows sum to one again)
  scale: "fixed",     // 0 to 1; row: to each row's largest; largest: to the largest of the map
  colours: "cubehelix",
  order: "auto",      // of columns: auto, ltr, rtl
  theme: "auto",      // auto, light, dark
  zoom: 1,
  sortHeads: "model",
  step: 0,
  focus: null,        // {panel, row, column} of a view; row or column may be null
  locked: false,
};

const darkScheme = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const themeNow = () => printing ? "light" : state.theme !== "auto" ? state.theme : darkScheme.matches ? "dark" : "light";

// The colours of the theme for pictures, as style.css has them for the page.
function lookNow() {
  const theme = themeNow(), style = getComputedStyle(document.documentElement);
  const of = name => style.getPropertyValue(`--${name}`).trim();
  const colours = {text: of("text"), faint: of("faint"), panel: of("panel"), edge: of("edge"), back: of("back")};
  return {colours, accent: of("accent"), shades: shadesOf(state.colours, COLOURS[state.colours]),
          difference: shadesOf(`difference ${theme}`, differenceColours[theme])};
}

const SAYS = {
  source: {rows: "source words: who looks (queries)", columns: "source words: what is looked at (keys)",
           rowsShort: "source, looking", columnsShort: "source, looked at"},
  target: {rows: "output words: who looks (queries)", rowsShort: "output, looking"},
  read: {columns: "written before: what is looked at (keys)", columnsShort: "written before, looked at"},
};

function nameOfChoice(record, kind, key) {
  const choice = choicesOf(record, kind).find(one => one.key === key);
  return choice ? choice.name : "";
}

// The view of a panel; null where its record has no attention.
function viewOf(panel) {
  const record = openRecord(panel.entry), kind = panel.kind;
  if (!kind) return null;
  const level = record.pieces ? state.level : "words", sides = KINDS[kind];
  const rows = tokensOf(record, sides.rows, level), columns = tokensOf(record, sides.columns, level);
  rows.forEach((token, r) => { token.at = r; if (kind === "decoder") token.fed = r ? rows[r - 1].text : "<s>"; });
  columns.forEach((token, c) => { token.at = c; });
  const parts = new Map();  // pieces of each word: a word of several reads its own earlier ones
  if (record.pieces && level === "words") for (const {w} of record.pieces.target) parts.set(w, (parts.get(w) ?? 0) + 1);
  const future = (r, c) => c > r + 1 || (c === r + 1 && (parts.get(r) ?? 1) === 1);
  const view = {
    record, kind, level, key: panel.key, sides, scale: state.scale, coding: record.maps[kind],
    says: {...SAYS[sides.rows], columns: SAYS[sides.columns].columns, columnsShort: SAYS[sides.columns].columnsShort},
    reversed: state.order === "rtl" || (state.order === "auto" && isRightToLeft(record[sides.columns === "source" ? "source" : "target"].text)),
    title: [record.about.model, KINDS[kind].name, nameOfChoice(record, kind, panel.key)].join(" \u00b7 "),
    whole: matrixOf(record, kind, panel.key, level),
  };
  keepRowsAndColumns(view, rows, columns, kind === "decoder" ? future : () => false);
  view.largest = view.matrix.values.reduce((a, b) => Math.max(a, b), 1e-9);
  view.label = `Attention, ${view.title}: ${view.columns.length} columns, ${view.says.columns}; ${view.rows.length} rows, ${view.says.rows}`;
  return view;
}

// Leaves out end marks where the user wants so.
function keepRowsAndColumns(view, rows, columns, future) {
  const keep = tokens => state.ends === "show" ? tokens : tokens.filter(token => !token.end);
  view.rows = keep(rows);
  view.columns = keep(columns);
  view.masked = (r, c) => future(view.rows[r].at, view.columns[c].at);
  view.matrix = new Matrix(view.rows.length, view.columns.length);
  view.rows.forEach((row, r) => {
    const weights = view.columns.map(column => view.whole.at(row.at, column.at));
    const sum = state.ends === "rescale" ? weights.reduce((a, b) => a + b, 0) : 1;
    view.matrix.row(r).set(weights.map(w => sum > 0 ? w / sum : 0));
  });
}

// The first less the second, over the words that both have in the same order; null where there are none.
function differenceOf(a, b) {
  if (!a || !b || a.sides.rows !== b.sides.rows || a.sides.columns !== b.sides.columns) return null;
  const rows = commonTokens(a.rows, b.rows), columns = commonTokens(a.columns, b.columns);
  if (!rows.length || !columns.length) return null;
  const view = {...a, difference: true, rows: rows.map(([i]) => a.rows[i]), columns: columns.map(([i]) => a.columns[i]),
                matrix: new Matrix(rows.length, columns.length), masked: (r, c) => a.masked(rows[r][0], columns[c][0])};
  rows.forEach(([i, j], r) => columns.forEach(([k, l], c) => {
    view.matrix.values[r * columns.length + c] = a.matrix.at(i, k) - b.matrix.at(j, l);
  }));
  view.left = [a.rows.length + b.rows.length - 2 * rows.length, a.columns.length + b.columns.length - 2 * columns.length];
  view.toFirst = focus => ({row: focus.row === null ? null : rows[focus.row][0], column: focus.column === null ? null : columns[focus.column][0]});
  view.fromFirst = focus => {
    const place = (pairs, i) => i === null ? null : pairs.findIndex(([first]) => first === i);
    const found = {row: place(rows, focus.row), column: place(columns, focus.column)};
    return found.row === -1 || found.column === -1 ? null : found;
  };
  view.title = `difference: ${a.title}, less ${b.title}`;
  view.label = `${view.title}: ${columns.length} columns, ${rows.length} rows`;
  return view;
}
const commonTokens = (a, b) => commonWords(a.map(token => token.text), b.map(token => token.text));

// The focus of one view in another one: the same words, by their order.
function carriedFocus(from, to, focus) {
  if (from === to) return focus;
  const family = side => side === "read" ? "target" : side;
  const carry = (name, side) => {
    if (focus[name] === null || family(from.sides[side]) !== family(to.sides[side])) return null;
    const pair = commonTokens(from[side], to[side]).find(([i]) => i === focus[name]);
    return pair ? pair[1] : null;
  };
  const carried = {row: carry("row", "rows"), column: carry("column", "columns")};
  return carried.row === null && carried.column === null ? null : carried;
}
