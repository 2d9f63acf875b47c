// What the page holds: an index of records, and for each record its words and its maps of attention.
// A map is decoded when it is first shown. Stored are bytes, row by row: 16 bits, w = q / 65535, where a record is small, else 8 bits,
// w = (q / 255)^2, which leaves small weights apart: the error is half a step, 0.004 at 1 and 0.0004 at 0.01.

const KINDS = {
  cross: {name: "output to source", rows: "target", columns: "source"},
  encoder: {name: "source to itself (encoder)", rows: "source", columns: "source"},
  decoder: {name: "output to itself (decoder)", rows: "target", columns: "read"},
};

const readJson = id => JSON.parse(document.getElementById(id).textContent);
const pageIndex = readJson("index");

const opened = new Map();
function openRecord(entry) {
  if (!opened.has(entry)) {
    const record = readJson("record-" + entry);
    record.entry = entry;
    record.about = pageIndex.entries[entry];
    record.kinds = Object.keys(KINDS).filter(kind => record.maps[kind]);
    opened.set(entry, record);
  }
  return opened.get(entry);
}

// A matrix of weights, row after row.
class Matrix {
  constructor(rows, columns, values = new Float32Array(rows * columns)) {
    this.rows = rows;
    this.columns = columns;
    this.values = values;
  }
  at(row, column) { return this.values[row * this.columns + column]; }
  row(row) { return this.values.subarray(row * this.columns, (row + 1) * this.columns); }
}

// The m-th map of a kind as it is stored: between pieces where the record has them, else between words.
function storedMap(record, kind, m) {
  const maps = record.maps[kind];
  maps.decoded ??= [];
  if (!maps.decoded[m]) {
    maps.text ??= document.getElementById(`maps-${record.entry}-${kind}`).textContent;
    const letters = maps.stride / 3 * 4;  // of base64; a map begins with a letter of its own
    const bytes = atob(maps.text.slice(m * letters, (m + 1) * letters));
    const matrix = new Matrix(maps.rows, maps.columns);
    for (let i = 0; i < matrix.values.length; ++i) {
      matrix.values[i] = maps.bits === 16 ? (bytes.charCodeAt(2 * i) + 256 * bytes.charCodeAt(2 * i + 1)) / 65535
                                          : (bytes.charCodeAt(i) / 255) ** 2;
    }
    maps.decoded[m] = matrix;
  }
  return maps.decoded[m];
}

// Half a step of the stored weights around w.
function roundingAt(maps, w) {
  return maps.bits === 16 ? 0.5 / 65535 : Math.sqrt(w) / 255 + 0.25 / 65025;
}

// The tokens along an axis: of source, of target, or what the decoder has read (<s>, then what it wrote).
function tokensOf(record, side, level) {
  if (side === "read")
    return [{text: "<s>", end: true, word: -1}, ...tokensOf(record, "target", level).filter(token => !token.end)];
  const words = record[side].tokens;
  if (level === "pieces" && record.pieces)
    return record.pieces[side].map(({t, w}) => ({text: t, end: !!words[w].eos, unk: !!words[w].unk, word: w}));
  return words.map(({t, eos, unk}, word) => ({text: t, end: !!eos, unk: !!unk, word}));
}

// Pieces as words: averaged over the pieces of a row's word, summed over those of a column's, so that a row still sums to one.
function mergePieces(record, kind, pieces) {
  const wordsOf = side => tokensOf(record, side, "pieces").map(token => token.word + (side === "read" ? 1 : 0));
  const rowOf = wordsOf(KINDS[kind].rows), columnOf = wordsOf(KINDS[kind].columns);
  const count = side => tokensOf(record, side, "words").length;
  const words = new Matrix(count(KINDS[kind].rows), count(KINDS[kind].columns));
  const parts = new Array(words.rows).fill(0);
  for (const row of rowOf) ++parts[row];
  for (let i = 0; i < pieces.rows; ++i) {
    for (let j = 0; j < pieces.columns; ++j)
      words.values[rowOf[i] * words.columns + columnOf[j]] += pieces.at(i, j) / parts[rowOf[i]];
  }
  return words;
}

