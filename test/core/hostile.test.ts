/**
 * Changes and states from a program that is broken or means ill: bytes that are right, of a meaning that is wrong. What can be
 * told from the bytes is refused as a fault, before anything is changed; all else does nothing that honest replicas do not all do
 * alike, and nothing that anybody fails by, now or later: they read, write, undo, merge, store and purge as before.
 *
 * `SYNCLINE_HOSTILE=5000 npx vitest run test/core/hostile.test.ts` draws so many of each.
 */
import {
  BrokenInvariant,
  type Change,
  type ChangeOp,
  CounterOverflow,
  canWriteAgain,
  conflictsOf,
  createChange,
  Document,
  type Dot,
  decodeChange,
  differences,
  digestOf,
  documentDeltaSince,
  documentId,
  documentVersion,
  InvalidValue,
  KINDS,
  LimitExceeded,
  lwwRegister,
  mergeDocumentDelta,
  observe,
  type Path,
  purgeDocument,
  remainingIn,
  UndoHistory,
  writeAgain,
} from "@syncline/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CASES } from "./cases.js";
import { draws } from "./share.js";
import { expectBytes, expectEqual, NAME, steps, unwrap, World, withChecksum } from "./world.js";

const RUNS = Number(process.env.SYNCLINE_HOSTILE ?? 0);
/** A long run takes as long as it takes. */
const TIMEOUT = RUNS > 0 ? 0 : 240_000;
const runs = (usual: number): number => RUNS || draws(usual);

/** Draws from what fast-check has drawn, so that a failure is drawn again. */
class Draws {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  /** From 0 on, below this. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  chance(of: number): boolean {
    return this.below(of) === 0;
  }
}

const isDot = (value: unknown): value is Dot =>
  typeof value === "object" && value !== null && "author" in value && "counter" in value;
const byDot = (a: Dot, b: Dot): number => a.author - b.author || a.counter - b.counter;

/** The op with other dots in it: of others, of the future, of what never was, several of them, or none. */
function scrambled(value: unknown, draw: Draws, dots: readonly Dot[]): unknown {
  if (value instanceof Uint8Array || typeof value === "string") return value;
  if (typeof value === "number") return draw.chance(6) ? draw.below(5) - 1 : value;
  if (isDot(value)) return draw.chance(2) ? draw.pick(dots) : value;
  if (Array.isArray(value)) {
    if (value.length > 0 && !isDot(value[0]))
      return draw.chance(4) ? [...value, ...value] : value.map((each) => scrambled(each, draw, dots));
    const some = [...value, ...Array.from({ length: draw.below(3) }, () => draw.pick(dots))];
    const unique = new Map(some.map((dot) => [`${dot.author}:${dot.counter}`, dot]));
    return [...unique.values()].filter(() => !draw.chance(4)).sort(byDot);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, scrambled(each, draw, dots)]));
}

const OWN: readonly Path[] = [
  [{ name: "~deleted", kind: KINDS.register }],
  [{ name: "~lost", kind: KINDS.set }],
  [{ name: "~deleted", kind: KINDS.list }],
  [
    { name: "~lost", kind: KINDS.map },
    { name: "x", kind: KINDS.register },
  ],
  [{ name: "~else", kind: KINDS.counter }],
];
const SEVEN = 7;

