import type { Vector } from "@syncline/core";
import { readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { alsoRead, alsoWritten, type MessageReader, type MessageWriter } from "./codec.js";

/**
 * "Tell me when a quorum has all of this." From clients, for writes that want more than the stream's commit rule.
 *
 * Asking decides nothing: what is asked about is replicated all the same. Answered once with `Told`, or refused when
 * the quorum is none. Not answered as long as it does not hold; who stops waiting says `Unask`.
 */
export interface Ask {
  readonly kind: "ask";
  /** The client's number for the question on this link, never used twice. */
  readonly number: number;
  readonly vector: Vector;
  /** As people write it, see `parseRule`. */
  readonly quorum: string;
}

export const askWriter: MessageWriter<Ask> = {
  tag: 18,
  kind: "ask",

  write(out, message) {
    out.uint(message.number);
    writeVector(out, message.vector);
    out.text(message.quorum);
  },
};

export const ask = /* @__PURE__ */ alsoRead<Ask>(askWriter, (input) => ({
  kind: "ask",
  number: input.uint(),
  vector: readVector(input, CLIENT_LIMITS.vectorEntriesMax),
  quorum: input.text(CLIENT_LIMITS.ruleBytesMax),
}));

/** "It holds." */
export interface Told {
  readonly kind: "told";
  readonly number: number;
  /** Names of nodes that have it at the level that was asked for, the quorum among them. */
  readonly nodes: readonly string[];
}

export const toldReader: MessageReader<Told> = {
  tag: 19,
  kind: "told",

  read(input) {
    const number = input.uint();
    const count = input.count(CLIENT_LIMITS.membersMax + 1, 1);
    const nodes: string[] = [];
    for (let i = 0; i < count; i++) nodes.push(input.text(CLIENT_LIMITS.nameBytesMax));
    return { kind: "told", number, nodes };
  },
};

export const told = /* @__PURE__ */ alsoWritten<Told>(toldReader, (out, message) => {
  out.uint(message.number);
  out.uint(message.nodes.length);
  for (const node of message.nodes) out.text(node);
});

/** "I no longer wait for that." */
export interface Unask {
  readonly kind: "unask";
  readonly number: number;
}

export const unaskWriter: MessageWriter<Unask> = {
  tag: 20,
  kind: "unask",

  write(out, message) {
    out.uint(message.number);
  },
};

export const unask = /* @__PURE__ */ alsoRead<Unask>(unaskWriter, (input) => ({
  kind: "unask",
  number: input.uint(),
}));
