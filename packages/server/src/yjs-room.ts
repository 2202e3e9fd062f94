/**
 * A document for providers of y-websocket: one Y.Doc that they share with all clients of Syncline.
 *
 * An update of a provider is read before Yjs sees it: version 1, nothing that builds on what is not there, roots that
 * fields may be. Then it is a change like every other one. Presence goes both ways as Awareness.
 */
import {
  ByteReader,
  ByteWriter,
  CORE_LIMITS,
  checkFieldName,
  type DocumentName,
  type Home,
  readValue,
  type Value,
  writeValue,
} from "@syncline/core";
import type { Logger, OpenDocument, SyncClient, SyncNode } from "@syncline/engine";
import { LIMITS, type Present } from "@syncline/protocol";
import { awarenessId, readUpdate, type SharedDoc, sharedDoc } from "@syncline/text";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { messageYjsSyncStep1, messageYjsSyncStep2, messageYjsUpdate } from "y-protocols/sync";
import * as Y from "yjs";

/** One provider, as its room sees it. */
export interface Provider {
  /** Asked for every update: rights may change while he is here. */
  mayWrite(): boolean;
  send(message: Uint8Array): void;
  /** @param code 44xx: for good; others: come again. */
  close(code: number, reason: string): void;
}

// The protocol of y-websocket.
const MESSAGE = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3 } as const;
const SYNC = { step1: messageYjsSyncStep1, step2: messageYjsSyncStep2, update: messageYjsUpdate } as const;

interface Seat {
  /** The id of his Awareness: the first that he tells of. */
  id: number | undefined;
  /** That of the last word about him that was shown. */
  clock: number;
  /** The client knows that he may not write. */
  isWarned: boolean;
}

export interface YjsRoomParts {
  readonly node: SyncNode;
  readonly client: SyncClient;
  readonly open: OpenDocument;
  readonly log: Logger;
  /** How often providers are told who is still there. */
  readonly beatMs: number;
}

export class YjsRoom {
  readonly #name: DocumentName;
  readonly #node: SyncNode;
  readonly #open: OpenDocument;
  readonly #shared: SharedDoc;
  readonly #seats = new Map<Provider, Seat>();
  /** Who is here, by the ids of Awareness. Its clocks are the room's own. */
  readonly #aware = new Map<number, { clock: number; state: string }>();
  readonly #endings: (() => void)[] = [];

  constructor(name: DocumentName, { node, client, open, log, beatMs }: YjsRoomParts) {
    this.#name = name;
    this.#node = node;
    this.#open = open;
    this.#shared = sharedDoc(homeOf(open, client, log));
    this.#passOn();
    const beat = setInterval(() => this.#beat(), beatMs);
    this.#endings.push(
      () => clearInterval(beat),
      this.#shared.onReplaced(() => {
        this.#closeAll("what was written here was refused; load it again");
        // Who comes before the last of them is gone comes to this room.
        this.#passOn();
      }),
      node.presence.listen(name, { present: (_document, people) => this.#heard(people) }),
    );
    this.#heard(node.presence.at(name));
  }

