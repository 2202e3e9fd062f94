/** Dialing again: later each time up to a bound, never in step with others, and from the beginning after success. */
import type { Dialer, Link, LinkHandler } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { SeededRandom, VirtualTime } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { Redialer } from "../../packages/engine/src/redial.js";

interface Attempt {
  readonly at: number;
  readonly url: string;
  isCancelled: boolean;
  readonly on: Parameters<Dialer["dial"]>[1];
}

const LINK: Link = { send() {}, queuedBytes: () => 0, close() {}, terminate() {} };

function setUp(urls: readonly (string | undefined)[] = ["ws://a"], seed = 1) {
  const time = new VirtualTime();
  const attempts: Attempt[] = [];
  const events: string[] = [];
  const dialer: Dialer = {
    dial: (url, on) => {
      const attempt = { at: time.now, url, isCancelled: false, on };
      attempts.push(attempt);
      return () => {
        attempt.isCancelled = true;
      };
    },
  };
  let next = 0;
  const redialer = new Redialer({ dialer, scheduler: time, random: new SeededRandom(seed) }, LIMITS, {
    nextUrl: () => urls[next++ % urls.length],
    opened: (): LinkHandler => ({
      frame: (bytes) => events.push(`frame of ${bytes.length}`),
      drained: () => events.push("drained"),
      closed: (reason) => events.push(`closed: ${reason}`),
    }),
    failed: (url, reason) => events.push(`failed ${url}: ${reason}`),
  });
  const last = (): Attempt => {
    const attempt = attempts.at(-1);
    if (attempt === undefined) throw new Error("nothing was dialed");
    return attempt;
  };
  /** Milliseconds until the next attempt. */
  const wait = (): number => {
    const { length } = attempts;
    const from = time.now;
    while (attempts.length === length && time.step());
    return last().at - from;
  };
  return { time, attempts, events, redialer, last, wait };
}

test("the first attempt is made at once, the next ones after waits that double up to the bound", () => {
  const { redialer, last, wait, events } = setUp();
  redialer.start();
  expect(last().at).toBe(0);
  let upTo: number = LIMITS.redialMsMin;
  for (let i = 0; i < 20; i++) {
    last().on.failed("refused");
    const waited = wait();
    expect(waited).toBeGreaterThanOrEqual(upTo / 2);
    expect(waited).toBeLessThanOrEqual(upTo + 1);
    upTo = Math.min(upTo * 2, LIMITS.redialMsMax);
  }
  expect(upTo).toBe(LIMITS.redialMsMax);
  expect(events).toEqual(Array.from({ length: 20 }, () => "failed ws://a: refused"));
});

test("waits are spread over the upper half: those who lost a server at one moment do not come back in step", () => {
  const waits = Array.from({ length: 200 }, (_, seed) => {
    const { redialer, last, wait } = setUp(["ws://a"], seed);
    redialer.start();
    for (let i = 0; i < 8; i++) {
      last().on.failed("refused");
      wait();
    }
    last().on.failed("refused");
    return wait();
  });
  const half = LIMITS.redialMsMax / 2;
  const slots = new Set(waits.map((waited) => Math.floor((waited - half) / (half / 10))));
  expect([...slots].sort()).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
});

test("a link that ends is dialed again, with waits that grow until somebody says that it was good", () => {
  const { redialer, last, wait, events, time } = setUp();
  redialer.start();
  for (let i = 0; i < 10; i++) {
    last().on.opened(LINK).closed("refused: CLUSTER_MISMATCH");
    wait();
  }
  // A peer that accepts and refuses at once is not hammered.
  const handler = last().on.opened(LINK);
  handler.closed("again");
  expect(wait()).toBeGreaterThanOrEqual(LIMITS.redialMsMax / 2);
  expect(events.filter((event) => event.startsWith("closed")).length).toBe(11);

  // Nor one that greets before it ends the link: it has to last.
  const brief = last().on.opened(LINK);
  redialer.succeeded();
  time.pass(LIMITS.redialProofMs - 1);
  brief.closed("superseded");
  expect(wait()).toBeGreaterThanOrEqual(LIMITS.redialMsMax / 2);

  const good = last().on.opened(LINK);
  redialer.succeeded();
  time.pass(LIMITS.redialProofMs);
  good.closed("connection reset");
  expect(wait()).toBeLessThanOrEqual(LIMITS.redialMsMin + 1);
});

test("frames and drained queues are passed on", () => {
  const { redialer, last, events } = setUp();
  redialer.start();
  const handler = last().on.opened(LINK);
  handler.frame(new Uint8Array(3));
  handler.drained();
  expect(events).toEqual(["frame of 3", "drained"]);
});

test("each attempt asks where to; none ends the dialing", () => {
  const { redialer, attempts, last, time } = setUp(["ws://a", "ws://b", undefined]);
  redialer.start();
  last().on.failed("refused");
  time.pass(60_000);
  last().on.failed("refused");
  time.pass(600_000);
  expect(attempts.map(({ url }) => url)).toEqual(["ws://a", "ws://b"]);
});

describe("stopped", () => {
  test("in the middle of an attempt: it is cancelled", () => {
    const { redialer, attempts, last, time } = setUp();
    redialer.start();
    redialer.stop();
    expect(last().isCancelled).toBe(true);
    time.pass(600_000);
    expect(attempts.length).toBe(1);
  });

  test("while it waits", () => {
    const { redialer, attempts, last, time } = setUp();
    redialer.start();
    last().on.failed("refused");
    redialer.stop();
    time.pass(600_000);
    expect(attempts.length).toBe(1);
  });

  test("while a link is there: its end is passed on, and nothing is dialed", () => {
    const { redialer, attempts, last, time, events } = setUp();
    redialer.start();
    const handler = last().on.opened(LINK);
    redialer.stop();
    handler.closed("the client was closed");
    time.pass(600_000);
    redialer.start();
    expect(attempts.length).toBe(1);
    expect(events).toEqual(["closed: the client was closed"]);
  });
});
