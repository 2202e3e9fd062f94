/** What histories are drawn with: as wide as it says, and the same for ever. */
import { NarrowRandom, SeededRandom } from "@syncline/simulation";
import { expect, test } from "vitest";

test("one seed is one sequence, for ever", () => {
  const random = new SeededRandom(1);
  expect([random.integer(1_000_000), random.fork().integer(1_000_000), random.integer(2 ** 53)]).toEqual([
    788768, 298692, 899639454538204,
  ]);
});

test("what was kept with 32 bits is drawn as it was", () => {
  const random = new NarrowRandom(3539641676);
  const fork = random.fork();
  const drawn = [random.integer(1000), fork.integer(1000), random.integer(2 ** 53), fork.float()];
  expect(drawn).toEqual([419, 722, 8046037063169042, 0.7185257642995566]);
});

test("seeds of more than 32 bits and purposes are told apart", () => {
  const firsts = [
    new SeededRandom(5),
    new SeededRandom(5 + 2 ** 32),
    new SeededRandom(5 + 2 ** 52),
    new SeededRandom(5, 1),
    new SeededRandom(5, 2),
  ].map((random) => random.integer(2 ** 53));
  expect(new Set(firsts).size).toBe(firsts.length);
});

test("no two of many forks go the same way, however deep", () => {
  const seen = new Set<number>();
  const forks: SeededRandom[] = [];
  let random = new SeededRandom(7);
  for (let count = 0; count < 200_000; count++) {
    const fork = random.fork();
    forks.push(fork);
    if (count % 100 === 0) random = fork;
    seen.add(fork.integer(2 ** 53));
  }
  // Of 32 bits about five would come twice.
  expect(seen.size).toBe(200_000);
});

test("numbers are spread evenly", () => {
  const random = new SeededRandom(11);
  for (const below of [2, 7, 256, 2 ** 32, 2 ** 53]) {
    const parts = [0, 0, 0, 0];
    for (let count = 0; count < 40_000; count++) {
      const number = random.integer(below);
      expect(number >= 0 && number < below && Number.isInteger(number)).toBe(true);
      parts[Math.floor((number / below) * 4)]! += 1;
    }
    if (below > 200) for (const part of parts) expect(Math.abs(part - 10_000)).toBeLessThan(500);
  }
});
