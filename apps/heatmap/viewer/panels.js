// The panels: each shows one view as a matrix and as lines, beside the others of the same or another sentence.

const $ = id => document.getElementById(id);

// An element with properties, attributes and children.
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element && key !== "list") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
const bdi = (text, properties = {}) => make("bdi", {dir: "auto", textContent: text, ...properties});
const select = (label, options, value, change) => {
  const list = make("select", {"aria-label": label, title: label}, ...options.map(([key, name]) => make("option", {value: key, textContent: name})));
  list.value = value;
  list.addEventListener("change", () => change(list.value));
  return list;
};

let drawn = [];  // of each panel: {view, scene, layout, over, lines}
let drawnDifference = null;

// Draws a view as a matrix into a stage that answers the pointer and the keyboard; `focused` gets its cells.
function matrixStage(view, room, look, focused) {
  const layout = matrixLayout(view, room, state.zoom), scene = matrixScene(view, layout, look);
  const picture = make("div", {className: "drawn"}), over = make("div", {className: "over"});
  if (view.rows.length * view.columns.length > LARGEST_SVG) picture.append(sceneCanvas(scene, Math.min(2, devicePixelRatio || 1)));
  else picture.innerHTML = sceneSvg(scene);
  picture.append(over);
  const stage = make("div", {className: "stage", tabIndex: 0, role: "application", "aria-label": view.label, "aria-roledescription": "attention matrix",
                             "aria-describedby": "status"}, picture);
  const at = event => {
    const box = picture.getBoundingClientRect();
    return cellAt(scene.cells, event.clientX - box.left, event.clientY - box.top);
  };
  stage.addEventListener("pointermove", event => { if (!state.locked) focused(at(event)); });
  stage.addEventListener("pointerleave", () => { if (!state.locked) focused(null); });
  stage.addEventListener("click", event => { const cell = at(event); state.locked = !!cell && !state.locked; focused(cell); });
  stage.addEventListener("keydown", event => moveByKey(event, view, focused));
  return {stage, over, view, layout, scene};
}

// Arrows, Home and End move the lit cell; the arrow keys go where they point, also in a reversed matrix.
function moveByKey(event, view, focused) {
  const rows = view.rows.length, columns = view.columns.length, right = view.reversed ? -1 : 1;
  const now = state.focus ?? {row: 0, column: 0}, row = now.row ?? 0, column = now.column ?? 0;
  const first = {row: 0, column: view.reversed ? columns - 1 : 0};
  const next = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - right], ArrowRight: [row, column + right],
    Home: event.ctrlKey ? [0, column] : [row, first.column], End: event.ctrlKey ? [rows - 1, column] : [row, columns - 1 - first.column],
    Enter: [row, column], " ": [row, column],
  }[event.key];
  if (!next || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (event.key === "Enter" || event.key === " ") state.locked = !state.locked;
  focused(state.focus || event.key === "Enter" ? {row: clamp(next[0], 0, rows - 1), column: clamp(next[1], 0, columns - 1)} : {row: 0, column: first.column});
}

function linesStage(view, look, focused) {
  const stage = make("div", {className: "stage linesview"});
  stage.innerHTML = sceneSvg(linesScene(view, look));
  const svg = stage.firstElementChild;
  const at = event => {
    const data = event.target.closest?.("[data-row],[data-column]")?.dataset;
    return data && {row: data.row === undefined ? null : Number(data.row), column: data.column === undefined ? null : Number(data.column)};
  };
  svg.addEventListener("pointerover", event => { if (!state.locked) focused(at(event) ?? null); });
  svg.addEventListener("pointerleave", () => { if (!state.locked) focused(null); });
  svg.addEventListener("click", event => { const place = at(event); state.locked = !!place && !state.locked; focused(place ?? null); });
  return {stage};
}

// Keys, heads and steps are of the panel that was touched last; it is not drawn anew, since that would end the touch.
function activate(index) {
  if (state.active === index) return;
  state.active = index;
  drawn.forEach((one, i) => one.element.classList.toggle("active", i === index));
  for (const part of [renderHeads, renderSteps, renderWithout, renderTable]) part();
  paintFocus();
}

function renderPanels() {
  const look = lookNow(), box = $("panels"), count = state.panels.length;
  const room = Math.max(320, $("main").clientWidth / Math.min(count, innerWidth > 900 ? 2 : 1) - 60);
  drawn = state.panels.map((panel, index) => {
    const view = viewOf(panel), element = make("article", {className: `panel${index === state.active ? " active" : ""}`});
    element.append(panelHeading(panel, index, view), panelTexts(panel), panelControls(panel, index));
    for (const event of ["pointerdown", "focusin"]) element.addEventListener(event, () => activate(index));
    if (!view) {
      element.append(make("p", {className: "faint", textContent: "This model has no attention: there is nothing to draw."}));
      return {element, view};
    }
    const focused = cell => setFocus(cell && {panel: index, ...cell});
    const pictures = make("div", {className: "pictures"}), result = {element, view};
    const lines = state.shown.lines && linesStage(view, look, focused);
    if (state.shown.matrix) {
      const beside = lines && count === 1 && view.columns.length < 40 ? 420 : 0;
      Object.assign(result, matrixStage(view, room - beside, look, focused));
      pictures.append(result.stage);
    }
    if (lines) { pictures.append(lines.stage); result.lines = lines.stage; }
    if (count > 1) element.style.flexBasis = `${Math.max(380, (result.scene?.width ?? 0) + 28)}px`;  // the lines below the matrix
    element.append(pictures);
    return result;
  });
  $("main").classList.toggle("several", count > 1);
  box.replaceChildren(...drawn.map(one => one.element));
}

