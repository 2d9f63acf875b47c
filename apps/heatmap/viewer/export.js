// The current view as a file: SVG, PNG, the numbers as CSV; and on paper.

svgOf.group = s => `<g transform="translate(${px(s.x)} ${px(s.y)})">${s.scene.shapes.map(one => svgOf[one.shape](one)).join("")}</g>`;
paintOf.group = (context, s) => {
  context.save();
  context.translate(s.x, s.y);
  for (const one of s.scene.shapes) paintOf[one.shape](context, one, s.scene);
  context.restore();
};

// All that the panels show, one below the other, each with its title and its sentences.
function wholeScene() {
  const look = lookNow(), shapes = [];
  let y = 12, width = 200;
  const line = (text, bold) => {
    shapes.push({shape: "text", text, x: 12, y: y + 8, size: 13, bold, fill: bold ? look.colours.text : look.colours.faint});
    width = Math.max(width, 24 + textWidth(text, 13, bold));
    y += 19;
  };
  const put = scenes => {
    let x = 12;
    for (const scene of scenes) { shapes.push({shape: "group", x, y, scene}); x += scene.width + 16; }
    width = Math.max(width, x);
    y += Math.max(0, ...scenes.map(scene => scene.height)) + 14;
  };
  for (const {view, scene} of drawn) {
    if (!view) continue;
    line(view.title, true);
    line(view.record.source.text, false);
    line(view.record.target.text, false);
    put([scene, state.shown.lines && linesScene(view, look)].filter(Boolean));
  }
  if (drawnDifference) {
    line(drawnDifference.view.title, true);
    put([drawnDifference.scene]);
  }
  return {width: Math.ceil(width), height: Math.ceil(y), shapes, colours: look.colours, label: "Attention", filled: true};
}

function save(blob, name) {
  const link = make("a", {download: name, href: URL.createObjectURL(blob)});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function fileName(extension) {
  const {id} = pageIndex.entries[state.panels[0].entry];
  return `attention-${id}.${extension}`;
}
const csvField = text => /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
function csvText() {
  const lines = ["model,kind,map,row,row word,column,column word,weight"];
  for (const {view} of drawn) {
    if (!view) continue;
    const same = [view.record.about.model, view.kind, nameOfChoice(view.record, view.kind, view.key)];
    view.rows.forEach((row, r) => view.columns.forEach((column, c) => {
      const weight = view.masked(r, c) ? "" : view.matrix.at(r, c).toFixed(view.coding.bits === 16 ? 5 : 4);
      lines.push([...same, String(r + 1), row.text, String(c + 1), column.text, weight].map(csvField).join(","));
    }));
  }
  return lines.join("\n") + "\n";
}

const EXPORTS = {
  SVG: () => save(new Blob([sceneSvg(wholeScene(), true)], {type: "image/svg+xml"}), fileName("svg")),
  PNG: () => sceneCanvas(wholeScene(), 2).toBlob(blob => save(blob, fileName("png")), "image/png"),
  CSV: () => save(new Blob([csvText()], {type: "text/csv"}), fileName("csv")),
  Print: () => print(),
};
// On paper the page is light, whatever the screen.
addEventListener("beforeprint", () => { printing = true; render(); });
addEventListener("afterprint", () => { printing = false; render(); });