  /** What is new in the Y.Doc goes to everybody but him who has brought it. */
  #passOn(): void {
    this.#shared.doc.on("update", (update: Uint8Array, origin: unknown) => {
      const message = syncMessage(SYNC.update, update);
      for (const provider of this.#seats.keys()) if (provider !== origin) provider.send(message);
    });
  }

  /** Settles when the document was loaded, or cannot be. */
  whenReady(answer: (refused: string | undefined) => void): () => void {
    let stop = (): void => {};
    const look = (): boolean => {
      if (!this.#open.loaded && this.#open.refused === undefined) return false;
      stop();
      answer(this.#open.refused?.reason);
      return true;
    };
    if (!look()) stop = this.#open.onChange(look);
    return () => stop();
  }

  enter(provider: Provider): void {
    this.#seats.set(provider, { id: undefined, clock: 0, isWarned: false });
    provider.send(syncMessage(SYNC.step1, Y.encodeStateVector(this.#shared.doc)));
    this.#tellAll(provider);
  }

  leave(provider: Provider): void {
    const seat = this.#seats.get(provider);
    this.#seats.delete(provider);
    if (seat?.id !== undefined) this.#node.presence.leave(this.#name, seat.id, seat.clock);
  }

  /** A message of a provider. Whatever is wrong with it ends this provider, and nothing else. */
  receive(provider: Provider, message: Uint8Array): void {
    try {
      this.#read(provider, decoding.createDecoder(message));
    } catch (error) {
      provider.close(4400, error instanceof Error ? error.message : "malformed");
    }
  }

  close(): void {
    for (const end of this.#endings) end();
    this.#closeAll("the server is stopping");
  }

  #closeAll(reason: string): void {
    for (const provider of [...this.#seats.keys()]) provider.close(1012, reason);
  }

  #read(provider: Provider, input: decoding.Decoder): void {
    const seat = this.#seats.get(provider);
    if (seat === undefined) return;
    switch (decoding.readVarUint(input)) {
      case MESSAGE.sync:
        this.#readSync(provider, seat, input);
        break;
      case MESSAGE.awareness:
        this.#readAwareness(seat, decoding.createDecoder(decoding.readVarUint8Array(input)));
        break;
      case MESSAGE.queryAwareness:
        this.#tellAll(provider);
        break;
      default: // Of a later version.
    }
  }

  #readSync(provider: Provider, seat: Seat, input: decoding.Decoder): void {
    const type = decoding.readVarUint(input);
    const bytes = decoding.readVarUint8Array(input);
    if (type === SYNC.step1) {
      provider.send(syncMessage(SYNC.step2, Y.encodeStateAsUpdate(this.#shared.doc, bytes)));
      return;
    }
    if (type !== SYNC.step2 && type !== SYNC.update) throw new Error(`a sync message of type ${type}`);
    const read = readUpdate(bytes);
    if (!read.ok) throw new Error(read.fault.reason);
    const { runs, needs, roots } = read.value;
    const { store } = this.#shared.doc;
    const ends = new Map(runs.map(({ client, to }) => [client, to]));
    const isGap =
      runs.some(({ client, from }) => from > Y.getState(store, client)) ||
      [...needs].some(([client, to]) => to > Math.max(Y.getState(store, client), ends.get(client) ?? 0));
    if (isGap) {
      // Typed before the two had told each other what they have: asked again, he sends it whole.
      if (type === SYNC.step2) throw new Error("an update that builds on what is not there");
      provider.send(syncMessage(SYNC.step1, Y.encodeStateVector(this.#shared.doc)));
      return;
    }
    for (const root of roots) {
      const wrong = checkFieldName(root);
      if (wrong !== undefined) throw new Error(`the root type ${JSON.stringify(root)}: ${wrong}`);
    }
    const isNews = runs.some(({ client, to }) => to > Y.getState(store, client)) || needs.size > 0;
    if (!provider.mayWrite()) {
      // A second step tells of all deletions that ever were.
      if (isNews && type === SYNC.update && !seat.isWarned) {
        seat.isWarned = true;
        provider.send(DENIED);
      }
      return;
    }
    if (bytes.length > CORE_LIMITS.changeBytesMax - CHANGE_HEAD_BYTES) {
      provider.close(4413, `an update has up to ${CORE_LIMITS.changeBytesMax} bytes`);
      return;
    }
    Y.applyUpdate(this.#shared.doc, bytes, provider);
  }

  /** A provider tells of whom he knows; here it counts what he says of himself. */
  #readAwareness(seat: Seat, input: decoding.Decoder): void {
    for (let left = decoding.readVarUint(input); left > 0; left--) {
      const id = decoding.readVarUint(input);
      decoding.readVarUint(input); // A clock: presence has its own.
      const text = decoding.readVarString(input);
      if (seat.id === undefined && !this.#aware.has(id) && id < 2 ** 32) seat.id = id;
      if (id !== seat.id) continue;
      const state = text === "null" ? "gone" : encoded(text);
      if (state === undefined) continue;
      const { presence } = this.#node;
      seat.clock = presence.clockOf(this.#name, id) + 1;
      presence.show(this.#name, id, seat.clock, state);
    }
  }

  /** Others have come, gone or changed: at any node. */
  #heard(people: readonly Present[]): void {
    const changed = people.flatMap(({ id: who, state }) => {
      const id = awarenessId(who);
      const shown = typeof state === "string" ? "null" : decoded(state);
      const known = this.#aware.get(id);
      if (known === undefined && shown === "null") return [];
      this.#aware.set(id, { clock: (known?.clock ?? 0) + 1, state: shown });
      return [id];
    });
    this.#tell(changed);
    for (const id of changed) if (this.#aware.get(id)?.state === "null") this.#gone.add(id);
  }

  /** Their clocks are remembered until the next beat but one: who comes back has a higher one. */
  readonly #gone = new Set<number>();

  /** Providers drop whom they have not heard of for half a minute. */
  #beat(): void {
    for (const id of this.#gone) if (this.#aware.get(id)?.state !== "null") this.#gone.delete(id);
    for (const [id, each] of this.#aware) if (!this.#gone.has(id)) each.clock += 1;
    this.#tell([...this.#aware.keys()].filter((id) => !this.#gone.has(id)));
  }

  #tell(ids: readonly number[]): void {
    for (const [provider, seat] of this.#seats) {
      const others = ids.filter((id) => id !== seat.id);
      if (others.length > 0) provider.send(this.#awarenessMessage(others));
    }
  }

  #tellAll(provider: Provider): void {
    const own = this.#seats.get(provider)?.id;
    const others = [...this.#aware].flatMap(([id, { state }]) =>
      id === own || state === "null" ? [] : [id],
    );
    if (others.length > 0) provider.send(this.#awarenessMessage(others));
  }

  #awarenessMessage(ids: readonly number[]): Uint8Array {
    const update = encoding.createEncoder();
    encoding.writeVarUint(update, ids.length);
    for (const id of ids) {
      const { clock = 0, state = "null" } = this.#aware.get(id) ?? {};
      encoding.writeVarUint(update, id);
      encoding.writeVarUint(update, clock);
      encoding.writeVarString(update, state);
    }
    const out = encoding.createEncoder();
    encoding.writeVarUint(out, MESSAGE.awareness);
    encoding.writeVarUint8Array(out, encoding.toUint8Array(update));
    return encoding.toUint8Array(out);
  }
}

/** Room for what a change has beside its update. */
const CHANGE_HEAD_BYTES = 4_096;

function syncMessage(type: number, bytes: Uint8Array): Uint8Array {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, MESSAGE.sync);
  encoding.writeVarUint(out, type);
  encoding.writeVarUint8Array(out, bytes);
  return encoding.toUint8Array(out);
}

/** "You may read only." The connection stays. */
export function deniedMessage(reason: string): Uint8Array {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, MESSAGE.auth);
  encoding.writeVarUint(out, 0);
  encoding.writeVarString(out, reason);
  return encoding.toUint8Array(out);
}

const DENIED = deniedMessage("this node or this user may only read; what is written here stays here");

/** A state of Awareness as presence has it; undefined if it is none, or too large. */
function encoded(json: string): Uint8Array | undefined {
  try {
    const out = new ByteWriter();
    writeValue(out, JSON.parse(json) as Value);
    const bytes = out.finish();
    return bytes.length > LIMITS.presenceBytesMax ? undefined : bytes;
  } catch {
    return undefined;
  }
}

function decoded(state: Uint8Array): string {
  try {
    const value = readValue(new ByteReader(state));
    const isState = typeof value === "object" && value !== null && !Array.isArray(value);
    return JSON.stringify(isState ? value : {});
  } catch {
    return "{}";
  }
}

function homeOf(open: OpenDocument, client: SyncClient, log: Logger): Home {
  const nobody = {
    mine: undefined,
    others: [],
    error: undefined,
    set() {},
    clear() {},
    subscribe: () => () => {},
  };
  return {
    key: open,
    isClosed: false,
    document: () => open.document,
    onChange: (listener) => open.onChange(listener),
    transact: (mutate) => void client.transact(open, mutate),
    report: (error) => log.warn("y-websocket-edit-lost", { document: open.id, reason: String(error) }),
    presence: nobody,
  };
}
