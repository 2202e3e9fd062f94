import {
  type Ask,
  ask,
  askWriter,
  type Told,
  told,
  toldReader,
  type Unask,
  unask,
  unaskWriter,
} from "./messages/ask.js";
import type { MessageCodec, MessageReader, MessageWriter } from "./messages/codec.js";
import { type Cut, cut, cutReader, type Feed, feed, feedReader } from "./messages/feed.js";
import { type Follow, follow, type Unfollow, unfollow } from "./messages/follow.js";
import { type Gossip, gossip } from "./messages/gossip.js";
import {
  type Handed,
  type Handover,
  handed,
  handedReader,
  handover,
  handoverWriter,
} from "./messages/handover.js";
import { type Hello, hello } from "./messages/hello.js";
import { type Offer, offer, offerWriter, type Receipt, receipt, receiptReader } from "./messages/offer.js";
import { type Leave, leave, leaveWriter, type Open, open, openWriter } from "./messages/open.js";
import { type Ping, type Pong, ping, pong } from "./messages/ping.js";
import { type Presence, presence, presenceUnheard } from "./messages/presence.js";
import { type Ages, ages, type Probe, probe } from "./messages/probe.js";
import { type Progress, progress } from "./messages/progress.js";
import { type Proof, proof } from "./messages/proof.js";
import { type Records, records } from "./messages/records.js";
import { type Refusal, refusal } from "./messages/refusal.js";
import { type Handin, handin, type Retired, retired } from "./messages/retired.js";
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
import { type State, state, stateReader } from "./messages/state.js";

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
  | State
  | Retired
  | Handin;

export type MessageKind = Message["kind"];

type Writers<Kind extends MessageKind> = {
  readonly [K in Kind]: MessageWriter<Extract<Message, { kind: K }>>;
};

type Readers<Kind extends MessageKind> = {
  readonly [K in Kind]: MessageReader<Extract<Message, { kind: K }>>;
};

type Codecs<Kind extends MessageKind> = Writers<Kind> & Readers<Kind>;

/** What both ends of a client's link say. */
const BOTH_SAY = { hello, ping, pong, refusal };

/** What a client says besides. */
const CLIENTS_SAY = {
  open: openWriter,
  leave: leaveWriter,
  offer: offerWriter,
  handover: handoverWriter,
  ask: askWriter,
  unask: unaskWriter,
};

/** What a client hears besides. */
const CLIENTS_HEAR = {
  feed: feedReader,
  cut: cutReader,
  receipt: receiptReader,
  handed: handedReader,
  told: toldReader,
  state: stateReader,
};

export const MESSAGES: Codecs<MessageKind> = /* @__PURE__ */ (() => ({
  ...BOTH_SAY,
  presence,
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
  state,
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
  retired,
  handin,
}))();

/** Messages by kind, to be written, and by tag, to be read. */
export class MessageTable {
  readonly #byTag: ReadonlyMap<number, MessageReader<Message>>;
  readonly #byKind: ReadonlyMap<string, MessageWriter<Message>>;

  constructor(written: Partial<Writers<MessageKind>>, read: Partial<Readers<MessageKind>>) {
    // Each is only ever asked for by the kind or the tag that it has itself.
    const writers = Object.values(written) as unknown as MessageWriter<Message>[];
    this.#byKind = new Map(writers.map((writer) => [writer.kind, writer]));
    this.#byTag = new Map(Object.values(read).map((reader) => [reader.tag, reader]));
  }

  ofKind(kind: MessageKind): MessageWriter<Message> | undefined {
    return this.#byKind.get(kind);
  }

  atTag(tag: number): MessageReader<Message> | undefined {
    return this.#byTag.get(tag);
  }
}

/**
 * For a program that is a client only: it ships no more than its links carry, in the direction in which they do. Who shows
 * who is there gives the codec for it.
 */
export const clientMessages = (shown?: MessageCodec<Presence>): MessageTable =>
  new MessageTable(
    { ...BOTH_SAY, ...CLIENTS_SAY, ...(shown && { presence: shown }) },
    { ...BOTH_SAY, ...CLIENTS_HEAR, presence: shown ?? presenceUnheard },
  );

export const everyMessage = (): MessageTable => new MessageTable(MESSAGES, MESSAGES);
