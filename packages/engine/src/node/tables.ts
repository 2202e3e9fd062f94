import type { Author, DocumentName, StreamId, Vector } from "@syncline/core";
import {
  ByteReader,
  ByteWriter,
  crc32,
  fromUtf8,
  Malformed,
  readDocumentId,
  readVector,
  toUtf8,
  writeVector,
} from "@syncline/core";
import {
  type Claim,
  type Closing,
  LIMITS,
  readClaim,
  readClosing,
  writeClaim,
  writeClosing,
} from "@syncline/protocol";
import type { HeadRecord } from "./log.js";
import { type Places, readPlaces, writePlaces } from "./places.js";

/**
 * What a node keeps on disk: keys and values of every table, their writers and readers side by side.
 *
 * All tables share one ordered store, so that one commit writes records, document tails, author counters and
 * positions together: after a crash they agree. Every value ends with a CRC-32 over key and value, checked on
 * every read; records carry their own. Numbers in keys are big-endian, so that keys sort like the numbers.
 */

/** Raised when the disk returns something else than was written. The node must not go on with it. */
export class DamagedStore extends Error {
  readonly code = "DAMAGED_STORE";
}

/** First byte of every key. On disk for ever: never renumber, never reuse. */
const TABLE = {
  meta: 1,
  stream: 2,
  record: 3,
  document: 4,
  tail: 5,
  counter: 6,
  // 7 stood for members
  base: 8,
  state: 9,
  baseVector: 10,
  arrival: 11,
  staged: 12,
  role: 13,
  noted: 14,
  places: 15,
  purging: 16,
  closing: 17,
  aside: 18,
  claim: 19,
} as const;

/** Version of this layout; a store with a newer one is refused. */
export const LAYOUT_VERSION = 3; // Since 2 there are bases, and streams without their beginning; since 3 rows of several places.

/** How far a node is in a stream: written with every batch of records. */
export interface StreamRow {
  readonly held: number;
  readonly visible: number;
  readonly committed: number;
  /** Records up to this one are gone, except the first. */
  readonly truncated: number;
  /** Of the records that are kept. */
  readonly bytes: number;
  /** Where its commit rule was changed. */
  readonly rules: readonly number[];
}

/** Up to where a document's tail is folded into its base. */
export interface BaseRow {
  /** Sequence of the last change of the tail that is in the base. */
  readonly sequence: number;
  /** Everything in the base stands at or before this vector. */
  readonly vector: Vector;
  /** Length of the state. */
  readonly bytes: number;
}

/** A snapshot on its way here, or being taken in. */
export interface ArrivalRow {
  readonly vector: Vector;
  /** First records of the streams that it names, and those that have changed their commit rules. */
  readonly heads: ReadonlyMap<StreamId, readonly HeadRecord[]>;
  /** The last document that is here; undefined if none is. */
  readonly after: DocumentName | undefined;
  /** It is complete, and shown: what is staged is part of the documents. */
  readonly complete: boolean;
}

/** A document of a snapshot: its state, and all author counters with the checksums of the changes that brought them. */
export interface StagedRow {
  /** Checksums are 0 where the sender does not know them. */
  readonly counters: readonly (CounterRow & { readonly author: Author })[];
  readonly state: Uint8Array;
  /** Where the changes in it stand. */
  readonly places: Places;
}

/** Where a change stands. */
export interface TailPlace {
  readonly stream: StreamId;
  readonly position: number;
}

/**
 * Where integrated changes of a document stand that one commit brought, in their order. The key names the last of them, so
 * the row that has the n-th is the first one at or after n.
 */
export type TailRow = readonly TailPlace[];

/** Places in one row: it stays as small as the others. */
export const TAIL_PLACES_MAX = 64;

/** The greatest counter of an author in a document, and the checksum of the change that brought it. */
export interface CounterRow {
  readonly counter: number;
  readonly checksum: number;
}

export interface MetaRow {
  readonly layout: number;
  readonly cluster: string;
  /** Documents numbered so far. */
  readonly documents: number;
  /** The stream that this node opened last. */
  readonly epoch: StreamId | undefined;
}

// ---- keys ----

