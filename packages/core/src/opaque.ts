/**
 * Ops that this version does not understand, kept until a version comes that does.
 *
 * Their bytes refer to authors by number, so what belongs to a change is kept together with its table of authors.
 * A change is applied all or nothing: two replicas that hold one hold the same of it, and joining is union. When a
 * state is read by a build that has learned their types, they are played, in causal order, and kept no longer.
 */
import { AuthorTable } from "./author-table.js";
import { ByteReader, type ByteWriter } from "./bytes.js";
import type { Change } from "./change.js";
import type { Stamp } from "./clock.js";
import type { Play } from "./descent.js";
import { compareDots, type Dots } from "./dots.js";
import type { Author, Dot } from "./ids.js";
import { CORE_LIMITS } from "./limits.js";
import { type Path, readPath, writePathSteps } from "./path.js";
import { typeAt } from "./types.js";

/** What one change has of such ops: at least one. */
export interface OpaqueOps {
  readonly author: Author;
  readonly stamp: Stamp;
  /** The change's table of authors, without its own. */
  readonly observed: Dots;
  /** Ascending by counter. */
  readonly ops: readonly { readonly counter: number; readonly path: Path; readonly bytes: Uint8Array }[];
}

/** By author and first counter. */
export type OpaqueStore = Map<string, OpaqueOps>;

/** Keeps what `change` has of ops not understood. Copies their bytes. */
export function keepOpaque(store: OpaqueStore, change: Change): void {
  const ops: { counter: number; path: Path; bytes: Uint8Array }[] = [];
  change.ops.forEach(({ path, op }, i) => {
    if (op.act !== "opaque") return;
    ops.push({ counter: change.first + i, path: change.paths[path]!, bytes: op.bytes.slice() });
  });
  if (ops.length === 0) return;
  put(store, { author: change.author, stamp: change.stamp, observed: change.observed, ops });
}

export function writeOpaque(out: ByteWriter, store: OpaqueStore, authors: AuthorTable): void {
  const all = [...store.values()].sort((a, b) => compareDots(firstDot(a), firstDot(b)));
  out.uint(all.length);
  for (const { author, stamp, observed, ops } of all) {
    authors.writeAuthor(out, author);
    out.uint(stamp);
    out.uint(observed.length);
    authors.writeDots(out, observed);
    out.uint(ops.length);
    for (const { counter, path, bytes } of ops) {
      out.uint(counter);
      writePathSteps(out, path);
      out.bytes(bytes);
    }
  }
}

export function readOpaque(input: ByteReader, authors: AuthorTable): OpaqueStore {
  const store: OpaqueStore = new Map();
  let before: OpaqueOps | undefined;
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 9); left > 0; left--) {
    const at = input.offset;
    const author = authors.readAuthor(input);
    const stamp = input.uint();
    const observed = authors.readDots(input, input.count(CORE_LIMITS.authorsPerChangeMax, 2));
    const ops = readOps(input, authors.counterMaxOf(author));
    const kept: OpaqueOps = { author, stamp, observed, ops };
    if (before !== undefined && compareDots(firstDot(before), firstDot(kept)) >= 0)
      input.fail("out of order", at);
    put(store, kept);
    before = kept;
  }
  return store;
}

/** Takes out what this build understands: each op in its place after all that its maker had observed. O(n + what was observed). */
export function takeUnderstood(store: OpaqueStore): (Play & { readonly path: Path })[] {
  const plays: (Play & { readonly path: Path })[] = [];
  /** Of each author what was not yet its turn, the first one last: a store that was read is in order. */
  const queues = new Map<Author, OpaqueOps[]>();
  for (const kept of [...store.values()].reverse()) {
    const queue = queues.get(kept.author) ?? [];
    queue.push(kept);
    queues.set(kept.author, queue);
  }
  for (const author of queues.keys()) {
    // Not by recursion: whoever writes a state says how deep it would go.
    const stack: [before: Dot[], kept?: OpaqueOps][] = [[[{ author, counter: Infinity }]]];
    while (stack.length > 0) {
      const [before, kept] = stack.at(-1)!;
      const dot = before.at(-1);
      const queue = dot && queues.get(dot.author);
      const next = queue?.at(-1);
      if (next && firstDot(next).counter <= dot!.counter) {
        queue!.pop();
        stack.push([[...next.observed], next]);
      } else if (!before.pop()) {
        stack.pop();
        if (kept) plays.push(...understood(store, kept));
      }
    }
  }
  return plays;
}

function understood(store: OpaqueStore, kept: OpaqueOps): (Play & { readonly path: Path })[] {
  const { author, stamp, observed } = kept;
  const authors = new AuthorTable([{ author, counter: 0 }, ...observed]);
  const plays: (Play & { readonly path: Path })[] = [];
  const left = kept.ops.filter(({ counter, path, bytes }) => {
    authors.limitFirst(counter - 1);
    const input = new ByteReader(bytes);
    const op = typeAt(path)?.readOp(input, authors);
    if (op === undefined) return true;
    input.end();
    plays.push({ path, op, dot: { author, counter }, stamp });
    return false;
  });
  if (plays.length === 0) return plays;
  const { counter } = firstDot(kept);
  store.delete(`${author}:${counter}`);
  if (left.length > 0) put(store, { author, stamp, observed, ops: left });
  return plays;
}

function readOps(input: ByteReader, counterMax: number): OpaqueOps["ops"] {
  const ops: { counter: number; path: Path; bytes: Uint8Array }[] = [];
  const at = input.offset;
  const count = input.count(CORE_LIMITS.opsPerChangeMax, 6);
  if (count === 0) input.fail("a change without ops", at);
  while (ops.length < count) {
    const opAt = input.offset;
    const counter = input.uint(counterMax);
    if (counter <= (ops.at(-1)?.counter ?? 0)) input.fail("ops out of order", opAt);
    ops.push({ counter, path: readPath(input), bytes: input.bytes(CORE_LIMITS.changeBytesMax).slice() });
  }
  return ops;
}

function put(store: OpaqueStore, kept: OpaqueOps): void {
  const { author, counter } = firstDot(kept);
  store.set(`${author}:${counter}`, kept);
}

function firstDot({ author, ops }: OpaqueOps): { author: Author; counter: number } {
  return { author, counter: ops[0]!.counter };
}
