// Numbers that say what a map is like, to sort maps by; end marks count but for the alignment error.

// Mean over rows of H / ln S, H = -sum w ln w: 0 looks at one word, 1 at all alike.
function entropyOf(matrix) {
  if (matrix.columns < 2) return 0;
  let sum = 0;
  for (let r = 0; r < matrix.rows; ++r) {
    let h = 0;
    for (const w of matrix.row(r)) if (w > 0) h -= w * Math.log(w);
    sum += h / Math.log(matrix.columns);
  }
  return sum / matrix.rows;
}

// 1 less the mean distance of the weight from the diagonal, both sides stretched to 0..1: a copy in order has 1.
function diagonalityOf(matrix) {
  const place = (i, n) => n > 1 ? i / (n - 1) : 0;
  let distance = 0, weight = 0;
  for (let r = 0; r < matrix.rows; ++r) {
    matrix.row(r).forEach((w, c) => {
      distance += w * Math.abs(place(r, matrix.rows) - place(c, matrix.columns));
      weight += w;
    });
  }
  return weight > 0 ? 1 - distance / weight : 0;
}

// The link of each output word to the source word of the largest weight, end marks left out.
function linksOf(record, matrix) {
  const source = tokensOf(record, "source", "words"), target = tokensOf(record, "target", "words"), links = [];
  target.forEach((word, t) => {
    if (word.end) return;
    let best = -1;
    source.forEach((other, s) => { if (!other.end && (best < 0 || matrix.at(t, s) > matrix.at(t, best))) best = s; });
    if (best >= 0) links.push([best, t]);
  });
  return links;
}

// Alignment error rate [Och & Ney 2003] of a map between words: 1 - (|A and S| + |A and P|) / (|A| + |S|), P holding S.
function alignmentErrorOf(record, matrix) {
  const key = ([s, t]) => s + "-" + t;
  const sure = new Set(record.gold.sure.map(key)), possible = new Set([...sure, ...record.gold.possible.map(key)]);
  const links = linksOf(record, matrix).map(key);
  const hits = set => links.filter(link => set.has(link)).length;
  return links.length + sure.size ? 1 - (hits(sure) + hits(possible)) / (links.length + sure.size) : 0;
}

// Pairs of positions of two lists of words that are the same, in order, as many as there can be; [i of a, j of b].
function commonWords(a, b) {
  const best = Array.from({length: a.length + 1}, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j)
      best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  }
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (best[i + 1][j] >= best[i][j + 1]) ++i;
    else ++j;
  }
  return pairs;
}
