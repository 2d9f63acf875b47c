// From weight to colour. All maps rise evenly in lightness but `viridis` and `cividis`, which do nearly; none needs red told from green.

// Cubehelix [Green 2011], as in heatmap's pictures.
function cubehelix(w) {
  const phi = 2 * Math.PI * (0.25 / 3 + 1 - 0.75 * w), amplitude = 1.1 * w * (1 - w) / 2;
  const c = Math.cos(phi), s = Math.sin(phi);
  return [w + amplitude * (-0.14861 * c + 1.78277 * s), w + amplitude * (-0.29227 * c - 0.90649 * s), w + amplitude * 1.97294 * c];
}
// Straight lines between a few colours.
const between = stops => {
  const colours = stops.map(hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255));
  return w => {
    const x = w * (colours.length - 1), i = Math.min(colours.length - 2, Math.floor(x));
    return colours[i].map((low, k) => low + (colours[i + 1][k] - low) * (x - i));
  };
};
const COLOURS = {
  cubehelix,
  viridis: between(["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"]),
  cividis: between(["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]),
  greys: between(["#ffffff", "#000000"]),
};
// Of a difference, -1..1: blue where the second is larger, orange where the first is.
const differenceColours = {
  light: between(["#08519c", "#6baed6", "#ffffff", "#fd8d3c", "#a63603"]),
  dark: between(["#9ecae1", "#3182bd", "#14171a", "#d9590d", "#fdae6b"]),
};

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const bytesOf = colour => colour.map(part => Math.round(255 * clamp(part, 0, 1)));
const cssOf = colour => `rgb(${bytesOf(colour).join(",")})`;

// 256 shades of a map, so that a cell's colour is looked up; as text and as bytes.
const shades = new Map();
function shadesOf(name, colour) {
  if (!shades.has(name)) {
    const all = Array.from({length: 256}, (_, i) => colour(i / 255));
    shades.set(name, {css: all.map(cssOf), bytes: all.map(bytesOf)});
  }
  return shades.get(name);
}
// Black or white, whichever is easier to read on the colour.
function inkOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000000" : "#ffffff";
}
