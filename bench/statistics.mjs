/** Medians and spread of few samples, and how figures are written. */
export function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0], max: sorted.at(-1), samples: sorted.length };
}

export function quantile(sorted, share) {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at % 1);
}

/** Three digits, as people read them: 1.23, 45.6, 789, 12.3k, 4.56M. */
export function figure(value) {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 999_500) return `${digits(value / 1e6)}M`;
  if (size >= 9_995) return `${digits(value / 1e3)}k`;
  if (size >= 1_000) return Math.round(value).toLocaleString("en-US");
  return digits(value);
}

/** Half of the range of the samples, as a share of the median. */
export const spread = ({ median, min, max }) =>
  median === 0 ? "" : `±${Math.round((50 * (max - min)) / Math.abs(median))}%`;

function digits(value) {
  const size = Math.abs(value);
  if (size < 0.1) return String(Number(value.toPrecision(1)));
  return String(Number(value.toFixed(size >= 99.5 ? 0 : size >= 9.95 ? 1 : 2)));
}
