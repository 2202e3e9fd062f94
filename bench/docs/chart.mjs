/**
 * Charts as SVG, each in a light and a dark version: bars of one figure, and ratios on a logarithmic axis. No script,
 * no font but the reader's own, and the figures written beside what is drawn.
 */
const THEMES = {
  light: {
    text: "#1f2328",
    faint: "#656d76",
    line: "#d0d7de",
    ours: "#0969da",
    peer: "#8c959f",
    floor: "#c9d1d9",
  },
  dark: {
    text: "#e6edf3",
    faint: "#8d96a0",
    line: "#30363d",
    ours: "#4493f8",
    peer: "#6e7681",
    floor: "#343b44",
  },
};
const WIDTH = 760;
const LABEL_WIDTH = 290;
const VALUE_WIDTH = 66;
const ROW = 24;
const TOP = 46;
/** Powers of ten to either side; what lies further ends there. */
const REACH_MAX = 2;

export const themes = Object.keys(THEMES);

/** @param bars `label`, `value`, `text` and `kind`: "ours", "peer" or "floor". Longest first is up to the caller. */
export function barChart({ title, note, bars }, themeName) {
  const theme = THEMES[themeName];
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const longest = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value, text, kind }, i) => {
    const y = TOP + i * ROW;
    const width = Math.max(1, (room * value) / longest);
    return [
      words(LABEL_WIDTH - 8, y + 16, label, theme.text, "end", kind === "ours" ? 600 : 400),
      `<rect x="${LABEL_WIDTH}" y="${y + 4}" width="${width.toFixed(1)}" height="16" rx="2" fill="${theme[kind]}"/>`,
      words(LABEL_WIDTH + width + 6, y + 16, text, theme.faint, "start"),
    ].join("");
  });
  return drawing(title, note, bars.length, theme, rows);
}

/**
 * Ratios to the best peer, one row each: right of the line we are better.
 *
 * @param rows `label`, `ratio` and `text`
 */
export function ratioChart({ title, note, rows }, themeName) {
  const theme = THEMES[themeName];
  const middle = LABEL_WIDTH + (WIDTH - LABEL_WIDTH) / 2;
  const half = (WIDTH - LABEL_WIDTH) / 2 - VALUE_WIDTH;
  const furthest = Math.max(...rows.map(({ ratio }) => Math.abs(Math.log10(ratio))));
  const reach = Math.min(REACH_MAX, Math.max(1, furthest));
  const at = (ratio) => middle + Math.max(-1, Math.min(1, Math.log10(ratio) / reach)) * half;
  const bottom = TOP + rows.length * ROW;
  const drawn = rows.map(({ label, ratio, text }, i) => {
    const y = TOP + i * ROW;
    const [from, to] = [Math.min(middle, at(ratio)), Math.max(middle, at(ratio))];
    const kind = ratio >= 1 ? "ours" : "peer";
    return [
      words(LABEL_WIDTH - 8, y + 16, label, theme.text, "end"),
      `<rect x="${from.toFixed(1)}" y="${y + 4}" width="${Math.max(1, to - from).toFixed(1)}" height="16" rx="2" fill="${theme[kind]}"/>`,
      words(ratio >= 1 ? to + 6 : from - 6, y + 16, text, theme.faint, ratio >= 1 ? "start" : "end"),
    ].join("");
  });
  const line = `<path d="M${middle} ${TOP - 2}V${bottom}" stroke="${theme.line}"/>`;
  return drawing(title, note, rows.length, theme, [line, ...drawn]);
}

function drawing(title, note, count, theme, parts) {
  const height = TOP + count * ROW + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`,
    ` role="img" font-family="system-ui, sans-serif" font-size="13"><title>${escaped(title)}</title>`,
    words(8, 18, title, theme.text, "start", 600),
    words(8, 36, note, theme.faint, "start"),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function words(x, y, text, fill, anchor, weight = 400) {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${escaped(text)}</text>`;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
