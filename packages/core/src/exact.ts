/**
 * Exact integers beyond 2^53, in two words.
 *
 * A sum of doubles depends on the order of adding once it passes 2^53, and replicas add in different orders. The
 * number is high * 2^32 + low with 0 <= low < 2^32. No BigInt: it costs an allocation and ten times the time.
 */

export interface Exact {
  readonly high: number;
  readonly low: number;
}

export const ZERO: Exact = Object.freeze({ high: 0, low: 0 });

/** The exact form of a safe integer. */
export function exactOf(n: number): Exact {
  const high = Math.floor(n / WORD);
  return { high, low: n - high * WORD };
}

export function plus(a: Exact, b: Exact): Exact {
  return normal(a.high + b.high, a.low + b.low);
}

export function minus(a: Exact, b: Exact): Exact {
  return normal(a.high - b.high, a.low - b.low);
}

/** `n` is a safe integer. */
export function plusNumber(a: Exact, n: number): Exact {
  return plus(a, exactOf(n));
}

export function compareExact(a: Exact, b: Exact): number {
  return a.high - b.high || a.low - b.low;
}

/** The number, undefined if it is not a safe integer. */
export function safeNumber(a: Exact): number | undefined {
  const n = a.high * WORD + a.low;
  return Number.isSafeInteger(n) ? n : undefined;
}

/** The exact number divided by 2^32, rounded: for comparing magnitudes. */
export function magnitude(a: Exact): number {
  return Math.abs(a.high + a.low / WORD);
}

const WORD = 2 ** 32;

function normal(high: number, low: number): Exact {
  if (low < 0) return { high: high - 1, low: low + WORD };
  if (low >= WORD) return { high: high + 1, low: low - WORD };
  return { high, low };
}
