import { expect, test } from "vitest";
import { Turns } from "../../packages/transport/src/turns.js";

/** A round of an event loop in a test's hands: what is under way, what comes at once after it, and the round's end. */
function round() {
  const at = { now: 100 };
  const next: (() => void)[] = [];
  const atEnd: (() => void)[] = [];
  const turns = new Turns(
    () => at.now,
    (task) => next.push(task),
    (task) => atEnd.push(task),
  );
  const run = (tasks: (() => void)[]) => {
    for (const task of tasks.splice(0)) task();
  };
  return { at, turns, next, atEnd, run };
}

test("what comes alone is settled at once, and what comes soon after it at the end of the round", () => {
  const { at, turns, next, atEnd, run } = round();
  const done: string[] = [];
  turns.ask(() => done.push("first"));
  expect([next.length, atEnd.length]).toEqual([1, 0]);
  run(next);
  expect(done).toEqual(["first"]);
  at.now += 0.9;
  turns.ask(() => done.push("soon"));
  expect([next.length, atEnd.length]).toEqual([0, 1]);
  run(atEnd);
  at.now += 1;
  turns.ask(() => done.push("later"));
  expect([next.length, atEnd.length]).toEqual([1, 0]);
  run(next);
  expect(done).toEqual(["first", "soon", "later"]);
});

test("turns end in the order in which they were asked for, however long one waits", () => {
  const { at, turns, next, atEnd, run } = round();
  const done: number[] = [];
  turns.ask(() => done.push(1));
  turns.ask(() => done.push(2));
  run(next);
  // It has been quiet since, and yet the second one waits.
  at.now += 50;
  turns.ask(() => done.push(3));
  expect([next.length, atEnd.length]).toEqual([0, 2]);
  run(atEnd);
  expect(done).toEqual([1, 2, 3]);
});

test("a turn that asks for another one lets the round go on first, however long it took", () => {
  const { at, turns, next, atEnd, run } = round();
  turns.ask(() => {
    at.now += 50;
    turns.ask(() => {});
  });
  run(next);
  expect([next.length, atEnd.length]).toEqual([0, 1]);
});

test("one that throws is over like any other", () => {
  const { at, turns, next, atEnd } = round();
  turns.ask(() => {
    throw new Error("thrown");
  });
  expect(() => next[0]?.()).toThrow("thrown");
  at.now += 5;
  turns.ask(() => {});
  expect([next.length, atEnd.length]).toEqual([2, 0]);
});
