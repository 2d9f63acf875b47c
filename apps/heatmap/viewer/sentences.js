// The list of sentences of a page in a file; opens the first.

const sentences = [...new Map(pageIndex.entries.map((entry, i) => [entry.source, i])).keys()]
  .map(source => ({source, entry: pageIndex.entries.findIndex(entry => entry.source === source)}));
let sentence = 0;

// The best record of each model of the sentence, side by side.
function openSentence(index) {
  sentence = clamp(index, 0, sentences.length - 1);
  const group = groupOf(sentences[sentence].entry), seen = new Set(), old = state.panels[0] ?? {kind: "cross", key: ""};
  const key = old.key && old.key === usualKey(openRecord(old.entry), old.kind) ? "" : old.key;  // what nobody chose is each record's own
  const best = group.filter(entry => {
    const {file, model} = pageIndex.entries[entry], name = `${file} ${model}`;
    return !seen.has(name) && seen.add(name);
  });
  state.panels = best.slice(0, 3).map(entry => ({entry, kind: old.kind, key}));
  state.panels.forEach(settle);
  Object.assign(state, {active: 0, focus: null, locked: false, step: 0});
  $("sentence").value = String(sentence);
  $("previous").disabled = sentence === 0;
  $("next").disabled = sentence === sentences.length - 1;
  render();
}
function fillSentences(wanted) {
  const list = $("sentence"), words = wanted.toLowerCase();
  const texts = ({source}) => pageIndex.entries.filter(entry => entry.source === source).map(entry => entry.target).join(" ");
  const found = sentences.flatMap((one, i) => !words || `${one.source} ${texts(one)}`.toLowerCase().includes(words) ? [[i, one]] : []);
  list.replaceChildren(...found.map(([i, {source, entry}]) => make("option", {value: i, textContent: `${pageIndex.entries[entry].id}: ${shortText(source, 80)}`})));
  if (!found.length) list.append(make("option", {value: -1, textContent: "no sentence has that"}));
  else if (!found.some(([i]) => i === sentence)) openSentence(found[0][0]);
  list.value = found.length ? String(sentence) : "-1";
}

Object.assign(KEYS, {n: () => openSentence(sentence + 1), p: () => openSentence(sentence - 1)});
$("sentence").addEventListener("change", event => openSentence(Number(event.target.value)));
$("previous").addEventListener("click", () => openSentence(sentence - 1));
$("next").addEventListener("click", () => openSentence(sentence + 1));
$("find").addEventListener("input", event => fillSentences(event.target.value));
if (sentences.length < 2) for (const id of ["previous", "next", "find"]) $(id).hidden = true;
fillSentences("");
openSentence(0);
