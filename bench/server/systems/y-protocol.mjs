/** What y-websocket and Hocuspocus have in common: updates of Yjs, made beforehand, and the three messages of its sync. */
import * as Y from "yjs";

export const SYNC = { step1: 0, step2: 1, update: 2 };

/** The updates of one client, each a transaction. */
export function updatesOf(count, entriesOf) {
  const doc = new Y.Doc();
  const map = doc.getMap("registers");
  const updates = [];
  doc.on("update", (update) => updates.push(update));
  for (let i = 0; i < count; i++) {
    doc.transact(() => {
      for (const [key, value] of entriesOf(i)) map.set(key, value);
    });
  }
  return updates;
}

export function registersOf(updates) {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc.getMap("registers").toJSON();
}

/** `parts` in order: numbers become varints, bytes follow their length. */
export function message(...parts) {
  const out = [];
  for (const part of parts) {
    if (typeof part === "number") out.push(varint(part));
    else {
      const bytes = typeof part === "string" ? Buffer.from(part) : part;
      out.push(varint(bytes.length), bytes);
    }
  }
  return Buffer.concat(out);
}

export function readVarint(bytes, at) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return { value, at };
  }
}

/** How many entries an update writes, from its second number: some servers merge updates before they send them. */
export function writesIn(payload, at) {
  const length = readVarint(payload, at);
  const clients = readVarint(payload, length.at);
  return clients.value === 0 ? 0 : readVarint(payload, clients.at).value;
}

/** An update of nothing: a document without clients, and nothing deleted. */
export const NOTHING = Uint8Array.of(0, 0);

/** A state vector of nobody. */
export const NOBODY = Uint8Array.of(0);

function varint(value) {
  const bytes = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  bytes.push(left);
  return Buffer.from(bytes);
}
