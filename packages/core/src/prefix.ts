/**
 * Prefix sums of one author's steps on a counter.
 *
 * A prefix sum is a function of author and op alone, so of two the one that reaches further is simply the newer one,
 * and joining is taking it.
 */
import type { ByteReader, ByteWriter } from "./bytes.js";
import { compareExact, type Exact, magnitude, ZERO } from "./exact.js";
import { CORE_LIMITS } from "./limits.js";

export interface Prefix {
  /** Counter of the last op counted, 0 for none. */
  readonly seq: number;
  readonly total: Exact;
}

export const NO_STEPS: Prefix = Object.freeze({ seq: 0, total: ZERO });

/** The longer prefix. Equal lengths have equal totals, unless an author lied; even then everybody takes the same. */
export function laterPrefix(a: Prefix, b: Prefix): Prefix {
  return (a.seq - b.seq || compareExact(a.total, b.total)) >= 0 ? a : b;
}

export function writeTotal(out: ByteWriter, total: Exact): void {
  out.int(total.high);
  out.uint(total.low);
}

/** Refuses more than `seq` steps can add up to: it bounds what sums of totals can reach, and keeps them exact. */
export function readTotal(input: ByteReader, seq: number): Exact {
  const at = input.offset;
  const total = { high: input.int(), low: input.uint(2 ** 32 - 1) };
  if (magnitude(total) > seq * (CORE_LIMITS.counterStepMax / 2 ** 32))
    input.fail("a total beyond its steps", at);
  return total;
}
