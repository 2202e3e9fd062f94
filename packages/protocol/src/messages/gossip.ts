import { type ByteReader, type ByteWriter, Malformed } from "@syncline/core";
import { type Claim, readClaim, writeClaim } from "../claim.js";
import { LIMITS } from "../limits.js";
import type { MessageCodec } from "./codec.js";
import { readStreamProgress, type StreamProgress, writeStreamProgress } from "./progress.js";

/** What the sender has heard of another node, from it or through others. */
export interface Hearsay {
  readonly node: string;
  readonly role: "master" | "follower";
  /** Of the node's present process; what was said of another one is void. */
  readonly incarnation: number;
  readonly url: string;
  readonly voter: boolean;
  /** A master that was a follower when others were started. */
  readonly promoted?: boolean;
  /** How many retirements of itself the node knows of; undefined, or 0, if of none. */
  readonly generation?: number;
  /** A master's, where there is to be one. */
  readonly claim?: Claim | undefined;
  /** Names of the nodes through which the sender heard it, the nearest first; empty if the node told it itself. */
  readonly path: readonly string[];
  /** Whether this is all there is, rather than what has changed. */
  readonly isWhole: boolean;
  readonly streams: readonly StreamProgress[];
}

/**
 * "This is what I have heard of others." Between nodes that are not all connected to each other, so that each can
 * count a quorum and show the whole cluster.
 *
 * It holds as long as the link it came over, and as long as the sender does not take it back.
 */
export interface Gossip {
  readonly kind: "gossip";
  /** Names of the nodes that the sender is connected with, when that has changed: of those it need not be told. */
  readonly direct: readonly string[] | undefined;
  readonly heard: readonly Hearsay[];
  /** Names of nodes of which the sender hears nothing any more. */
  readonly gone: readonly string[];
}

const VOTER = 1;
const PROMOTED = 2;
const RETIRED = 4;
/** It follows. */
const CLAIM = 8;
const ROLES = ["master", "follower"] as const;

export const gossip: MessageCodec<Gossip> = {
  tag: 23,
  kind: "gossip",

  write(out, message) {
    out.byte(message.direct === undefined ? 0 : 1);
    if (message.direct !== undefined) writeNames(out, message.direct);
    out.uint(message.heard.length);
    for (const heard of message.heard) {
      out.text(heard.node);
      out.byte(ROLES.indexOf(heard.role));
      out.uint(heard.incarnation);
      out.text(heard.url);
      const { voter, promoted, generation, claim } = heard;
      const flags = (voter ? VOTER : 0) | (promoted ? PROMOTED : 0) | (generation ? RETIRED : 0);
      out.byte(flags | (claim === undefined ? 0 : CLAIM));
      if (generation) out.uint(generation);
      if (claim !== undefined) writeClaim(out, claim);
      writeNames(out, heard.path);
      out.byte(heard.isWhole ? 1 : 0);
      out.uint(heard.streams.length);
      for (const stream of heard.streams) writeStreamProgress(out, stream);
    }
    writeNames(out, message.gone);
  },

  read(input) {
    const direct = input.byte() === 0 ? undefined : readNames(input, LIMITS.membersMax);
    const count = input.count(LIMITS.membersMax, 8);
    const heard: Hearsay[] = [];
    for (let i = 0; i < count; i++) {
      const node = input.text(LIMITS.nameBytesMax);
      const role = ROLES[input.byte()];
      if (role === undefined) throw new Malformed("hearsay of an unknown kind of node");
      const incarnation = input.uint();
      const url = input.text(LIMITS.urlBytesMax);
      const flags = input.byte();
      const voter = (flags & VOTER) !== 0;
      const promoted = (flags & PROMOTED) !== 0 && { promoted: true };
      const generation = (flags & RETIRED) !== 0 && { generation: input.uint() };
      const claim = (flags & CLAIM) !== 0 && { claim: readClaim(input) };
      const path = readNames(input, LIMITS.gossipHopsMax);
      const isWhole = input.byte() !== 0;
      const streamCount = input.count(LIMITS.vectorEntriesMax, 8);
      const streams: StreamProgress[] = [];
      for (let j = 0; j < streamCount; j++) streams.push(readStreamProgress(input));
      heard.push({
        node,
        role,
        incarnation,
        url,
        voter,
        ...promoted,
        ...generation,
        ...claim,
        path,
        isWhole,
        streams,
      });
    }
    return { kind: "gossip", direct, heard, gone: readNames(input, LIMITS.membersMax) };
  },
};

function writeNames(out: ByteWriter, names: readonly string[]): void {
  out.uint(names.length);
  for (const name of names) out.text(name);
}

function readNames(input: ByteReader, max: number): string[] {
  const count = input.count(max, 1);
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(input.text(LIMITS.nameBytesMax));
  return names;
}
