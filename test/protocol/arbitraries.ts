/** Random messages of every kind, within the limits of the protocol: what a correct peer may send. */
import type { Vector } from "@syncline/core";
import {
  atLevel,
  CODES,
  type CommitRule,
  type ErrorCode,
  LEVELS,
  LIMITS,
  type Message,
  type MessageKind,
  NONCE_BYTES,
  PROOF_BYTES,
  type Quorum,
  SEAL_BYTES,
  type StreamProgress,
} from "@syncline/protocol";
import fc from "fast-check";

/** Integers of every length on the wire. */
export const uints: fc.Arbitrary<number> = fc.oneof(
  fc.nat({ max: 300 }),
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 127, 128, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER),
);

export const vectors: fc.Arbitrary<Vector> = fc
  .uniqueArray(
    fc.tuple(
      uints,
      uints.filter((position) => position > 0),
    ),
    {
      selector: ([stream]) => stream,
      maxLength: 6,
    },
  )
  .map((entries) => new Map(entries));

export const texts = (bytesMax: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: "grapheme", maxLength: bytesMax })
    .filter((text) => new TextEncoder().encode(text).length <= bytesMax);

const bytes = (constraints?: { minLength?: number; maxLength?: number }) => fc.uint8Array(constraints);

const names = texts(LIMITS.nameBytesMax);
const urls = texts(LIMITS.urlBytesMax);
const codes = fc.constantFrom(...(Object.keys(CODES) as ErrorCode[]));

/** Names as operators may write them in a commit rule. */
export const nodeNames: fc.Arbitrary<string> = fc
  .string({ unit: fc.constantFrom(..."abyzAZ09-_."), minLength: 1, maxLength: LIMITS.nameBytesMax })
  .filter((name) => name.trim() !== "");

const quorums: fc.Arbitrary<Quorum> = fc.oneof(
  fc.constantFrom<Quorum>({ kind: "majority" }, { kind: "all" }),
  fc
    .record({
      kind: fc.constantFrom("any" as const, "first" as const),
      names: fc.uniqueArray(nodeNames, { minLength: 1, maxLength: 8 }),
    })
    .chain(({ kind, names }) =>
      fc.integer({ min: 1, max: names.length }).map((needed): Quorum => ({ kind, needed, names })),
    ),
);

export const rules: fc.Arbitrary<CommitRule> = fc.oneof(
  fc.constant<CommitRule>({ kind: "local" }),
  fc.tuple(quorums, fc.constantFrom(...LEVELS)).map(([quorum, level]) => atLevel(quorum, level)),
);

const streamProgress: fc.Arbitrary<StreamProgress> = fc.record({
  stream: uints,
  node: names,
  received: uints,
  durable: uints,
  applied: uints,
  visible: uints,
  committed: uints,
  safe: uints,
});

type Arbitraries = { readonly [Kind in MessageKind]: fc.Arbitrary<Extract<Message, { kind: Kind }>> };

/** Those that every version writes. */
const HELLO_KEYS = [
  ...([
    "kind",
    "versionMin",
    "versionMax",
    "peer",
    "cluster",
    "name",
    "incarnation",
    "nonce",
    "url",
  ] as const),
  ...(["voter", "masters", "token"] as const),
];

