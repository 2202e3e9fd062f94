import { Malformed } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import type { MessageCodec } from "./codec.js";

/** What kind of peer greets. */
export type PeerKind = "client" | "master" | "follower";

/**
 * "This is who I am." The first message on every link, in both directions; the end that dialed speaks first.
 *
 * Later versions append fields; a reader ignores what follows the fields that it knows, so that two versions can
 * always tell each other which they are.
 */
export interface Hello {
  readonly kind: "hello";
  readonly versionMin: number;
  readonly versionMax: number;
  readonly peer: PeerKind;
  /** The cluster; a client may leave it empty and takes what it finds. */
  readonly cluster: string;
  /** Name of the node, or of the client's session for logs. */
  readonly name: string;
  /** Random number of this start of the process: tells a node that came back from one that never left. */
  readonly incarnation: number;
  /** 16 random bytes that the other end's proof must cover. */
  readonly nonce: Uint8Array;
  /** The URL under which others reach this node; empty if it has none. */
  readonly url: string;
  /** Whether the node counts in `MAJORITY` and `ALL`. */
  readonly voter: boolean;
  /** URLs of the masters that this node knows. */
  readonly masters: readonly string[];
  /** What a client shows to be let in; empty if nothing. Of a node, what it says of the topology: `claim.ts`. */
  readonly token: string;
  /** Wall-clock milliseconds since 1970 where this was said; undefined from a version that does not say it. */
  readonly clockMs?: number;
  /** A master that was a follower when others were started: they look for it without being told. */
  readonly promoted?: boolean;
  /** Of the schema that a client's app was written for; undefined, or 0, if it says none. */
  readonly schema?: number | undefined;
  /** How many retirements of itself a node knows of; undefined, or 0, if of none. */
  readonly generation?: number;
}

export const NONCE_BYTES = 16;

const PEERS: readonly PeerKind[] = ["client", "master", "follower"];

export const hello: MessageCodec<Hello> = {
  tag: 1,
  kind: "hello",

  write(out, message) {
    out.uint(message.versionMin);
    out.uint(message.versionMax);
    out.byte(PEERS.indexOf(message.peer));
    out.text(message.cluster);
    out.text(message.name);
    out.uint(message.incarnation);
    out.raw(message.nonce);
    out.text(message.url);
    out.byte(message.voter ? 1 : 0);
    out.uint(message.masters.length);
    for (const url of message.masters) out.text(url);
    out.text(message.token);
    if (message.clockMs === undefined) return;
    out.uint(message.clockMs);
    const { promoted, schema, generation } = message;
    if (promoted || schema || generation) out.byte(promoted ? 1 : 0);
    if (schema || generation) out.uint(schema ?? 0);
    if (generation) out.uint(generation);
  },

  read(input) {
    const versionMin = input.uint();
    const versionMax = input.uint();
    const peer = PEERS[input.byte()];
    if (peer === undefined) throw new Malformed("unknown kind of peer");
    const cluster = input.text(CLIENT_LIMITS.nameBytesMax);
    const name = input.text(CLIENT_LIMITS.nameBytesMax);
    const incarnation = input.uint();
    const nonce = input.raw(NONCE_BYTES);
    const url = input.text(CLIENT_LIMITS.urlBytesMax);
    const voter = input.byte() !== 0;
    const count = input.count(CLIENT_LIMITS.urlsMax, 1);
    const masters: string[] = [];
    for (let i = 0; i < count; i++) masters.push(input.text(CLIENT_LIMITS.urlBytesMax));
    const token = input.text(CLIENT_LIMITS.tokenBytesMax);
    const clockMs = input.remaining > 0 ? input.uint() : undefined;
    const promoted = input.remaining > 0 && input.byte() === 1;
    const schema = input.remaining > 0 && input.uint();
    const generation = input.remaining > 0 && input.uint();
    input.raw(input.remaining); // Fields of newer versions.
    return {
      kind: "hello",
      versionMin,
      versionMax,
      peer,
      cluster,
      name,
      incarnation,
      nonce,
      url,
      voter,
      masters,
      token,
      ...(clockMs !== undefined && { clockMs }),
      ...(promoted && { promoted }),
      ...(schema && { schema }),
      ...(generation && { generation }),
    };
  },
};