export const roleKey = (): Uint8Array => Uint8Array.of(TABLE.role);
export const claimKey = (): Uint8Array => Uint8Array.of(TABLE.claim);
export const metaKey = (): Uint8Array => Uint8Array.of(TABLE.meta);

export const streamKey = (stream: StreamId): Uint8Array => key(TABLE.stream, stream);

export const recordKey = (stream: StreamId, position: number): Uint8Array =>
  key(TABLE.record, stream, position);

/** The place of the record that stands under a key; undefined if none does. For who looks into a store from outside. */
export const recordPlaceOf = (
  bytes: Uint8Array,
): { readonly stream: StreamId; readonly position: number } | undefined =>
  bytes[0] === TABLE.record
    ? { stream: readNumber(bytes, 1), position: readNumber(bytes, 1 + NUMBER_BYTES) }
    : undefined;

export const documentKey = (name: DocumentName): Uint8Array =>
  text(TABLE.document, `${name.collection}/${name.key}`);

export const tailKey = (document: number, sequence: number): Uint8Array =>
  key(TABLE.tail, document, sequence);

export const counterKey = (document: number, author: Author): Uint8Array =>
  key(TABLE.counter, document, author);

export const countersOf = (document: number) => ({
  from: key(TABLE.counter, document),
  to: key(TABLE.counter, document + 1),
});

export const authorOfCounterKey = (bytes: Uint8Array): Author => readNumber(bytes, 1 + NUMBER_BYTES);

export const baseKey = (document: number): Uint8Array => key(TABLE.base, document);

export const stateKey = (document: number): Uint8Array => key(TABLE.state, document);

/** Under the name of a document that was purged: its records may be here still. */
export const purgingKey = (name: DocumentName): Uint8Array =>
  text(TABLE.purging, `${name.collection}/${name.key}`);

export const allPurging = () => ({
  from: Uint8Array.of(TABLE.purging),
  to: Uint8Array.of(TABLE.purging + 1),
});

/** Under the name of a node: which of its streams are closed. */
export const closingKey = (node: string): Uint8Array => text(TABLE.closing, node);

export const allClosings = () => ({
  from: Uint8Array.of(TABLE.closing),
  to: Uint8Array.of(TABLE.closing + 1),
});

/** A record beyond the end of its closed stream, which is to be handed in. */
export const asideKey = (stream: StreamId, position: number): Uint8Array =>
  key(TABLE.aside, stream, position);

export const allAside = () => ({ from: Uint8Array.of(TABLE.aside), to: Uint8Array.of(TABLE.aside + 1) });

export const placeOfAsideKey = (bytes: Uint8Array) => ({
  stream: readNumber(bytes, 1),
  position: readNumber(bytes, 1 + NUMBER_BYTES),
});

export const placesKey = (document: number): Uint8Array => key(TABLE.places, document);

export const baseVectorKey = (): Uint8Array => Uint8Array.of(TABLE.baseVector);

export const arrivalKey = (): Uint8Array => Uint8Array.of(TABLE.arrival);

export const stagedKey = (name: DocumentName): Uint8Array =>
  text(TABLE.staged, `${name.collection}/${name.key}`);

export const allStaged = () => ({ from: Uint8Array.of(TABLE.staged), to: Uint8Array.of(TABLE.staged + 1) });

/** Staged documents of a collection with keys after `after`. */
export const stagedOf = (collection: string, after: string | undefined) =>
  namesIn(TABLE.staged, collection, after);

export const allDocuments = () => ({
  from: Uint8Array.of(TABLE.document),
  to: Uint8Array.of(TABLE.document + 1),
});

export const everything = () => ({ from: Uint8Array.of(0), to: Uint8Array.of(255) });

/** Documents after this one, of all collections, in the order of their bytes. */
export const documentsAfter = (name: DocumentName | undefined) => ({
  from:
    name === undefined
      ? Uint8Array.of(TABLE.document)
      : Uint8Array.of(...text(TABLE.document, `${name.collection}/${name.key}`), 0),
  to: Uint8Array.of(TABLE.document + 1),
});

/** What is noted of a document beside its contents, under its name: most have nothing here. */
export const notedKey = (name: DocumentName): Uint8Array =>
  text(TABLE.noted, `${name.collection}/${name.key}`);

