/**
 * What the works share: a time box, chance from a seed, heap sizes, and the check that what was computed is right.
 */

/** A system that computed something wrong has no time to be compared. */
export class WrongValue extends Error {}

export function mustEqual(what, actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new WrongValue(`${what} is ${short(a)}, and should be ${short(b)}`);
}

/**
 * Calls `step(i)` for i = 0 … total - 1, or until the box is used up: some systems would take hours. What is
 * reported then is scaled, and marked.
 */
export function timed(total, step, msMax = MS_MAX) {
  const watch = stopwatch();
  let done = 0;
  let ms = 0;
  while (done < total && ms < msMax) {
    const until = Math.min(total, done + STEPS_BETWEEN_LOOKS);
    while (done < until) step(done++);
    ms = watch();
  }
  return { done, ms, msOfAll: (ms * total) / done, perSecond: (done * 1000) / ms, boxed: done < total };
}

/** Milliseconds of one call, and what it returned. */
export function once(call) {
  const watch = stopwatch();
  const result = call();
  return { result, ms: watch() };
}

/**
 * Milliseconds since now, as the function that it returns says: of the clock or of the processor, whichever is less. The
 * clock also counts what other processes do in between, and the processor what helper threads do meanwhile.
 */
export function stopwatch() {
  const began = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min(performance.now() - began, (user + system) / 1_000);
  };
}

/** Bytes in use after a full collection: the heap and what it holds outside. Needs --expose-gc. */
export function heapBytes() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Numbers from 0 up to 2^32 - 1, the same for every system. */
export function chance(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** Ten characters, different for each number and without a pattern that a compression would find. */
export function tenBytes(i) {
  const mixed = Math.imul(i + 1, 0x9e3779b1) >>> 0;
  const more = Math.imul(mixed, 0x85ebca6b) >>> 17;
  return mixed.toString(32).padStart(7, "0") + more.toString(32).padStart(3, "0");
}

const MS_MAX = 4_000;
const STEPS_BETWEEN_LOOKS = 16;

const short = (text) => (text === undefined || text.length < 80 ? text : `${text.slice(0, 77)}...`);
