/**
 * What a Yjs update (of version 1) says about itself, without Yjs: which structs it brings and what they build on.
 *
 * An update from outside is read here before anybody applies it. Every element takes at least one byte, so nothing
 * grows beyond its input; what Yjs would trip over (text that is none, JSON that is none, nesting without end) is
 * refused; and whoever knows how far a document's structs go sees whether all that it builds on is there.
 */
import { attempt, ByteReader, type Result } from "@syncline/core";

/** Structs of one Yjs client, without gaps. */
export interface StructRun {
  readonly client: number;
  /** Clock of the first. */
  readonly from: number;
  /** Clock after the last. */
  readonly to: number;
}

export interface UpdateSummary {
  /** One for each client. */
  readonly runs: readonly StructRun[];
  /** For each client, the clock before which everything must be there: what is built on, and what is deleted. */
  readonly needs: ReadonlyMap<number, number>;
  /** Names of root types that structs name as their parent. */
  readonly roots: ReadonlySet<string>;
}

/** Lists and objects inside one another, in values that text may carry. */
export const NESTING_MAX = 64;

/**
 * Never throws; allocates at most a constant times the input.
 * @param gaps whether a run may have some: one made of what several people had put into one of several texts has.
 */
export function readUpdate(
  update: Uint8Array,
  gaps: "refused" | "allowed" = "refused",
): Result<UpdateSummary> {
  return attempt(() => new UpdateReader(update, gaps === "allowed").read());
}

class UpdateReader {
  readonly #input: Cursor;
  readonly #runs = new Map<number, StructRun>();
  readonly #needs = new Map<number, number>();
  readonly #roots = new Set<string>();
  /** Where the struct that is being read begins. */
  #at = { client: 0, clock: 0 };
  /** What structs build on that is of another client. */
  readonly #links: Link[] = [];

  constructor(
    update: Uint8Array,
    private readonly mayHaveGaps: boolean,
  ) {
    this.#input = new Cursor(update);
  }

  read(): UpdateSummary {
    const input = this.#input;
    for (let clients = input.count(4); clients > 0; clients--) this.#readRun();
    for (let clients = input.count(4); clients > 0; clients--) this.#readDeletes();
    input.end();
    if (hasCycle(this.#runs, this.#links)) input.fail("structs that build on one another");
    return { runs: [...this.#runs.values()], needs: this.#needs, roots: this.#roots };
  }

  #readRun(): void {
    const input = this.#input;
    const structs = input.count(2);
    const client = input.uint();
    const from = input.uint();
    if (structs === 0 || this.#runs.has(client)) input.fail("structs out of order");
    let to = from;
    for (let left = structs; left > 0; left--) {
      this.#at = { client, clock: to };
      const length = this.#readStruct();
      to += length;
      if (length === 0 || !Number.isSafeInteger(to)) input.fail("a struct of impossible length");
    }
    this.#runs.set(client, { client, from, to });
  }

  /** Returns its length. */
  #readStruct(): number {
    const input = this.#input;
    const info = input.byte();
    const content = info & CONTENT_BITS;
    if (content === GC) return input.uint();
    if (content === SKIP) return this.mayHaveGaps ? input.uint() : input.fail("an update with a gap in it");
    const hasOrigin = (info & ORIGIN_BIT) !== 0;
    const hasRight = (info & RIGHT_BIT) !== 0;
    if (hasOrigin) this.#readId();
    if (hasRight) this.#readId();
    if (!hasOrigin && !hasRight) {
      if (input.uint() === 1) this.#roots.add(input.text());
      else this.#readId();
      if ((info & KEY_BIT) !== 0) input.text();
    }
    return this.#readContent(content);
  }

  #readId(): void {
    const at = this.#at;
    const client = this.#input.uint();
    const clock = this.#input.uint();
    if (client !== at.client) this.#links.push({ ...at, on: client, onClock: clock });
    else if (clock >= at.clock) this.#input.fail("a struct that builds on what comes after it");
    this.#need(client, clock + 1);
  }

  #readContent(content: number): number {
    const input = this.#input;
    switch (content) {
      case DELETED:
        return input.uint();
      case JSONS: {
        const count = input.count(1);
        for (let left = count; left > 0; left--) input.json();
        return count;
      }
      case BINARY:
        input.skip(input.uint());
        return 1;
      case STRING:
        return input.text().length;
      case EMBED:
        input.json();
        return 1;
      case FORMAT:
        input.text();
        input.json();
        return 1;
      case TYPE: {
        const type = input.uint();
        if (type > LAST_TYPE) input.fail("an unknown type");
        if (type === XML_ELEMENT || type === XML_HOOK) input.text();
        return 1;
      }
      case ANYS: {
        const count = input.count(1);
        for (let left = count; left > 0; left--) input.any(0);
        return count;
      }
      default:
        return input.fail(`content ${content}, which no text has`);
    }
  }

  #readDeletes(): void {
    const input = this.#input;
    const client = input.uint();
    for (let ranges = input.count(2); ranges > 0; ranges--) {
      const clock = input.uint();
      this.#need(client, clock + input.uint());
    }
  }