export const allNoted = () => ({ from: Uint8Array.of(TABLE.noted), to: Uint8Array.of(TABLE.noted + 1) });

export const allStreams = () => ({ from: Uint8Array.of(TABLE.stream), to: Uint8Array.of(TABLE.stream + 1) });

export const recordsOf = (stream: StreamId, first: number, last: number) => ({
  from: recordKey(stream, first),
  to: recordKey(stream, last + 1),
});

export const tailOf = (document: number, first: number, last: number) => ({
  from: tailKey(document, first),
  to: tailKey(document, last + 1),
});

/** Documents of a collection with keys after `after` (in the order of their UTF-8 bytes). */
export const documentsOf = (collection: string, after: string | undefined) =>
  namesIn(TABLE.document, collection, after);

function namesIn(table: number, collection: string, after: string | undefined) {
  const from = text(table, `${collection}/${after ?? ""}`);
  return {
    from: after === undefined ? from : Uint8Array.of(...from, 0),
    // "0" is the byte after "/".
    to: text(table, `${collection}0`),
  };
}

export const streamOfKey = (bytes: Uint8Array): StreamId => readNumber(bytes, 1);

export const nameOfKey = (bytes: Uint8Array): string => fromUtf8(bytes.subarray(1));

/** The document that a key of a name belongs to. */
export const documentOfKey = (bytes: Uint8Array): DocumentName => readDocumentId(nameOfKey(bytes));

// ---- values ----

export const streamRow = codec<StreamRow>(
  (out, row) => {
    out.uint(row.held);
    out.uint(row.visible);
    out.uint(row.committed);
    out.uint(row.truncated);
    out.uint(row.bytes);
    for (const position of row.rules) out.uint(position);
  },
  (input) => ({
    held: input.uint(),
    visible: input.uint(),
    committed: input.uint(),
    // Rows of layout 1 end here.
    truncated: input.remaining > 0 ? input.uint() : 0,
    bytes: input.remaining > 0 ? input.uint() : 0,
    rules: readRest(input),
  }),
);

function readRest(input: ByteReader): number[] {
  const numbers: number[] = [];
  while (input.remaining > 0) numbers.push(input.uint());
  return numbers;
}

export const baseRow = codec<BaseRow>(
  (out, row) => {
    out.uint(row.sequence);
    writeVector(out, row.vector);
    out.uint(row.bytes);
  },
  (input) => ({
    sequence: input.uint(),
    vector: readVector(input, Number.MAX_SAFE_INTEGER),
    bytes: input.uint(),
  }),
);

/** A document's base, in state form. */
export const stateRow = codec<Uint8Array>(
  (out, state) => out.raw(state),
  (input) => input.raw(input.remaining),
);

/** Where the changes in a document's base stand. */
export const placesRow = codec<Places>(writePlaces, readPlaces);

export const vectorRow = codec<Vector>(
  (out, vector) => writeVector(out, vector),
  (input) => readVector(input, Number.MAX_SAFE_INTEGER),
);

export const arrivalRow = codec<ArrivalRow>(
  (out, row) => {
    writeVector(out, row.vector);
    out.uint(row.heads.size);
    for (const [stream, [first]] of row.heads) {
      out.uint(stream);
      out.bytes(first?.record ?? new Uint8Array(0));
    }
    out.text(row.after?.collection ?? "");
    out.text(row.after?.key ?? "");
    out.byte(row.complete ? 1 : 0);
    for (const [stream, records] of row.heads) {
      for (const { position, record } of records.slice(1)) {
        out.uint(stream);
        out.uint(position);
        out.bytes(record);
      }
    }
  },
  (input) => {
    const vector = readVector(input, Number.MAX_SAFE_INTEGER);
    const heads = new Map<StreamId, HeadRecord[]>();
    for (let left = input.count(Number.MAX_SAFE_INTEGER, 2); left > 0; left--)
      heads.set(input.uint(), [{ position: 1, record: input.bytes(LIMITS.recordBytesMax) }]);
    const after = {
      collection: input.text(LIMITS.collectionBytesMax),
      key: input.text(LIMITS.keyBytesMax),
    };
    const complete = input.byte() === 1;
    while (input.remaining > 0) {
      const [stream, position] = [input.uint(), input.uint()];
      heads.get(stream)?.push({ position, record: input.bytes(LIMITS.recordBytesMax) });
    }
    return { vector, heads, after: after.collection === "" ? undefined : after, complete };
  },
);

