import { connect } from "@syncline/client";
import type { Dialer, Link } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { describe, expect, test } from "vitest";
import { dialing, type TokenSource } from "../../packages/client/src/dialing.js";
import { CountedTimers, thrown } from "./databases.js";

/** Where a client connects to, and with which token. */

/** An attempt on a dialer that takes down what is asked of it. */
function attempt(source: TokenSource | undefined, url = "ws://m1:1234") {
  const timers = new CountedTimers();
  const { time } = timers;
  const events: string[] = [];
  const inner: Dialer = {
    dial(dialed) {
      events.push(`dial ${dialed}`);
      return () => events.push("cancel");
    },
  };
  const { dialer, token } = dialing(inner, source, timers, LIMITS);
  const dial = () =>
    dialer.dial(url, {
      opened: (_: Link) => {
        throw new Error("nothing opens here");
      },
      failed: (reason) => events.push(`failed: ${reason}`),
    });
  return { timers, time, events, dial, token };
}

/** Lets everything that was promised come about. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  ["ws://localhost:1234", "ws://localhost:1234/sync"],
  ["ws://localhost:1234/", "ws://localhost:1234/sync"],
  ["wss://example.org", "wss://example.org/sync"],
  ["http://localhost:1234", "ws://localhost:1234/sync"],
  ["https://example.org/?tenant=7", "wss://example.org/sync?tenant=7"],
  ["wss://example.org/behind/a/proxy", "wss://example.org/behind/a/proxy"],
])("%s is dialed at %s", (url, dialed) => {
  const { events, dial } = attempt(undefined, url);
  dial();
  expect(events).toEqual([`dial ${dialed}`]);
});

test("a name that is no URL, which a server may give, is a failed attempt", () => {
  const { time, events, dial } = attempt("secret", "m1:::");
  dial();
  expect(events).toEqual([]); // Never from within the call.
  time.pass(0);
  expect(events).toEqual(["failed: this is no URL of a server"]);
});

test("a token that is text is shown at every attempt", () => {
  const { events, dial, token } = attempt("secret");
  dial();
  expect(token()).toBe("secret");
  expect(events).toEqual(["dial ws://m1:1234/sync"]);
});

test("a function is asked before every attempt, and its token belongs to that attempt", async () => {
  let asked = 0;
  const { events, dial, token, timers } = attempt(async () => `token ${++asked}`);
  dial();
  expect(events).toEqual([]);
  await turn();
  expect(events).toHaveLength(1);
  expect(token()).toBe("token 1");
  dial();
  await turn();
  expect(events).toHaveLength(2);
  expect(token()).toBe("token 2");
  expect(timers.set).toBe(0);
});

test.each<[what: string, source: () => string | Promise<string>, reason: string]>([
  ["throws", () => Promise.reject(new Error("no session")), "no token: no session"],
  [
    "throws at once",
    () => {
      throw new Error("no session");
    },
    "no token: no session",
  ],
  ["gives none", () => Reflect.get({}, "token"), "no token: a token is a string, not undefined"],
  ["gives too much", () => "é".repeat(5000), "no token: a token has up to 8192 bytes, not 10000"],
])("a function that %s makes the attempt fail, and nobody is dialed", async (_, source, reason) => {
  const { events, dial, timers } = attempt(source);
  dial();
  await turn();
  expect(events).toEqual([`failed: ${reason}`]);
  expect(timers.set).toBe(0);
});

test("a function that does not answer makes the attempt fail after ten seconds, once", async () => {
  let answer: (token: string) => void = () => {};
  const { events, dial, time } = attempt(() => new Promise((resolve) => (answer = resolve)));
  dial();
  time.pass(9_999);
  expect(events).toEqual([]);
  time.pass(1);
  expect(events).toEqual(["failed: no token within 10000 ms"]);
  answer("late");
  await turn();
  expect(events).toHaveLength(1);
});

test("an attempt that is cancelled fails nowhere, before the token and after it", async () => {
  const { events, dial, timers } = attempt(async () => "secret");
  const cancel = dial();
  cancel();
  await turn();
  expect(events).toEqual([]);
  expect(timers.set).toBe(0);
  const cancelLater = dial();
  await turn();
  cancelLater();
  expect(events).toEqual(["dial ws://m1:1234/sync", "cancel"]);
});

describe("connect refuses", () => {
  test.each([
    ["localhost:1234", /like ws:\/\/localhost:1234/],
    ["", /like ws:/],
    ["ftp://localhost", /like ws:/],
    ["ws://localhost:1234/#here", /has no #/],
    ["ws://user:pass@localhost:1234", /\{ token \}/],
  ])("the URL %j", (url, message) => {
    expect(thrown(() => connect(url))).toMatchObject({
      name: "SynclineError",
      code: "INVALID_VALUE",
      message: expect.stringMatching(message),
    });
    expect(thrown(() => connect(["ws://localhost:1", url]))).toMatchObject({ code: "INVALID_VALUE" });
  });

  test.each([
    ["no URL at all", [], {}],
    ["a name too long", "ws://localhost:1", { name: "n".repeat(65) }],
    ["a cluster too long", "ws://localhost:1", { cluster: "c".repeat(65) }],
    ["a token too long", "ws://localhost:1", { token: "t".repeat(8193) }],
  ])("%s", (_, urls, options) => {
    expect(thrown(() => connect(urls, options))).toMatchObject({ code: "INVALID_VALUE" });
  });
});
