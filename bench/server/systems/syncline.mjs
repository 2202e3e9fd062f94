/**
 * Syncline's server, and its protocol as a client speaks it. Writers send changes that were made beforehand; readers
 * count the entries of feeds without decoding them.
 */
import { ByteReader, Document, decodeChange, STAMP_EPOCH_MS } from "../../ours.mjs";

export const syncline = {
  name: "syncline",
  title: "Syncline",
  package: "@syncline/server",
  acknowledges: "durable: the change is synced to the disk",

  async serve({ data }) {
    const { silentLog, startServer } = await import("../../../packages/server/dist/index.js");
    const { LOCAL } = await import("../../../packages/protocol/dist/index.js");
    const server = await startServer(configOf({ data, rule: LOCAL }), { log: silentLog });
    return { port: server.port };
  },

  async speak() {
    const protocol = await import("../../../packages/protocol/dist/index.js");
    return {
      path: () => "/sync",
      session: (doc, n, on) => new Session(protocol, doc, n, on),
      prepare: (doc, n, count, entriesOf) =>
        changesOf(doc, n, count, (draft, i) => {
          for (const [key, value] of entriesOf(i)) draft.register(key).set(value);
        }),
      /** Changes of any kind, of which `write(draft, i)` makes the i-th. */
      prepareChanges: changesOf,
    };
  },
};

/** What `startServer` takes, for a master of this name alone. */
export const configOf = (given) => ({
  port: 0,
  host: "localhost",
  data: undefined,
  name: "m1",
  cluster: "bench",
  role: "master",
  voter: true,
  follow: [],
  advertise: undefined,
  secret: undefined,
  allowOrigins: [],
  logLevel: "error",
  ...given,
});

const AUTHOR_MIN = 2 ** 52;
// On the wire for ever.
const TAG = { feed: 12, offer: 14, receipt: 15 };
/** An offer of one change, without the change: tag, length, number, flags, count and the change's length. */
const OFFER_HEAD_BYTES_MAX = 1 + 8 + 8 + 1 + 1 + 8;
const documentOf = (doc) => ({ collection: "bench", key: doc });

function changesOf(doc, n, count, write) {
  const document = new Document(documentOf(doc));
  // A client that comes back after a restart is another author, as real ones are.
  const author = AUTHOR_MIN + n + Math.floor(Math.random() * 2 ** 40) * 1_000;
  return Array.from({ length: count }, (_, i) => {
    const stamp = (Date.now() - STAMP_EPOCH_MS) * 4096 + i;
    return document.transact({ author, stamp }, (draft) => write(draft, i)).bytes;
  });
}

class Session {
  #send;
  #sequence = 0;
  #offered = 0;
  #pieces = [];
  #state;

  constructor(protocol, doc, n, on) {
    this.protocol = protocol;
    this.doc = doc;
    this.on = on;
    this.name = `client-${n}`;
  }

  opened(send) {
    this.#send = send;
    this.#say({
      kind: "hello",
      versionMin: this.protocol.PROTOCOL_VERSION_MIN,
      versionMax: this.protocol.PROTOCOL_VERSION_MAX,
      peer: "client",
      cluster: "",
      name: this.name,
      incarnation: 1,
      nonce: new Uint8Array(16),
      url: "",
      voter: false,
      masters: [],
      token: "",
    });
  }

  /** How many writes it delivers. */
  frame(payload) {
    let deliveries = 0;
    const input = new Cursor(payload, 1);
    while (input.at < payload.length) {
      const tag = input.uint();
      const end = input.uint() + input.at;
      if (tag === TAG.feed) {
        for (let streams = input.uint(); streams > 0; streams--) input.skip();
        const entries = input.uint();
        deliveries += entries;
        if (this.on.keep) this.#keep(entries, input);
      } else if (tag === TAG.receipt) {
        input.skip();
        const durable = input.uint();
        this.on.acknowledged?.(durable);
        this.on.committed?.(input.uint());
      } else this.#other(tag, payload.subarray(input.at, end));
      input.at = end;
    }
    return deliveries;
  }

  /** By hand, since those of others are encoded before they are timed: nothing here but the number of the offer is new. */
  write(change) {
    const head = [];
    this.#offered += 1;
    pushUint(head, this.#offered);
    head.push(0, 1);
    pushUint(head, change.length);
    const frame = Buffer.allocUnsafe(1 + OFFER_HEAD_BYTES_MAX + change.length);
    const start = [this.#nextSequence(), TAG.offer];
    pushUint(start, head.length + change.length);
    let at = 0;
    for (const byte of start) frame[at++] = byte;
    for (const byte of head) frame[at++] = byte;
    frame.set(change, at);
    this.#send(frame.subarray(0, at + change.length));
  }

  writeMany(changes) {
    this.#say({ kind: "offer", first: this.#offered + 1, session: undefined, changes });
    this.#offered += changes.length;
  }

  /** What the kept state and feeds make of the document. */
  registers() {
    const document = this.#state ?? new Document(documentOf(this.doc));
    for (const bytes of this.kept?.splice(0) ?? []) {
      const change = decodeChange(bytes);
      if (!change.ok) throw new Error(change.fault.reason);
      document.apply(change.value);
    }
    this.#state = document;
    return document.toJSON();
  }

  /** A piece of what feeds go on from. */
  #takeState({ offset, total, bytes }) {
    if (offset === 0) this.#pieces = [];
    this.#pieces.push(Buffer.from(bytes));
    if (offset + bytes.length < total) return;
    const state = Document.decodeState(Buffer.concat(this.#pieces));
    if (!state.ok) throw new Error(state.fault.reason);
    this.#state = state.value;
  }

  #keep(entries, input) {
    this.kept ??= [];
    for (let left = entries; left > 0; left--) {
      input.skip();
      input.skip();
      this.kept.push(Uint8Array.from(input.bytes()));
    }
  }

  #other(tag, body) {
    const codec = Object.values(this.protocol.MESSAGES).find((one) => one.tag === tag);
    const message = codec.read(new ByteReader(body));
    if (message.kind === "hello") {
      if (this.doc === undefined) this.on.ready();
      else this.#say({ kind: "open", number: 1, document: documentOf(this.doc), since: new Map() });
    } else if (message.kind === "cut" && message.loaded.length > 0) this.on.ready();
    else if (message.kind === "state") this.#takeState(message);
    else if (message.kind === "ping") this.#say({ kind: "pong" });
    else if (message.kind === "refusal") throw new Error(`refused: ${message.code}: ${message.reason}`);
  }

  #say(message) {
    this.#send(Buffer.concat([Uint8Array.of(this.#nextSequence()), this.protocol.encodeMessage(message)]));
  }

  #nextSequence() {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) % this.protocol.SEQUENCE_MODULUS;
    return sequence;
  }
}

function pushUint(bytes, value) {
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(128 + (rest % 128));
  bytes.push(rest);
}

/** Reads varints without making anything. */
class Cursor {
  constructor(bytes, at) {
    this.buffer = bytes;
    this.at = at;
  }

  uint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.buffer[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  skip() {
    while (this.buffer[this.at++] >= 128);
  }

  bytes() {
    const length = this.uint();
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }
}