export const stagedRow = codec<StagedRow>(
  (out, row) => {
    // No document comes without counters, so a row that begins with 0 has its places first.
    if (row.places.size > 0) {
      out.uint(0);
      writePlaces(out, row.places);
    }
    out.uint(row.counters.length);
    for (const { author, counter, checksum } of row.counters) {
      out.uint(author);
      out.uint(counter);
      out.uint(checksum);
    }
    out.raw(row.state);
  },
  (input) => {
    const counters: (CounterRow & { author: Author })[] = [];
    let count = input.count(Number.MAX_SAFE_INTEGER, 3);
    const places = count === 0 ? readPlaces(input) : new Map();
    if (count === 0) count = input.count(Number.MAX_SAFE_INTEGER, 3);
    for (let left = count; left > 0; left--)
      counters.push({ author: input.uint(), counter: input.uint(), checksum: input.uint() });
    return { counters, state: input.raw(input.remaining), places };
  },
);

export const tailRow = codec<TailRow>(
  (out, row) => {
    let before: TailPlace | undefined;
    for (const place of row) {
      const step = place.stream === before?.stream ? place.position - before.position : 0;
      if (before !== undefined) out.uint(Math.max(0, step));
      if (step <= 0) {
        out.uint(place.stream);
        out.uint(place.position);
      }
      before = place;
    }
  },
  (input) => {
    let last: TailPlace = { stream: input.uint(), position: input.uint() };
    const row = [last];
    // Rows up to layout 2 end here.
    while (input.remaining > 0) {
      const step = input.uint();
      last =
        step > 0
          ? { stream: last.stream, position: last.position + step }
          : { stream: input.uint(), position: input.uint() };
      row.push(last);
    }
    return row;
  },
);

/** Of the places in a row, those of changes from this sequence number on: what is before may be folded already. */
export function placesInTail(rowKey: Uint8Array, value: Uint8Array, from: number): TailRow {
  const row = tailRow.decode(rowKey, value);
  const first = sequenceOfTailKey(rowKey) - row.length + 1;
  return first >= from ? row : row.slice(from - first);
}

/** The sequence number that a row of a tail stands under. */
export const sequenceOfTailKey = (bytes: Uint8Array): number => readNumber(bytes, 1 + NUMBER_BYTES);

export const counterRow = codec<CounterRow>(
  (out, row) => {
    out.uint(row.counter);
    out.uint(row.checksum);
  },
  (input) => ({ counter: input.uint(), checksum: input.uint() }),
);

/** Value: the number under which a document's other rows stand. */
export const documentRow = codec<number>(
  (out, number) => out.uint(number),
  (input) => input.uint(),
);

/** Value: `NOTED` flags. */
export const notedRow = codec<number>(
  (out, flags) => out.uint(flags),
  (input) => input.uint(),
);

/** Value: 1. */
export const purgingRow = codec<number>(
  (out, one) => out.uint(one),
  (input) => input.uint(),
);

export const closingRow = codec<Closing>(writeClosing, readClosing);

/** Value: the record, which has a checksum of its own besides. */
export const asideRow = codec<Uint8Array>(
  (out, record) => out.raw(record),
  (input) => input.raw(input.remaining),
);

/** Which role the node was given while it ran, and the commit rule that came with it. */
export const roleRow = codec<{ readonly role: "master" | "follower"; readonly rule: string }>(
  (out, row) => {
    out.byte(row.role === "master" ? 1 : 0);
    out.text(row.rule);
  },
  (input) => ({
    role: input.byte() === 1 ? "master" : "follower",
    rule: input.text(LIMITS.ruleBytesMax),
  }),
);

/** What this node claimed when it became the one master last. */
export const claimRow = codec<Claim>(writeClaim, readClaim);

