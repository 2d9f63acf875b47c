// The page of `translator serve`: what is typed is translated by the server and shown by the viewer's own parts; an edited translation is
// scored in the place of the translator's, and its attention shown.

const asked = {model: "", beside: "", beam: 5, text: "", forced: null};  // what the page shows; `forced`: a translation that was edited
let about = {models: [], limits: {beam: 1}}, waiting = 0, underWay = false, again = false;
const PAUSE = 250;  // milliseconds after the last key

const modelNamed = name => about.models.find(model => model.name === name);

function say(text, error = false) {
  $("said").textContent = text;
  $("said").classList.toggle("error", error);
}

// ---- records of the server, in the places where those of a file lie ----

function showRecords(records) {
  for (const old of document.querySelectorAll("script.record")) old.remove();
  opened.clear();
  pageIndex.entries = records.map(({entry}) => entry);
  const put = (id, text) => document.body.append(make("script", {type: "application/json", id, className: "record", textContent: text}));
  records.forEach(({record, maps}, i) => {
    put(`record-${i}`, JSON.stringify(record));
    for (const [kind, bytes] of Object.entries(maps)) put(`maps-${i}-${kind}`, bytes);
  });
  const old = state.panels;
  state.panels = records.map((_, entry) => ({entry, kind: old[entry]?.kind ?? old[0]?.kind ?? "cross", key: old[entry]?.key ?? old[0]?.key ?? ""}));
  state.panels.forEach(settle);
  Object.assign(state, {active: Math.min(state.active, records.length - 1), focus: null, locked: false, step: 0});
  $("main").hidden = !records.length;
  render();
}

// ---- asking ----

// Of long sentences the server does not tell all that it could.
const looksClosely = () => [asked.text, asked.forced ?? ""].every(text => [...text].length <= 400 && text.trim().split(/\s+/).length <= 40);

async function attention(model, translation) {
  const body = {q: asked.text, model, beam: asked.beam, best_words: Math.min(6, about.limits.beam), form: "page", vectors: looksClosely()};
  if (translation !== null) body.translation = translation;
  else Object.assign(body, {tree: true, without_words: looksClosely(), alternatives: Math.min(asked.beam - 1, 4)});
  const reply = await fetch("attention", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  const json = await reply.json();
  if (!reply.ok) throw new Error(json.error);
  return json;
}

// One request at a time: what is typed meanwhile is asked for when it is answered.
async function ask() {
  clearTimeout(waiting);
  writeLink();
  renderOwn();
  again = underWay;
  if (again) return;
  if (!asked.text.trim()) {
    $("translation").value = "";
    $("others").replaceChildren();
    $("main").hidden = true;
    return say("");
  }
  const begin = performance.now();
  underWay = true;
  try {
    const names = [asked.model, asked.beside].filter(name => name);
    const found = await Promise.all(names.map((name, i) => attention(name, i === 0 ? asked.forced : null)));
    if (again) return;
    if (asked.forced === null) $("translation").value = found[0].entry.target;
    showRecords(found);
    renderOthers(found[0].alternatives ?? []);
    const {score} = found[0].entry;
    say(`${asked.forced === null ? "translated" : "your translation, scored"} in ${Math.round(performance.now() - begin)} ms; score ${score.toFixed(2)}`);
  } catch (error) {
    if (!again) say(error.message, true);
  } finally {
    underWay = false;
    if (again) ask();
  }
}
function askSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(ask, PAUSE);
}

// Further translations of the beam; a click shows one's attention.
function renderOthers(others) {
  if (asked.forced !== null) {
    for (const one of $("others").children) one.setAttribute("aria-pressed", String(one.textContent === asked.forced));
    return;
  }
  $("others").replaceChildren(...others.map(({text, score}, i) => {
    const button = make("button", {type: "button", title: `score ${score.toFixed(2)}`}, bdi(text));
    button.setAttribute("aria-pressed", String(i === 0));
    button.addEventListener("click", () => force(i === 0 ? null : text));
    return button;
  }));
}
function force(text) {
  asked.forced = text;
  if (text !== null) $("translation").value = text;
  ask();
}
function renderOwn() {
  $("own").hidden = asked.forced === null;
  $("translation").classList.toggle("forced", asked.forced !== null);
}

// ---- the link ----

function writeLink() {
  const link = new URLSearchParams({q: asked.text, model: asked.model, beam: asked.beam});
  if (asked.beside) link.set("beside", asked.beside);
  if (asked.forced !== null) link.set("translation", asked.forced);
  history.replaceState(null, "", `#${link}`);
}
function readLink() {
  const link = new URLSearchParams(location.hash.slice(1));
  asked.text = link.get("q") ?? asked.text;
  asked.model = modelNamed(link.get("model"))?.name ?? asked.model;
  asked.beside = modelNamed(link.get("beside"))?.name ?? "";
  asked.beam = clamp(Math.round(Number(link.get("beam"))) || asked.beam, 1, about.limits.beam);
  asked.forced = link.get("translation");
}
function fillForm() {
  const options = about.models.map(model => make("option", {value: model.name, textContent: `${model.name}: ${model.model}`}));
  $("model").replaceChildren(...options);
  fillBeside();
  $("beam").replaceChildren(...Array.from({length: about.limits.beam}, (_, i) => make("option", {value: i + 1, textContent: i ? i + 1 : "1 (greedy)"})));
  $("model").value = asked.model;
  $("beam").value = String(asked.beam);
  $("text").value = asked.text;
  $("translation").value = asked.forced ?? "";
}
// Beside a translator stand others that read the same language.
function fillBeside() {
  const now = modelNamed(asked.model), others = about.models.filter(model => model !== now && model.source === now.source);
  if (!others.some(model => model.name === asked.beside)) asked.beside = "";
  $("beside").replaceChildren(make("option", {value: "", textContent: "nothing"}), ...others.map(model => make("option", {value: model.name, textContent: `${model.name}: ${model.model}`})));
  $("beside").value = asked.beside;
  $("target").textContent = `${now.source_name || "source"} to ${now.target_name || "target"}`;
}

// ---- what the user does ----

$("text").addEventListener("input", () => {
  asked.text = $("text").value.replace(/\s*\n\s*/g, " ");
  asked.forced = null;
  askSoon();
});
$("translation").addEventListener("input", () => {
  asked.forced = $("translation").value.replace(/\s*\n\s*/g, " ");
  renderOwn();
  askSoon();
});
for (const id of ["text", "translation"]) {
  $(id).addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    ask();
  });
}
$("own").addEventListener("click", () => force(null));
$("model").addEventListener("change", () => {
  asked.model = $("model").value;
  asked.forced = null;
  fillBeside();
  ask();
});
$("beside").addEventListener("change", () => { asked.beside = $("beside").value; ask(); });
$("beam").addEventListener("change", () => { asked.beam = Number($("beam").value); ask(); });
$("ask").addEventListener("submit", event => event.preventDefault());
$("link").addEventListener("click", async () => {
  writeLink();
  try {
    await navigator.clipboard.writeText(location.href);
    say("the link is copied");
  } catch {
    say(location.href);
  }
});
addEventListener("hashchange", () => { readLink(); fillForm(); ask(); });

// ---- the beginning ----

$("main").hidden = true;
(async () => {
  try {
    about = await (await fetch("models")).json();
  } catch {
    return say("the server does not answer", true);
  }
  asked.model = about.models[0].name;
  asked.beam = about.beam;
  readLink();
  fillForm();
  $("text").focus();
  ask();
})();