/** A change that nobody of ours would make. Undefined where even we would not write it. */
function hostileChange(
  held: Document,
  ops: readonly Placed[],
  author: number,
  draw: Draws,
): Change | undefined {
  const first = held.counter(author) + 1;
  const dots: Dot[] = [
    { author, counter: first },
    { author, counter: Math.max(1, first - 1) },
  ];
  for (const { author: other, counter } of held.seen())
    dots.push({ author: other, counter: 1 + draw.below(counter) }, { author: other, counter });
  dots.push({ author: SEVEN, counter: 1 }, { author: 1, counter: held.counter(1) + 1 + draw.below(2) });
  const paths: Path[] = [];
  const made: ChangeOp[] = [];
  for (let left = 1 + draw.below(4); left > 0; left--) {
    const { path: at, op } = draw.pick(ops);
    const alike = ops.filter((each) => each.path.at(-1)!.kind === at.at(-1)!.kind);
    const own = OWN.filter((path) => path.at(-1)!.kind === at.at(-1)!.kind);
    const path =
      own.length > 0 && draw.chance(4) ? draw.pick(own) : draw.chance(2) ? draw.pick(alike).path : at;
    let index = paths.findIndex((each) => JSON.stringify(each) === JSON.stringify(path));
    if (index < 0) index = paths.push(path) - 1;
    made.push({ path: index, op: scrambled(op, draw, dots) as ChangeOp["op"] });
  }
  const observed = new Map(held.frontier().map((dot) => [dot.author, dot]));
  if (draw.chance(3)) observed.clear();
  observed.delete(author);
  const stamp = draw.pick([0, 1, 3, 2 ** 40, Number.MAX_SAFE_INTEGER]);
  try {
    const draft = {
      document: NAME,
      author,
      first,
      stamp,
      observed: [...observed.values()],
      paths,
      ops: made,
    };
    return createChange(draft);
  } catch (error) {
    if (error instanceof InvalidValue || error instanceof LimitExceeded || error instanceof BrokenInvariant)
      return undefined;
    // A writer of ours may fail at what is no op at all, too; nobody has read it yet.
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Placed {
  readonly path: Path;
  readonly op: ChangeOp["op"];
}

const placed = (changes: readonly Change[]): Placed[] =>
  changes.flatMap(({ paths, ops }) =>
    ops.flatMap(({ path, op }) => (op.act === "opaque" ? [] : [{ path: paths[path]!, op }])),
  );

const isReady = (document: Document, change: Change): boolean =>
  change.first === document.counter(change.author) + 1 &&
  change.observed.every((dot) => document.counter(dot.author) >= dot.counter);

/** All that anybody does with a document, none of which may fail. */
function used(document: Document, draw: Draws): void {
  const state = document.encodeState();
  expectBytes(unwrap(Document.decodeState(state)).encodeState(), state);
  expectBytes(document.clone().encodeState(), state);
  digestOf(document);
  shown(document);
  remainingIn(document);
  const own = document.clone();
  const stop = observe(own, (event) => void event.changes);
  const undo = new UndoHistory(9);
  undo.follow(own);
  const before = unwrap(Document.decodeState(state));
  const write = (stamp: number, mutate: Parameters<Document["transact"]>[1], asIs = false): void => {
    const change = own.transact({ author: 9, stamp, asIs }, mutate);
    if (change !== undefined) before.apply(unwrap(decodeChange(change.bytes)));
  };
  const once = (mutate: Parameters<Document["transact"]>[1]): void => write(6, mutate);
  for (const each of CASES)
    write(5, (draft) => {
      each.withType((type, perform) => {
        for (const act of [
          draw.pick(each.alphabet),
          draw.pick(each.more.length > 0 ? each.more : each.alphabet),
        ])
          perform(draft.at(draw.pick(["a", "b"]), type), act);
      });
    });
  for (const conflict of conflictsOf(own)) {
    if (!canWriteAgain(conflict)) continue;
    try {
      write(6, (draft) => writeAgain(draft, conflict));
    } catch (error) {
      // Where a hostile program says that something was lost there may be nothing.
      if (!(error instanceof InvalidValue)) throw error;
    }
  }
  for (const back of [() => undo.undo(once), () => undo.undo(once), () => undo.redo(once)]) back();
  write(7, (draft) => draft.deleteDocument());
  write(8, (draft) => draft.restoreDocument(), true);
  write(9, (draft) => draft.at("a", lwwRegister).clear());
  expectBytes(before.encodeState(), own.encodeState());
  write(10, purgeDocument);
  expect(remainingIn(own).filter((name) => name === "~lost")).toEqual([]);
  stop();
  differences(document, own);
}

/** What is shown, if it is not more than a number can say. */
function shown(document: Document): unknown {
  try {
    conflictsOf(document);
    return [document.toJSON(), document.kinds()];
  } catch (error) {
    if (error instanceof CounterOverflow) return "overflow";
    throw error;
  }
}

test("changes whose ops speak of what is not theirs, not there, or not yet are harmless, and the same to all", {
  timeout: TIMEOUT,
}, () => {
  let [made, refused] = [0, 0];
  fc.assert(
    fc.property(steps, fc.integer(), (history, seed) => {
      const draw = new Draws(seed);
      const world = new World(3);
      for (const step of history) world.step(step);
      const pool = placed([...world.made.values()].map(({ change }) => change));
      if (pool.length === 0) return;
      // What is honest first, as each has it; then hostile changes among them, in other orders.
      const documents = world.documents.map((document) => document.clone());
      const changes = [...world.made.values()].map(({ change }) => change);
      const mallory = documents[0]!.clone();
      for (let left = 3 + draw.below(4); left > 0; left--) {
        const author = draw.pick([50, 51, 52]);
        // Two changes of the same dots are told apart where they are admitted, not here.
        const isBlocked = changes.some(
          (each) => each.author === author && each.last > mallory.counter(author),
        );
        const change = isBlocked ? undefined : hostileChange(mallory, pool, author, draw);
        if (change === undefined) continue;
        const decoded = decodeChange(change.bytes);
        if (!decoded.ok) {
          refused += 1;
          continue;
        }
        const read = decoded.value;
        expectEqual(read.ops, change.ops);
        changes.push(read);
        made += 1;
        if (isReady(mallory, read)) mallory.apply(read);
        if (draw.chance(3)) {
          // Somebody honest who has seen it goes on.
          const next = mallory.transact({ author: 60, stamp: 2 }, (draft) => {
            const each = draw.pick(CASES);
            each.withType((type, perform) => perform(draft.at("a", type), draw.pick(each.alphabet)));
          });
          if (next !== undefined) changes.push(unwrap(decodeChange(next.bytes)));
        }
      }
      for (const [at, document] of documents.entries()) {
        for (let rounds = 0; rounds < changes.length; rounds++) {
          const ready = changes.filter((change) => isReady(document, change));
          if (ready.length === 0) break;
          const change = at === 0 ? ready[0]! : at === 1 ? ready.at(-1)! : draw.pick(ready);
          document.apply(change);
          if (draw.chance(8)) {
            const other = draw.pick(documents);
            if (other === document) continue;
            const joined = document.clone();
            joined.merge(unwrap(Document.decodeState(other.encodeState())));
            const byDelta = document.clone();
            unwrap(mergeDocumentDelta(byDelta, documentDeltaSince(other, documentVersion(document))));
            expectBytes(byDelta.encodeState(), joined.encodeState());
            document.merge(other);
          }
        }
        for (const change of changes) {
          if (isReady(document, change)) continue;
          const state = document.encodeState();
          expect(() => document.apply(change)).toThrow(BrokenInvariant);
          expectBytes(document.encodeState(), state);
        }
      }
      const [one, two, three] = documents;
      for (const other of [two!, three!]) expectBytes(other.encodeState(), one!.encodeState());
      used(one!, draw);
    }),
    { numRuns: runs(25) },
  );
  expect(made).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(0);
});

/** Bytes with some of them changed, left out, or taken from elsewhere in them, under a checksum that is right. */
function bent(bytes: Uint8Array, draw: Draws): Uint8Array {
  const body = [...bytes.subarray(0, -4)];
  for (let left = 1 + draw.below(3); left > 0 && body.length > 1; left--) {
    const at = draw.below(body.length);
    const from = draw.below(body.length);
    const some = body.slice(from, from + 1 + draw.below(6));
    if (draw.chance(2))
      body[at] = draw.pick([0, 1, 2, 3, 5, 64, 65, 127, (body[at]! + 1) & 255, (body[at]! + 255) & 255]);
    else body.splice(at, draw.below(4), ...(draw.chance(2) ? some : []));
  }
  return withChecksum(Uint8Array.from(body));
}

test("states, deltas and changes of which some bytes are others are faults, or good for all that states are", {
  timeout: TIMEOUT,
}, () => {
  const tally = { faults: 0, states: 0, deltas: 0, changes: 0 };
  fc.assert(
    fc.property(steps, fc.integer(), (history, seed) => {
      const draw = new Draws(seed);
      const world = new World(3);
      for (const step of history) world.step(step);
      const [one, two] = world.documents;
      const [state, honest] = [one!.encodeState(), two!.encodeState()];
      const changes = [...world.made.values()].map(({ change }) => change);
      for (let left = 12; left > 0; left--) {
        const wrong = Document.decodeState(bent(state, draw));
        if (!wrong.ok) tally.faults += 1;
        else if (wrong.value.name.key === NAME.key && wrong.value.name.collection === NAME.collection) {
          tally.states += 1;
          used(wrong.value, draw);
          // A state that lies is believed, which is why nodes take states from members only; nobody fails by taking it in.
          const taker = two!.clone();
          taker.merge(wrong.value);
          shown(taker);
        }
        const delta = bent(
          documentDeltaSince(one!, documentVersion(draw.chance(2) ? two! : new Document(NAME))),
          draw,
        );
        const taker = two!.clone();
        const arrival = mergeDocumentDelta(taker, delta);
        if (!arrival.ok || arrival.value !== "applied") {
          tally.faults += 1;
          expectBytes(taker.encodeState(), honest);
        } else {
          tally.deltas += 1;
          shown(taker);
        }
        if (changes.length === 0) continue;
        const change = decodeChange(bent(draw.pick(changes).bytes, draw));
        if (!change.ok) tally.faults += 1;
        else {
          expectBytes(createChange(change.value).bytes, change.value.bytes);
          const at = [...world.documents, new Document(change.value.document)]
            .find(
              (each) =>
                documentId(each.name) === documentId(change.value.document) && isReady(each, change.value),
            )
            ?.clone();
          if (at === undefined) continue;
          tally.changes += 1;
          at.apply(change.value);
          used(at, draw);
        }
      }
    }),
    { numRuns: runs(8) },
  );
  for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(0);
});
