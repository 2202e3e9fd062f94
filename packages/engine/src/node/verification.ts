import { Document, decodeChange, documentId, type StreamId } from "@syncline/core";
import { readRecord } from "@syncline/protocol";
import type { Storage } from "../ports.js";
import {
  allDocuments,
  allStreams,
  baseKey,
  baseRow,
  checkRow,
  DamagedStore,
  documentOfKey,
  documentRow,
  everything,
  placesInTail,
  recordKey,
  recordPlaceOf,
  stateKey,
  stateRow,
  streamOfKey,
  streamRow,
  tailOf,
} from "./tables.js";

/**
 * Looks through a node's store from end to end: every checksum, every record and state as whoever reads it would, and
 * whether what belongs together is there.
 *
 * Nothing is changed. What is damaged is named, and the rest is looked through all the same.
 */
export interface Verification {
  readonly rows: number;
  readonly records: number;
  readonly documents: number;
  readonly damaged: readonly Damage[];
}

export interface Damage {
  /** "record 17:4", "document boards/a", "row of table 6". */
  readonly where: string;
  readonly reason: string;
}

/** More are counted, and not named. */
const DAMAGES_MAX = 1_000;

export function verifyStore(storage: Storage): Verification {
  const damaged: Damage[] = [];
  const note = (where: string, reason: string): void => {
    if (damaged.length < DAMAGES_MAX) damaged.push({ where, reason });
  };
  const careful = (where: string, look: () => void): void => {
    try {
      look();
    } catch (error) {
      note(where, error instanceof Error ? error.message : String(error));
    }
  };
  let [rows, records] = [0, 0];
  for (const [key, value] of storage.scan(everything())) {
    rows += 1;
    const place = recordPlaceOf(key);
    if (place === undefined) careful(`row of table ${key[0]}`, () => checkRow(key, value));
    else {
      records += 1;
      careful(`record ${place.stream}:${place.position}`, () => {
        const { body } = readRecord(place.stream, place.position, value);
        if (body.kind !== "change") return;
        const change = decodeChange(body.change);
        if (!change.ok) throw new DamagedStore(change.fault.reason);
      });
    }
  }
  const truncated = new Map<StreamId, number>();
  for (const [key, value] of storage.scan(allStreams())) {
    const stream = streamOfKey(key);
    careful(`stream ${stream}`, () => {
      const row = streamRow.decode(key, value);
      truncated.set(stream, row.truncated);
      for (const position of missing(storage, stream, row.truncated, row.held))
        note(`record ${stream}:${position}`, "it is missing");
    });
  }
  let documents = 0;
  for (const [key, value] of storage.scan(allDocuments())) {
    documents += 1;
    const name = documentOfKey(key);
    careful(`document ${documentId(name)}`, () =>
      checkDocument(storage, documentRow.decode(key, value), documentId(name), truncated),
    );
  }
  return { rows, records, documents, damaged };
}

function* missing(storage: Storage, stream: StreamId, truncated: number, held: number): Iterable<number> {
  if (held > 0 && storage.get(recordKey(stream, 1)) === undefined) yield 1;
  for (let position = Math.max(1, truncated) + 1; position <= held; position++)
    if (storage.get(recordKey(stream, position)) === undefined) yield position;
}

/** The base can be read and is this document's, and the tail goes on where it ends, with records that are there. */
function checkDocument(
  storage: Storage,
  number: number,
  id: string,
  truncated: ReadonlyMap<StreamId, number>,
): void {
  let sequence = 0;
  const head = storage.get(baseKey(number));
  if (head !== undefined) {
    sequence = baseRow.decode(baseKey(number), head).sequence;
    const value = storage.get(stateKey(number));
    if (value === undefined) throw new DamagedStore("its base is missing");
    const state = Document.decodeState(stateRow.decode(stateKey(number), value));
    if (!state.ok) throw new DamagedStore(`its base: ${state.fault.reason}`);
    if (documentId(state.value.name) !== id) throw new DamagedStore("its base is another document's");
  }
  for (const [key, value] of storage.scan(tailOf(number, sequence + 1, 2 ** 52))) {
    for (const { stream, position } of placesInTail(key, value, sequence + 1))
      if (position <= (truncated.get(stream) ?? 0))
        throw new DamagedStore(`it needs record ${stream}:${position}, which was let go`);
  }
}