function meanOf(matrices) {
  const mean = new Matrix(matrices[0].rows, matrices[0].columns);
  for (const matrix of matrices) matrix.values.forEach((w, i) => { mean.values[i] += w / matrices.length; });
  return mean;
}
function largestOf(matrices) {
  const largest = new Matrix(matrices[0].rows, matrices[0].columns);
  for (const matrix of matrices) matrix.values.forEach((w, i) => { largest.values[i] = Math.max(largest.values[i], w); });
  return largest;
}
function product(a, b) {
  const result = new Matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; ++i) {
    for (let k = 0; k < a.columns; ++k) {
      const w = a.at(i, k);
      if (w) for (let j = 0; j < b.columns; ++j) result.values[i * b.columns + j] += w * b.at(k, j);
    }
  }
  return result;
}

// Rollout [Abnar & Zuidema 2020]: through the layers, half of each position staying where it is (the residual path), half going where the
// mean head of the layer looks. Of `cross`: what the output looks at, carried on through the encoder.
function rollout(record, kind) {
  const names = record.maps[kind].names, layers = [...new Set(names.map(name => name[0]))];
  const meanOfLayer = layer => meanOf(names.flatMap(([l], m) => l === layer ? [storedMap(record, kind, m)] : []));
  if (kind === "cross") return product(meanOf(layers.map(meanOfLayer)), rollout(record, "encoder"));
  let through = null;
  for (const layer of layers) {
    const step = meanOfLayer(layer);
    for (let i = 0; i < step.rows; ++i) {
      for (let j = 0; j < step.columns; ++j) {
        const at = i * step.columns + j;
        step.values[at] = step.values[at] / 2 + (i === j ? 0.5 : 0);
      }
    }
    through = through ? product(squared(step), through) : step;
  }
  return through;
}
// The decoder may have read one position less or more than it wrote.
function squared(matrix) {
  const side = new Matrix(matrix.rows, matrix.rows);
  for (let i = 0; i < side.rows; ++i) {
    for (let j = 0; j < Math.min(side.rows, matrix.columns); ++j) side.values[i * side.rows + j] = matrix.at(i, j);
  }
  return side;
}

const hasRollout = (record, kind) => !!record.maps[kind === "cross" ? "encoder" : kind] && record.maps[kind].names.length > 1;

// Ways to make one matrix of a kind's maps: {key, name}.
function choicesOf(record, kind) {
  const names = record.maps[kind].names, choices = [];
  if (names.length > 1) choices.push({key: "mean", name: `mean of ${names.length} maps`}, {key: "max", name: "largest of all maps"});
  if (hasRollout(record, kind)) choices.push({key: "rollout", name: "rollout (assumes residual 0.5)"});
  const layers = [...new Set(names.map(name => name[0]))];
  if (layers.length > 1 && names.length > layers.length)
    for (const layer of layers) choices.push({key: `layer ${layer}`, name: `layer ${layer}, mean of its heads`});
  names.forEach(([layer, head], m) => choices.push({key: String(m), name: `layer ${layer}, head ${head}`}));
  const chosen = record.usual && kind === "cross" && choices.find(choice => choice.key === keyOfUsual(record));
  if (chosen) chosen.name += ", the run's choice";
  return choices;
}

// The key of what is shown first: the map that was chosen for the record's run, else the first choice.
function usualKey(record, kind) {
  return kind === "cross" && record.usual ? keyOfUsual(record) : choicesOf(record, kind)[0].key;
}
function keyOfUsual({usual: [layer, head], maps}) {
  const names = maps.cross.names, layers = new Set(names.map(name => name[0])).size;
  if (head < 0 && names.length === layers) head = names.find(([l]) => l === layer)[1];  // a layer of one head
  if (head < 0) return layers > 1 ? `layer ${layer}` : "mean";
  return String(names.findIndex(([l, h]) => l === layer && h === head));
}

// The matrix of a choice, between words or pieces.
function matrixOf(record, kind, key, level) {
  record.made ??= new Map();
  const name = `${kind} ${key} ${level}`;
  if (!record.made.has(name)) record.made.set(name, makeMatrix(record, kind, key, level));
  return record.made.get(name);
}
function makeMatrix(record, kind, key, level) {
  const merged = matrix => record.pieces && level === "words" ? mergePieces(record, kind, matrix) : matrix;
  const names = record.maps[kind].names, all = names.map((_, m) => m);
  if (key === "rollout") return merged(rollout(record, kind));
  if (key === "max") return largestOf(all.map(m => merged(storedMap(record, kind, m))));
  if (key === "mean") return merged(meanOf(all.map(m => storedMap(record, kind, m))));
  if (key.startsWith("layer ")) return merged(meanOf(all.filter(m => names[m][0] === Number(key.slice(6))).map(m => storedMap(record, kind, m))));
  return merged(storedMap(record, kind, Number(key)));
}
