/** Stamps: later than all that was made or heard of, as long as that can be believed. */
import { HybridClock, STAMP_EPOCH_MS, stampMs } from "@syncline/core";
import { expect, test } from "vitest";

const NOON = Date.UTC(2026, 10, 27, 12);
/** The stamps of one millisecond. */
const PER_MS = 4096;

function clockAt(start: number, driftMsMax?: number) {
  const time = { ms: start };
  return { time, clock: new HybridClock(() => time.ms, driftMsMax) };
}

const firstOf = (ms: number): number => (ms - STAMP_EPOCH_MS) * PER_MS;

test("stamps say the time at which they were made, and begin with 2024", () => {
  expect(STAMP_EPOCH_MS).toBe(Date.UTC(2024, 0, 1));
  expect(stampMs(0)).toBe(STAMP_EPOCH_MS);
  const { time, clock } = clockAt(NOON);
  expect(clock.next()).toBe(firstOf(NOON));
  time.ms = NOON + 1.9;
  const stamp = clock.next();
  expect(stamp).toBe(firstOf(NOON + 1));
  expect([stampMs(stamp), stampMs(stamp + PER_MS - 1), stampMs(stamp + PER_MS)]).toEqual([
    NOON + 1,
    NOON + 1,
    NOON + 2,
  ]);
});

test("while time stands still, or goes back a little, each is the next number", () => {
  const { time, clock } = clockAt(NOON);
  expect([clock.next(), clock.next()]).toEqual([firstOf(NOON), firstOf(NOON) + 1]);
  time.ms = NOON - 60_000;
  expect(clock.next()).toBe(firstOf(NOON) + 2);
  time.ms = NOON + 1;
  expect(clock.next()).toBe(firstOf(NOON + 1));
});

test("more of them than a millisecond has go on into the next one", () => {
  const { clock } = clockAt(NOON);
  let last = clock.next();
  for (let i = 1; i <= PER_MS; i++) {
    const stamp = clock.next();
    expect(stamp).toBe(last + 1);
    last = stamp;
  }
  expect(stampMs(last)).toBe(NOON + 1);
});

test("what was heard of is followed, as far as it may be ahead, and not forgotten for something older", () => {
  const { clock } = clockAt(NOON, 1000);
  const last = firstOf(NOON + 1000) + PER_MS - 1;
  clock.observe(last + 1);
  expect(clock.next()).toBe(firstOf(NOON));
  clock.observe(last);
  clock.observe(firstOf(NOON - 5));
  // Also what goes on from the greatest stamp there may be is not taken back.
  expect([clock.next(), clock.next()]).toEqual([last + 1, last + 2]);
  // What is ignored does not make it forget what it has followed.
  clock.observe(firstOf(NOON + 900));
  clock.observe(firstOf(NOON + 5_000_000));
  expect(clock.next()).toBe(last + 3);
  // By default five minutes.
  const { clock: usual } = clockAt(NOON);
  usual.observe(firstOf(NOON + 300_001));
  expect(usual.next()).toBe(firstOf(NOON));
  usual.observe(firstOf(NOON + 300_000));
  expect(usual.next()).toBe(firstOf(NOON + 300_000) + 1);
});

test("a clock that was years ahead forgets that once it is set right; one that was a little ahead does not", () => {
  const { time, clock } = clockAt(Date.UTC(2099, 0, 1));
  clock.next();
  time.ms = NOON;
  expect(clock.next()).toBe(firstOf(NOON));
  time.ms = NOON - 300_000;
  expect(clock.next()).toBe(firstOf(NOON) + 1);
  time.ms = NOON - 300_002;
  expect(clock.next()).toBe(firstOf(NOON - 300_002));
});

test("before 2024 there are only numbers", () => {
  const { clock } = clockAt(Date.UTC(1970, 0, 1));
  expect([clock.next(), clock.next()]).toEqual([1, 2]);
});