export const metaRow = codec<MetaRow>(
  (out, row) => {
    out.uint(row.layout);
    out.text(row.cluster);
    out.uint(row.documents);
    out.uint(row.epoch ?? 0);
  },
  (input) => {
    const layout = input.uint();
    const cluster = input.text(LIMITS.nameBytesMax);
    const documents = input.uint();
    const epoch = input.uint();
    return { layout, cluster, documents, epoch: epoch === 0 ? undefined : epoch };
  },
);

/** Reads a row of any table but records. Throws `DamagedStore`. Tables of other versions are passed over. */
export function checkRow(rowKey: Uint8Array, value: Uint8Array): void {
  const codecs: Readonly<Record<number, RowCodec<unknown>>> = {
    [TABLE.meta]: metaRow,
    [TABLE.stream]: streamRow,
    [TABLE.document]: documentRow,
    [TABLE.tail]: tailRow,
    [TABLE.counter]: counterRow,
    [TABLE.base]: baseRow,
    [TABLE.state]: stateRow,
    [TABLE.baseVector]: vectorRow,
    [TABLE.arrival]: arrivalRow,
    [TABLE.staged]: stagedRow,
    [TABLE.role]: roleRow,
    [TABLE.places]: placesRow,
    [TABLE.purging]: purgingRow,
    [TABLE.closing]: closingRow,
    [TABLE.aside]: asideRow,
    [TABLE.claim]: claimRow,
  };
  codecs[rowKey[0] ?? 0]?.decode(rowKey, value);
}

export interface RowCodec<Row> {
  encode(key: Uint8Array, row: Row): Uint8Array;
  /** Throws `DamagedStore`. */
  decode(key: Uint8Array, value: Uint8Array): Row;
}

// ---- helpers ----

function codec<Row>(
  write: (out: ByteWriter, row: Row) => void,
  read: (input: ByteReader) => Row,
): RowCodec<Row> {
  return {
    encode(rowKey, row) {
      const out = new ByteWriter();
      write(out, row);
      return out.seal(crc32(rowKey));
    },
    decode(rowKey, value) {
      try {
        if (value.length < 4) throw new Malformed("too short");
        const content = value.subarray(0, value.length - 4);
        const stored = new DataView(value.buffer, value.byteOffset + content.length, 4).getUint32(0, true);
        if (stored !== checksum(rowKey, content)) throw new Malformed("checksum");
        const input = new ByteReader(content);
        const row = read(input);
        input.end();
        return row;
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        throw new DamagedStore(`a row of table ${rowKey[0]} is damaged: ${error.message}`);
      }
    },
  };
}

const checksum = (rowKey: Uint8Array, content: Uint8Array): number => (crc32(rowKey) ^ crc32(content)) >>> 0;

/** Numbers up to 2^53 in seven bytes, big-endian. */
const NUMBER_BYTES = 7;

function key(table: number, first: number, second?: number): Uint8Array {
  const bytes = new Uint8Array(1 + (second === undefined ? 1 : 2) * NUMBER_BYTES);
  bytes[0] = table;
  writeNumber(bytes, 1, first);
  if (second !== undefined) writeNumber(bytes, 1 + NUMBER_BYTES, second);
  return bytes;
}

/** In two parts, because bits can be taken from 32 at most. */
function writeNumber(bytes: Uint8Array, at: number, number: number): void {
  const high = Math.floor(number / 2 ** 32);
  bytes[at] = high >>> 16;
  bytes[at + 1] = high >>> 8;
  bytes[at + 2] = high;
  bytes[at + 3] = number >>> 24;
  bytes[at + 4] = number >>> 16;
  bytes[at + 5] = number >>> 8;
  bytes[at + 6] = number;
}

function readNumber(bytes: Uint8Array, at: number): number {
  let number = 0;
  for (let i = 0; i < NUMBER_BYTES; i++) number = number * 256 + (bytes[at + i] ?? 0);
  return number;
}

function text(table: number, name: string): Uint8Array {
  const encoded = toUtf8(name);
  const bytes = new Uint8Array(1 + encoded.length);
  bytes[0] = table;
  bytes.set(encoded, 1);
  return bytes;
}