  #need(client: number, clock: number): void {
    if (!Number.isSafeInteger(clock)) this.#input.fail("a clock of 2^53 and more");
    if (clock > (this.#needs.get(client) ?? 0)) this.#needs.set(client, clock);
  }
}

/** The struct of a client at a clock builds on what another client has at another. */
interface Link {
  readonly client: number;
  readonly clock: number;
  readonly on: number;
  readonly onClock: number;
}

/** Whether structs wait for one another: Yjs would keep them waiting for ever. O(links). */
function hasCycle(runs: ReadonlyMap<number, StructRun>, links: readonly Link[]): boolean {
  const inside = links.filter(({ on, onClock }) => {
    const run = runs.get(on);
    return run !== undefined && onClock >= run.from && onClock < run.to;
  });
  if (inside.length === 0) return false;
  const waiting = new Map<number, Link[]>();
  for (const link of inside) {
    const list = waiting.get(link.client);
    if (list === undefined) waiting.set(link.client, [link]);
    else list.push(link);
  }
  /** For each client, the links that are not resolved; it is done up to the clock of the first. */
  const next = new Map([...waiting.keys()].map((client) => [client, 0]));
  const doneTo = (client: number): number =>
    waiting.get(client)?.[next.get(client) ?? 0]?.clock ?? Number.POSITIVE_INFINITY;
  const blockedOn = new Map<number, number[]>();
  const ready = [...waiting.keys()];
  for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
    const list = waiting.get(client)!;
    const before = next.get(client)!;
    let index = before;
    while (index < list.length && list[index]!.onClock < doneTo(list[index]!.on)) next.set(client, ++index);
    const blocking = list[index]?.on;
    if (blocking !== undefined) {
      const others = blockedOn.get(blocking);
      if (others === undefined) blockedOn.set(blocking, [client]);
      else others.push(client);
    }
    // Who waits for it looks again when it has come further.
    if (index === before) continue;
    ready.push(...(blockedOn.get(client) ?? []));
    blockedOn.delete(client);
  }
  return [...waiting].some(([client, list]) => next.get(client)! < list.length);
}

// As Yjs writes them.
const CONTENT_BITS = 0x1f;
const ORIGIN_BIT = 0x80;
const RIGHT_BIT = 0x40;
const KEY_BIT = 0x20;
const [GC, DELETED, JSONS, BINARY, STRING, EMBED, FORMAT, TYPE, ANYS] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
const SKIP = 10;
const [XML_ELEMENT, XML_HOOK, LAST_TYPE] = [3, 5, 6] as const;

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the primitives of lib0. Throws `Malformed`. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #reader: ByteReader;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new ByteReader(bytes);
  }

  byte(): number {
    return this.#reader.byte();
  }

  /** Seven bits to a byte, the lowest first: up to 2^53 - 1. */
  uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#reader.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) this.fail("an integer of 2^53 and more");
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 56) this.fail("an integer without end");
    }
  }

  count(bytesEachMin: number): number {
    const count = this.uint();
    if (count * bytesEachMin > this.#reader.remaining) this.fail("more elements than bytes");
    return count;
  }

  skip(length: number): void {
    this.#reader.skip(length);
  }

  text(): string {
    const length = this.uint();
    const start = this.#reader.offset;
    this.#reader.skip(length);
    try {
      return TEXT.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return this.fail("text that is no UTF-8");
    }
  }

  json(): void {
    const text = this.text();
    if (text === "undefined") return;
    if (nesting(text) > NESTING_MAX) this.fail("JSON nested too deeply");
    try {
      JSON.parse(text);
    } catch {
      this.fail("JSON that is none");
    }
  }

  any(depth: number): void {
    if (depth > NESTING_MAX) this.fail("values nested too deeply");
    const type = this.byte();
    switch (type) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        return;
      case 125: // An integer, its sign in bit 6 of the first byte: of no more bytes than any.
        for (let bytes = 1; this.byte() >= 0x80; bytes++) if (bytes > 7) this.fail("an integer without end");
        return;
      case 124:
        this.skip(4);
        return;
      case 123:
      case 122:
        this.skip(8);
        return;
      case 119:
        this.text();
        return;
      case 118:
        for (let left = this.count(2); left > 0; left--) {
          this.text();
          this.any(depth + 1);
        }
        return;
      case 117:
        for (let left = this.count(1); left > 0; left--) this.any(depth + 1);
        return;
      case 116:
        this.skip(this.uint());
        return;
      default:
        this.fail(`a value of type ${type}`);
    }
  }

  end(): void {
    this.#reader.end();
  }

  fail(what: string): never {
    return this.#reader.fail(what);
  }
}

/** How deep brackets stand in one another, those in strings not counted. */
function nesting(json: string): number {
  let [depth, deepest, inString] = [0, 0, false];
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === "\\") i += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "[" || char === "{") deepest = Math.max(deepest, ++depth);
    else if (char === "]" || char === "}") depth -= 1;
  }
  return deepest;
}
