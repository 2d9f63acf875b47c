// The sentence translated again without one of its words, where a record has that: what changes then.

function renderWithout() {
  const section = $("without"), record = openRecord(state.panels[state.active].entry);
  section.hidden = !state.shown.without || !record.without;
  if (section.hidden) return;
  const words = record.source.tokens.map(token => visible(token.t)), usual = wordsOf(record.target.text);
  const row = (word, text, score) => make("tr", {}, make("td", {}, word), make("td", {className: "text"}, ...text), make("td", {className: "number", textContent: score.toFixed(2)}));
  const table = make("table", {className: "bars"}, make("thead", {}, make("tr", {}, ...["without", "translation", "score"].map(text => make("th", {scope: "col", className: "faint", textContent: text})))),
                     row("(the whole)", [bdi(record.target.text)], record.about.score), ...record.without.map(({w, text, score}) => row(bdi(words[w]), marked(text, usual), score)));
  section.replaceChildren(make("h2", {textContent: "Without one word"}),
                          make("p", {className: "faint", textContent: `${withoutKinds[record.withoutKind]} What the whole sentence's translation does not have is marked.`}),
                          make("div", {className: "scroll"}, table));
}
const withoutKinds = {mask: "The source translated again with the word masked: it stays in its place, and attention may not look at it. An encoder that reads word by word (LSTM, GRU) has read it all the same.",
                      drop: "The source translated again with the word left out."};
// The text with those words marked that are not in `usual`, by their order.
function marked(text, usual) {
  const words = wordsOf(text), common = new Set(commonWords(words, usual).map(([i]) => i));
  return [make("bdi", {dir: "auto"}, ...words.flatMap((word, i) => [common.has(i) ? word : make("span", {className: "mark", textContent: word}), spaced(text) ? " " : ""]))];
}
// Words; of a text without spaces, its signs.
const spaced = text => /\s/.test(text) || !/[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]/.test(text);
const wordsOf = text => spaced(text) ? text.split(/\s+/) : [...text];
