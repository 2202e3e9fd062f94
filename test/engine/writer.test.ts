import { createChange, decodeChange, KINDS } from "@syncline/core";
import type { Channel } from "@syncline/engine";
import { CLIENT_LIMITS, type Message, type Refusal } from "@syncline/protocol";
import { VirtualTime } from "@syncline/simulation";
import { expect, test } from "vitest";
import { Outbox, OwnChange } from "../../packages/engine/src/client/outbox.js";
import { Retained } from "../../packages/engine/src/client/retained.js";
import { Session } from "../../packages/engine/src/client/session.js";
import { Writer } from "../../packages/engine/src/client/writer.js";

/** The writing half of a client alone, at a master that says what a test wants it to say. */
function own(first: number): OwnChange {
  const { bytes } = createChange({
    document: { collection: "boards", key: "a" },
    author: 7,
    first,
    stamp: first,
    observed: [],
    paths: [[{ name: "votes", kind: KINDS.counter }]],
    ops: [{ path: 0, op: { act: "step", by: 1 } }],
  });
  const change = decodeChange(bytes);
  if (!change.ok) throw new Error(change.fault.reason);
  return new OwnChange(change.value);
}

test("a change whose clock is refused says that the master has taken those before it, whose receipt comes later", () => {
  const session = new Session();
  const sent: Message[] = [];
  const channel = { writable: true, send: (message: Message) => sent.push(message) } as unknown as Channel;
  const [first, second] = [own(1), own(2)];
  const ahead: string[] = [];
  const silent = () => {};
  const writer = new Writer(
    session,
    new Outbox(session, CLIENT_LIMITS),
    new Retained(session, CLIENT_LIMITS),
    new VirtualTime(),
    { debug: silent, info: silent, warn: silent, error: silent },
    CLIENT_LIMITS,
    {
      rejected: silent,
      elsewhere: silent,
      progressed: silent,
      // What is received is not made again with it.
      ahead: () => ahead.push(`${first.received} ${second.received}`) > 0,
    },
  );
  writer.attach(channel, { name: "m1", incarnation: 1 });
  writer.add(first);
  writer.add(second);
  expect(sent.filter(({ kind }) => kind === "offer")).toHaveLength(2);
  const refusal: Refusal = {
    kind: "refusal",
    code: "CLOCK_AHEAD",
    about: { what: "offer", number: 2 },
    reason: "an hour ahead",
    masters: [],
    have: new Map(),
  };
  expect(writer.receive(refusal)).toBe(true);
  expect(ahead).toEqual(["true false"]);
});
