// From weight to colour. The page is given the colours of heatmap's pictures (colour.cpp), dark and light, as stops between which colours lie
// on straight lines. No map needs red told from green.
const between = stops => {
  const colours = stops.map(hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255));
  return w => {
    const x = w * (colours.length - 1), i = Math.min(colours.length - 2, Math.floor(x));
    return colours[i].map((low, k) => low + (colours[i + 1][k] - low) * (x - i));
  };
};
const colourMaps = stops => Object.fromEntries(Object.entries(stops).map(([name, of]) => [name, between(of)]));
const COLOURS = colourMaps(colourStops.weights);
// Of a difference, -1..1: blue where the second is larger, orange where the first is.
const differenceColours = colourMaps(colourStops.differences);

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
