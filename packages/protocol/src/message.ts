import { type Ask, ask, type Told, told, type Unask, unask } from "./messages/ask.js";
import type { MessageCodec } from "./messages/codec.js";
import { type Cut, cut, type Feed, feed } from "./messages/feed.js";
import { type Follow, follow, type Unfollow, unfollow } from "./messages/follow.js";
import { type Gossip, gossip } from "./messages/gossip.js";
import { type Handed, type Handover, handed, handover } from "./messages/handover.js";
import { type Hello, hello } from "./messages/hello.js";
import { type Offer, offer, type Receipt, receipt } from "./messages/offer.js";
import { type Leave, leave, type Open, open } from "./messages/open.js";
import { type Ping, type Pong, ping, pong } from "./messages/ping.js";
import { type Presence, presence } from "./messages/presence.js";
import { type Ages, ages, type Probe, probe } from "./messages/probe.js";
import { type Progress, progress } from "./messages/progress.js";
import { type Proof, proof } from "./messages/proof.js";
import { type Records, records } from "./messages/records.js";
import { type Refusal, refusal } from "./messages/refusal.js";
import {
  type Complete,
  complete,
  type Fetch,
  fetchMessage,
  type Grant,
  grant,
  type Piece,
  piece,
  type Snapshot,
  snapshot,
  type Truncated,
  truncated,
} from "./messages/snapshot.js";
import { type State, state } from "./messages/state.js";

/** Every message there is. The list stands here once; the compiler finds its users. */
export type Message =
  | Hello
  | Proof
  | Ping
  | Pong
  | Refusal
  | Progress
  | Follow
  | Unfollow
  | Records
  | Open
  | Leave
  | Feed
  | Cut
  | Offer
  | Receipt
  | Handover
  | Handed
  | Ask
  | Told
  | Unask
  | Probe
  | Ages
  | Gossip
  | Presence
  | Truncated
  | Fetch
  | Snapshot
  | Grant
  | Piece
  | Complete
  | State;

export type MessageKind = Message["kind"];

type Codecs<Kind extends MessageKind> = {
  readonly [K in Kind]: MessageCodec<Extract<Message, { kind: K }>>;
};

/** What links of clients carry, in both directions. */
const CLIENT_MESSAGES = {
  hello,
  ping,
  pong,
  refusal,
  open,
  leave,
  feed,
  cut,
  offer,
  receipt,
  handover,
  handed,
  ask,
  told,
  unask,
  presence,
  state,
};

export const MESSAGES: Codecs<MessageKind> = {
  ...CLIENT_MESSAGES,
  proof,
  progress,
  follow,
  unfollow,
  records,
  probe,
  ages,
  gossip,
  truncated,
  fetch: fetchMessage,
  snapshot,
  grant,
  piece,
  complete,
};

/** Messages by kind, to be written, and by tag, to be read. */
export class MessageTable {
  private readonly byTag: ReadonlyMap<number, MessageCodec<Message>>;
  private readonly byKind: ReadonlyMap<MessageKind, MessageCodec<Message>>;

  constructor(codecs: Partial<Codecs<MessageKind>>) {
    // Each codec is only ever asked for by the kind or the tag that it has itself.
    const all = Object.values(codecs) as unknown as MessageCodec<Message>[];
    this.byTag = new Map(all.map((codec) => [codec.tag, codec]));
    this.byKind = new Map(all.map((codec) => [codec.kind, codec]));
  }

  ofKind(kind: MessageKind): MessageCodec<Message> | undefined {
    return this.byKind.get(kind);
  }

  atTag(tag: number): MessageCodec<Message> | undefined {
    return this.byTag.get(tag);
  }
}

/** For a program that is a client only: it ships no more than its links carry. */
export const clientMessages = (): MessageTable => new MessageTable(CLIENT_MESSAGES);

export const everyMessage = (): MessageTable => new MessageTable(MESSAGES);