/** One arbitrary per kind: the compiler sees to it that none is missing. */
export const MESSAGES_OF: Arbitraries = {
  hello: fc.record(
    {
      kind: fc.constant("hello"),
      versionMin: uints,
      versionMax: uints,
      peer: fc.constantFrom("client", "master", "follower"),
      cluster: names,
      name: names,
      incarnation: uints,
      nonce: bytes({ minLength: NONCE_BYTES, maxLength: NONCE_BYTES }),
      url: urls,
      voter: fc.boolean(),
      masters: fc.array(urls, { maxLength: 4 }),
      token: texts(300),
      clockMs: uints,
    },
    { requiredKeys: HELLO_KEYS },
  ),
  proof: fc.record({
    kind: fc.constant("proof"),
    mac: bytes({ minLength: PROOF_BYTES, maxLength: PROOF_BYTES }),
  }),
  ping: fc.record({ kind: fc.constant("ping") }),
  pong: fc.record({ kind: fc.constant("pong") }),
  refusal: fc.record({
    kind: fc.constant("refusal"),
    code: codes,
    about: fc.oneof(
      fc.record({ what: fc.constantFrom("link", "handover") }),
      fc.record({ what: fc.constantFrom("document", "offer", "ask"), number: uints }),
    ),
    reason: texts(300),
    masters: fc.array(urls, { maxLength: 4 }),
    have: vectors,
  }),
  progress: fc.record({
    kind: fc.constant("progress"),
    streams: fc.array(streamProgress, { maxLength: 4 }),
  }),
  follow: fc.record({ kind: fc.constant("follow"), stream: uints, after: uints }),
  unfollow: fc.record({ kind: fc.constant("unfollow"), stream: uints }),
  records: fc.record({
    kind: fc.constant("records"),
    stream: uints,
    first: uints,
    // A record has a kind, dependencies and a checksum at least.
    records: fc.array(bytes({ minLength: 6 }), { maxLength: 4 }),
  }),
  open: fc.record({
    kind: fc.constant("open"),
    number: uints,
    document: fc.record({ collection: texts(LIMITS.collectionBytesMax), key: texts(LIMITS.keyBytesMax) }),
    since: vectors,
  }),
  leave: fc.record({ kind: fc.constant("leave"), number: uints }),
  feed: fc.record({
    kind: fc.constant("feed"),
    entries: fc.array(fc.record({ stream: uints, position: uints, change: bytes() }), { maxLength: 6 }),
    seal: fc.oneof(fc.constant(new Uint8Array(0)), bytes({ minLength: SEAL_BYTES, maxLength: SEAL_BYTES })),
  }),
  cut: fc.record({
    kind: fc.constant("cut"),
    visible: vectors,
    safe: vectors,
    loaded: fc.array(uints, { maxLength: 6 }),
  }),
  offer: fc.record(
    {
      kind: fc.constant("offer"),
      first: uints,
      session: fc.option(vectors, { nil: undefined }),
      changes: fc.array(bytes(), { maxLength: 4 }),
      isAgain: fc.constant(true),
    },
    { requiredKeys: ["kind", "first", "session", "changes"] },
  ),
  receipt: fc.record({
    kind: fc.constant("receipt"),
    received: uints,
    durable: uints,
    committed: uints,
    token: vectors,
    nodes: fc.array(names, { maxLength: 4 }),
  }),
  handover: fc.record({
    kind: fc.constant("handover"),
    floor: vectors,
    batches: fc.array(
      fc.record({ changes: fc.array(bytes(), { maxLength: 4 }), seal: bytes({ maxLength: SEAL_BYTES }) }),
      { maxLength: 3 },
    ),
    last: fc.boolean(),
  }),
  handed: fc.record({ kind: fc.constant("handed"), have: vectors }),
  ask: fc.record({
    kind: fc.constant("ask"),
    number: uints,
    vector: vectors,
    quorum: texts(LIMITS.ruleBytesMax),
  }),
  told: fc.record({ kind: fc.constant("told"), number: uints, nodes: fc.array(names) }),
  probe: fc.record({ kind: fc.constant("probe"), number: uints }),
  ages: fc.record({
    kind: fc.constant("ages"),
    number: uints,
    ages: fc.array(fc.record({ node: names, stream: uints, position: uints, ageMs: uints })),
  }),
  gossip: fc.record({
    kind: fc.constant("gossip"),
    direct: fc.option(fc.array(names, { maxLength: 4 }), { nil: undefined }),
    heard: fc.array(
      fc
        .tuple(
          fc.boolean(),
          fc.option(uints.filter((generation) => generation > 0)),
          fc.option(fc.record({ term: uints, since: uints }), { nil: undefined }),
          fc.record({
            node: names,
            role: fc.constantFrom("master", "follower"),
            incarnation: uints,
            url: urls,
            voter: fc.boolean(),
            path: fc.array(names, { maxLength: LIMITS.gossipHopsMax }),
            isWhole: fc.boolean(),
            streams: fc.array(streamProgress, { maxLength: 4 }),
          }),
        )
        .map(([promoted, generation, claim, hearsay]) => ({
          ...hearsay,
          ...(promoted && { promoted }),
          ...(generation !== null && { generation }),
          ...(claim && { claim }),
        })),
      { maxLength: 4 },
    ),
    gone: fc.array(names, { maxLength: 4 }),
  }),
  presence: fc.record({
    kind: fc.constant("presence"),
    present: fc.array(
      fc.record({
        document: fc.record({ collection: fc.constantFrom("boards", "b"), key: names }),
        id: uints,
        clock: uints,
        beat: uints,
        leftMs: uints,
        state: fc.oneof(
          fc.constantFrom("still", "gone", "lost"),
          bytes({ maxLength: LIMITS.presenceBytesMax }),
        ),
      }),
      { maxLength: 4 },
    ),
  }),
  unask: fc.record({ kind: fc.constant("unask"), number: uints }),
  retired: fc.record({
    kind: fc.constant("retired"),
    closings: fc.array(
      fc
        .record({
          node: names,
          generation: uints,
          ends: fc.array(fc.tuple(uints, uints), { maxLength: 4 }).map((ends) => new Map(ends)),
          fence: fc.option(
            fc.record({
              attempt: uints.filter((attempt) => attempt > 0),
              id: uints,
              coordinator: names,
            }),
            { nil: undefined },
          ),
          own: fc.option(fc.array(uints, { maxLength: 4 }), { nil: undefined }),
        })
        // Only who decides on itself names streams.
        .filter(({ node, fence }) => fence?.coordinator !== node)
        .map(({ own, fence, ...closing }) => ({
          ...closing,
          fence: fence && own ? { ...fence, coordinator: closing.node, streams: own } : fence,
        })),
      { maxLength: 4 },
    ),
  }),
  handin: fc.record({
    kind: fc.constant("handin"),
    records: fc.array(fc.record({ stream: uints, position: uints, record: bytes() }), { maxLength: 4 }),
  }),
  truncated: fc.record({ kind: fc.constant("truncated"), stream: uints, upTo: uints }),
  fetch: fc.record({
    kind: fc.constant("fetch"),
    vector: vectors,
    after: fc.record({ collection: texts(LIMITS.collectionBytesMax), key: texts(LIMITS.keyBytesMax) }),
  }),
  snapshot: fc.record({
    kind: fc.constant("snapshot"),
    vector: vectors,
    openings: fc.array(fc.record({ stream: uints, record: bytes() }), { maxLength: 4 }),
  }),
  grant: fc.record({ kind: fc.constant("grant"), bytes: uints }),
  piece: fc.record({
    kind: fc.constant("piece"),
    document: fc.record({ collection: texts(LIMITS.collectionBytesMax), key: texts(LIMITS.keyBytesMax) }),
    offset: uints,
    total: uints,
    bytes: bytes(),
  }),
  complete: fc.record({ kind: fc.constant("complete"), documents: uints }),
  state: fc.record({
    kind: fc.constant("state"),
    number: uints,
    vector: vectors,
    offset: uints,
    total: fc.integer({ min: 0, max: LIMITS.stateBytesMax }),
    bytes: bytes(),
  }),
};

export const messages: fc.Arbitrary<Message> = fc.oneof(...Object.values(MESSAGES_OF));
