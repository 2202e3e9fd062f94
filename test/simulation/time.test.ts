/** Virtual time moves, or says that it does not. */
import { VirtualTime } from "@syncline/simulation";
import { expect, test } from "vitest";

test("a timer that begins again without letting time pass is an error, not a history without end", () => {
  const time = new VirtualTime();
  const again = (): void => {
    time.after(0, again);
  };
  time.after(10, again);
  expect(() => time.pass(20)).toThrow("time stands still at 10");
});

test("many tasks that are due at different moments are none, nor are some at one", () => {
  const time = new VirtualTime();
  let ran = 0;
  for (let count = 0; count < 150_000; count++) time.after(count / 10, () => (ran += 1));
  for (let count = 0; count < 50_000; count++) time.after(5, () => (ran += 1));
  time.pass(20_000);
  expect(ran).toBe(200_000);
});
