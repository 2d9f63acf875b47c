// The page's controls and keys, and the drawing of all its parts.

function render() {
  document.documentElement.dataset.theme = themeNow();
  if (!state.panels.length) return;
  renderControls();
  renderPanels();
  renderDifference();
  renderHeads();
  renderSteps();
  renderWithout();
  renderTable();
  paintFocus();
  const record = openRecord(state.panels[state.active].entry), maps = Object.values(record.maps)[0];
  $("rounding").textContent = !maps ? "" : maps.bits === 16 ? "Weights are stored in 16 bits: rounded to 0.00001."
    : "Weights are stored in 8 bits, as square roots: rounded, by 0.004 at most near 1 and by 0.0004 near 0.01, so a row's sum may differ a little from 1.";
}

// ---- controls ----

const hasMore = name => state.panels.some(panel => openRecord(panel.entry)[name]);
const VIEWS = [
  ["matrix", "Matrix"], ["lines", "Lines"],
  ["heads", "Heads", () => state.panels.some(panel => panel.kind && openRecord(panel.entry).maps[panel.kind].names.length > 1)],
  ["difference", "Difference", () => state.panels.length > 1], ["steps", "Steps", () => hasMore("steps") || hasMore("tree")],
  ["without", "Without a word", () => hasMore("without")], ["computed", "How computed", () => hasMore("vectors")], ["table", "Table"],
];
const SETTINGS = [
  ["level", "units", [["words", "words"], ["pieces", "pieces"]], () => state.panels.some(panel => openRecord(panel.entry).pieces)],
  ["ends", "end marks", [["show", "shown"], ["hide", "hidden"], ["rescale", "hidden, rows sum to 1 again"]]],
  ["scale", "brightest is", [["fixed", "1"], ["row", "each row's largest"], ["largest", "the map's largest"]]],
  ["colours", "colours", Object.keys(COLOURS).map(name => [name, name])],
  ["order", "columns run", [["auto", "as the text does"], ["ltr", "left to right"], ["rtl", "right to left"]]],
  ["theme", "page", [["auto", "as the system"], ["light", "light"], ["dark", "dark"]]],
];

function renderControls() {
  const bar = $("views"), focused = document.activeElement?.dataset.key;
  const toggles = VIEWS.filter(([, , when]) => !when || when()).map(([key, name]) => {
    const button = make("button", {textContent: name, "aria-pressed": String(state.shown[key])});
    button.dataset.key = key;
    button.addEventListener("click", () => toggle(key));
    return button;
  });
  const add = make("button", {textContent: "Add panel", title: "The same once more, to choose another record, kind or map beside it", disabled: state.panels.length > 3});
  add.dataset.key = "add";
  add.addEventListener("click", addPanel);
  const smaller = zoomButton("\u2212", "Smaller cells (-)", 1 / 1.25), larger = zoomButton("+", "Larger cells (+)", 1.25);
  const exports = Object.entries(EXPORTS).map(([name, run]) => {
    const button = make("button", {textContent: name, title: name === "Print" ? "Print what is shown" : `Save what is shown as ${name}`});
    button.dataset.key = name;
    button.addEventListener("click", run);
    return button;
  });
  bar.replaceChildren(...toggles, add, smaller, larger, make("span", {className: "space"}), ...exports);
  const settings = $("settings");
  settings.replaceChildren(...SETTINGS.filter(([, , , when]) => !when || when()).map(([key, name, options]) => {
    const list = select(name, options, state[key], value => { state[key] = value; state.focus = null; render(); });
    list.dataset.key = key;
    return make("label", {}, name, list);
  }));
  if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
}
function zoomButton(text, title, factor) {
  const button = make("button", {textContent: text, title, "aria-label": title});
  button.dataset.key = title;
  button.addEventListener("click", () => zoomBy(factor));
  return button;
}
function toggle(key) { state.shown[key] = !state.shown[key]; render(); }
function zoomBy(factor) { state.zoom = factor ? clamp(state.zoom * factor, 0.2, 8) : 1; render(); }
function addPanel() {
  if (state.panels.length > 3) return;
  state.panels.push({...state.panels[state.active]});
  state.active = state.panels.length - 1;
  state.focus = null;
  render();
}

// ---- keys ----

// The next of the panel's single maps: `by` 1 or -1 among heads, or among layers.
function moveMap(name, by) {
  const panel = state.panels[state.active], record = openRecord(panel.entry);
  if (!panel.kind) return;
  const names = record.maps[panel.kind].names, now = names[Number(panel.key)] ?? null;
  if (!now) panel.key = "0";
  else if (name === "head") panel.key = String(clamp(Number(panel.key) + by, 0, names.length - 1));
  else {
    const found = names.findIndex(([layer, head]) => layer === now[0] + by && head === now[1]);
    if (found >= 0) panel.key = String(found);
  }
  render();
}
const KEYS = {
  "[": () => moveMap("head", -1), "]": () => moveMap("head", 1), "{": () => moveMap("layer", -1), "}": () => moveMap("layer", 1),
  ",": () => moveStep(-1), ".": () => moveStep(1),
  "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(1 / 1.25), 0: () => zoomBy(0),
  w: () => { state.level = state.level === "words" ? "pieces" : "words"; state.focus = null; render(); },
  d: () => toggle("difference"), "?": () => $("keys").showModal(),
  Escape: () => { state.locked = false; setFocus(null); },
};

addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const run = KEYS[event.key];
  if (!run) return;
  const inStage = event.target.classList?.contains("stage") && drawn.findIndex(one => one.stage === event.target);
  run();
  if (typeof inStage === "number" && inStage >= 0) drawn[inStage]?.stage?.focus();  // drawn anew
});

$("help").addEventListener("click", () => $("keys").showModal());
$("settings").addEventListener("submit", event => event.preventDefault());
$("look").addEventListener("click", () => {
  $("settings").hidden = !$("settings").hidden;
  $("look").setAttribute("aria-expanded", String(!$("settings").hidden));
});
darkScheme.addEventListener("change", render);
let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(render, 120); });
document.documentElement.dataset.theme = themeNow();