function panelHeading(panel, index, view) {
  const record = openRecord(panel.entry);
  const heading = make("h2", {}, make("span", {textContent: record.about.model || "model without a name"}));
  if (view && record.gold && panel.kind === "cross")
    heading.append(make("span", {className: "faint", textContent: `alignment error ${percent(alignmentErrorOf(record, matrixOf(record, "cross", panel.key, "words")))}`}));
  if (view) heading.append(make("span", {className: "faint", textContent: `entropy ${entropyOf(view.matrix).toFixed(2)}`}));
  if (state.panels.length > 1) {
    const close = make("button", {textContent: "\u00d7", title: "Close this panel", "aria-label": "Close this panel"});
    close.addEventListener("click", () => closePanel(index));
    heading.append(close);
  }
  return heading;
}
const percent = x => `${(100 * x).toFixed(1)} %`;

function panelTexts(panel) {
  const {source, target, about} = openRecord(panel.entry);
  return make("p", {className: "texts"}, bdi(source.text, {className: "source"}), make("br"), bdi(target.text, {className: "target"}),
              make("span", {className: "faint", textContent: `  score ${about.score.toFixed(2)}${about.rank > 1 ? `, rank ${about.rank}` : ""}`}));
}

// Which record, which kind, which map.
function panelControls(panel, index) {
  const record = openRecord(panel.entry), change = changes => { Object.assign(panel, changes); state.active = index; settle(panel); render(); };
  const controls = make("div", {className: "controls"});
  const near = groupOf(panel.entry), all = pageIndex.entries.length <= 200 ? pageIndex.entries.map((_, entry) => entry) : near;
  if (all.length > 1)
    controls.append(select("Record", all.map(entry => [entry, nameOfEntry(entry, near)]), String(panel.entry), value => change({entry: Number(value)})));
  if (record.kinds.length > 1)
    controls.append(select("Kind of attention", record.kinds.map(kind => [kind, KINDS[kind].name]), panel.kind, kind => change({kind})));
  if (panel.kind && choicesOf(record, panel.kind).length > 1)
    controls.append(select("Map", choicesOf(record, panel.kind).map(({key, name}) => [key, name]), panel.key, key => change({key})));
  return controls;
}

// Entries of the same source sentence, and how a list names them.
const groupOf = entry => pageIndex.entries.flatMap((other, i) => other.source === pageIndex.entries[entry].source ? [i] : []);
function nameOfEntry(entry, near) {
  const {model, rank, file, source, id} = pageIndex.entries[entry];
  const name = [file, model, rank > 1 ? `rank ${rank}` : ""].filter(Boolean).join(", ");
  return near.includes(entry) ? name : `${id}: ${shortText(source, 40)} (${name})`;
}
const shortText = (text, most) => { const letters = lettersOf(text); return letters.length > most ? letters.slice(0, most).join("") + "\u2026" : text; };

// Makes a panel's choices ones that its record has.
function settle(panel) {
  const record = openRecord(panel.entry);
  if (!record.kinds.includes(panel.kind)) panel.kind = record.kinds[0];
  if (panel.kind && !choicesOf(record, panel.kind).some(({key}) => key === panel.key)) panel.key = usualKey(record, panel.kind);
}
function closePanel(index) {
  state.panels.splice(index, 1);
  state.active = Math.min(state.active, state.panels.length - 1);
  state.focus = null;
  render();
}

// The difference of the first two panels.
function renderDifference() {
  const section = $("difference");
  drawnDifference = null;
  section.hidden = state.panels.length < 2 || !state.shown.difference;
  if (section.hidden) return;
  const view = differenceOf(drawn[0].view, drawn[1].view);
  section.replaceChildren(make("h2", {textContent: "Difference: first panel less second"}));
  if (!view) {
    section.append(make("p", {className: "faint", textContent: "The two have no words in common on both sides, or differ in kind."}));
    return;
  }
  const words = `over the ${view.rows.length} rows and ${view.columns.length} columns that both have`;
  section.append(make("p", {className: "faint", textContent: `${words}${view.left[0] + view.left[1] ? `; ${view.left[0]} rows and ${view.left[1]} columns of one alone are left out` : ""}`}));
  drawnDifference = matrixStage(view, Math.max(320, $("main").clientWidth / 2 - 60), lookNow(), cell => setFocus(cell && {panel: 0, ...view.toFirst(cell)}));
  section.append(drawnDifference.stage);
}
