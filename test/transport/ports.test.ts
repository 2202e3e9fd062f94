/** The real ports of a process and of a browser. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random, Scheduler } from "@syncline/engine";
import { browserClock, browserRandom, browserScheduler } from "@syncline/transport/browser";
import { hmac, systemClock, systemRandom, systemScheduler } from "@syncline/transport/node";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FewTimers } from "../../packages/transport/src/few-timers.js";
import { Timers } from "../../packages/transport/src/timers.js";
import { uniformInteger } from "../../packages/transport/src/uniform.js";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each([
  ["system", systemClock],
  ["browser", browserClock],
])("the clock of the %s tells the time, and a time that does not go back", (_, clock) => {
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(60_000);
  let last = clock.monotonic();
  for (let i = 0; i < 1_000; i++) {
    const now = clock.monotonic();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});

describe.each([
  ["many", Timers],
  ["few", FewTimers],
])("timers, where there are %s,", (_, Timers) => {
  const fake = () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let now = 0;
    const timers = new Timers(() => now);
    /** Lets time pass in steps in which the platform's timers fire, possibly late, never by themselves. */
    const pass = (ms: number) => {
      now += ms;
      vi.advanceTimersByTime(ms);
    };
    return { timers, pass, now: () => now };
  };

  test("run once, in the order of their due times, not early, unless cancelled", () => {
    const step = fc.oneof(
      fc.record({ set: fc.nat({ max: 200 }) }),
      fc.record({ set: fc.nat({ max: 200 }) }),
      fc.record({ cancel: fc.nat({ max: 40 }) }),
      fc.record({ pass: fc.nat({ max: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const { timers, pass, now } = fake();
        const set: { due: number; number: number; cancel: () => void; state: "set" | "run" | "cancelled" }[] =
          [];
        const run: (typeof set)[number][] = [];
        for (const step of steps) {
          if ("set" in step) {
            const timer = {
              due: now() + step.set,
              number: set.length,
              cancel: () => {},
              state: "set" as const,
            };
            const kept: (typeof set)[number] = timer;
            kept.cancel = timers.after(step.set, () => {
              expect(kept.state).toBe("set");
              expect(now()).toBeGreaterThanOrEqual(kept.due);
              kept.state = "run";
              run.push(kept);
            });
            set.push(kept);
          } else if ("cancel" in step) {
            const timer = set[step.cancel];
            timer?.cancel();
            if (timer?.state === "set") timer.state = "cancelled";
          } else {
            pass(step.pass);
            for (const { due, state } of set) if (state === "set") expect(due).toBeGreaterThan(now());
          }
        }
        pass(300);
        expect(set.filter(({ state }) => state === "set")).toEqual([]);
        const inOrder = [...run].sort((a, b) => a.due - b.due || a.number - b.number);
        expect(run).toEqual(inOrder);
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  test("keep their order when all of them are late", () => {
    const { timers, pass } = fake();
    const run: number[] = [];
    // The platform would run both of the first length before the second.
    for (const delayMs of [10, 30, 20, 10.5, 10.2]) timers.after(delayMs, () => run.push(delayMs));
    pass(1_000);
    expect(run).toEqual([10, 10.2, 10.5, 20, 30]);
  });

  test("that are set while others run wait for the next time", () => {
    const { timers, pass } = fake();
    let runs = 0;
    const again = () => {
      runs++;
      if (runs < 5) timers.after(0, again);
    };
    timers.after(0, again);
    expect(runs).toBe(0);
    vi.advanceTimersToNextTimer();
    expect(runs).toBe(1);
    pass(10);
    expect(runs).toBe(5);
  });

  test("that throw do not take the others with them", () => {
    const { timers, pass } = fake();
    let ran = false;
    timers.after(5, () => {
      throw new Error("thrown by a task");
    });
    timers.after(5, () => (ran = true));
    expect(() => pass(5)).toThrow("thrown by a task");
    pass(1);
    expect(ran).toBe(true);
  });

  test("that were all cancelled leave nothing that keeps the process running", () => {
    const { timers } = fake();
    const cancels = [5, 3, 9].map((delayMs) => timers.after(delayMs, expect.unreachable));
    expect(vi.getTimerCount()).toBe(1);
    for (const cancel of cancels) cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("may be set for longer than a platform's timer", () => {
    const { timers, pass } = fake();
    const days = 24 * 60 * 60 * 1_000;
    let ran = false;
    timers.after(60 * days, () => (ran = true));
    for (let day = 0; day < 59; day++) pass(days);
    expect(ran).toBe(false);
    pass(2 * days);
    expect(ran).toBe(true);
  });

  test("when the platform's fires early, wait on", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let now = 0;
    const timers = new Timers(() => now);
    let ran = false;
    timers.after(10, () => (ran = true));
    now = 9.4;
    vi.advanceTimersByTime(10);
    expect(ran).toBe(false);
    now = 10.4;
    vi.advanceTimersByTime(1);
    expect(ran).toBe(true);
  });
});

describe.each<[string, Scheduler]>([
  ["system", systemScheduler],
  ["browser", browserScheduler],
])("the scheduler of the %s", (_, scheduler) => {
  test("runs turns in order, after what is under way", async () => {
    await obeysTurns(scheduler);
  });

  test("runs timers, and not those that were cancelled", async () => {
    const run: string[] = [];
    scheduler.after(1, () => run.push("cancelled"))();
    await new Promise<void>((resolve) => {
      scheduler.after(3, () => {
        run.push("second");
        resolve();
      });
      scheduler.after(2, () => run.push("first"));
    });
    expect(run).toEqual(["first", "second"]);
  });
});

test("a browser's turns go through a channel, or through timers where there is none", async () => {
  const channels: MessageChannel[] = [];
  class Channel extends MessageChannel {
    constructor() {
      super();
      channels.push(this);
    }
  }
  vi.stubGlobal("setImmediate", undefined);
  vi.stubGlobal("MessageChannel", Channel);
  vi.resetModules();
  await obeysTurns((await import("../../packages/transport/src/browser-ports.js")).browserScheduler);
  expect(channels).toHaveLength(1);
  for (const { port1 } of channels) port1.close();
  vi.stubGlobal("MessageChannel", undefined);
  vi.resetModules();
  await obeysTurns((await import("../../packages/transport/src/browser-ports.js")).browserScheduler);
});

async function obeysTurns(scheduler: Scheduler): Promise<void> {
  const run: string[] = [];
  await new Promise<void>((resolve) => {
    scheduler.turn(() => {
      run.push("first");
      scheduler.turn(() => {
        run.push("of the first");
        resolve();
      });
    });
    scheduler.turn(() => run.push("second"));
    queueMicrotask(() => run.push("microtask"));
    run.push("here");
  });
  expect(run).toEqual(["here", "microtask", "first", "second", "of the first"]);
}

describe("uniform integers", () => {
  /** The seven bytes that stand for an integer of 53 bits. */
  const bytesOf = (value: number) =>
    Uint8Array.from({ length: 7 }, (_, i) => Math.floor(value / 256 ** (6 - i)) % 256);

  test("are the remainder of what was drawn, and what would favour some is drawn again", () => {
    const top = 2 ** 53;
    expect(uniformInteger(top, () => bytesOf(top - 1))).toBe(top - 1);
    expect(uniformInteger(top, () => new Uint8Array(7).fill(255))).toBe(top - 1);
    expect(uniformInteger(1, () => bytesOf(12_345))).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: top }), fc.array(fc.nat({ max: top - 1 })), (below, draws) => {
        const usable = top - (top % below);
        const expected = [...draws, 0].find((draw) => draw < usable) ?? 0;
        const left = [...draws, 0];
        expect(uniformInteger(below, () => bytesOf(left.shift() ?? 0))).toBe(expected % below);
      }),
    );
    // Of three, the two draws at the very top belong to no full round.
    const draws = [top - 1, top - 2, top - 3];
    expect(uniformInteger(3, () => bytesOf(draws.shift() ?? 0))).toBe((top - 3) % 3);
    expect(draws).toEqual([]);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53 + 2, Number.POSITIVE_INFINITY])(
    "below %d there are none",
    (below) => {
      expect(() => uniformInteger(below, (length) => new Uint8Array(length))).toThrow(RangeError);
    },
  );
});

describe.each<[string, Random]>([
  ["system", systemRandom],
  ["browser", browserRandom],
])("the randomness of the %s", (_, random) => {
  test("fills as many bytes as asked for, differently each time", () => {
    expect(random.bytes(0)).toEqual(new Uint8Array(0));
    for (const length of [1, 32, 200_000]) {
      const bytes = random.bytes(length);
      expect(bytes).toHaveLength(length);
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    }
    const large = random.bytes(200_000);
    for (const part of [large.subarray(0, 100), large.subarray(100_000, 100_100), large.subarray(-100)]) {
      expect(part.some((byte) => byte !== 0)).toBe(true);
    }
    expect(Buffer.compare(random.bytes(32), random.bytes(32))).not.toBe(0);
  });

  test("draws every integer below the bound, and no other", () => {
    const drawn = new Set(Array.from({ length: 2_000 }, () => random.integer(6)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const large = Array.from({ length: 100 }, () => random.integer(2 ** 53));
    expect(large.every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true);
    expect(new Set(large).size).toBe(100);
  });
});

test("hmac is HMAC-SHA-256 (RFC 4231)", () => {
  const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
  const text = (text: string) => new TextEncoder().encode(text);
  expect(hmac(new Uint8Array(20).fill(0x0b)).sign(text("Hi There"))).toEqual(
    hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
  );
  expect(hmac(text("Jefe")).sign(text("what do ya want for nothing?"))).toEqual(
    hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
  );
});

test("the browser's entry needs nothing of Node, and not ws", () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import) "([^"]+)"/g)) {
      if (name.startsWith(".")) visit(join(dirname(file), name.replace(/\.js$/, ".ts")));
      else packages.add(name);
    }
  };
  visit(join(import.meta.dirname, "../../packages/transport/src/browser.ts"));
  expect(seen.size).toBeGreaterThan(5);
  for (const name of packages) expect(name).toMatch(/^@syncline\/(core|protocol|engine)$/);
});
