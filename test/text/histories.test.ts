import {
  type Change,
  Document,
  decodeChange,
  KINDS,
  type TextState,
  type TransactionOrigin,
  textLog,
} from "@syncline/core";
import { applyAll, shownText, touchedRoots } from "@syncline/text";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";

/**
 * Random histories of people who type, held against an executable specification after every step: a fresh Y.Doc that
 * takes every update by itself, in the order in which its changes were made. What Yjs makes of concurrent text is
 * Yjs' own affair; that everybody who holds the same changes shows exactly that is ours.
 */
const NAME = { collection: "notes", key: "n" };
const ROOTS = ["notes", "title"] as const;

interface Edit {
  readonly root: number;
  readonly at: number;
  readonly removed: number;
  readonly added: string;
}

type Step =
  | { readonly do: "type"; readonly who: number; readonly edits: readonly Edit[] }
  | { readonly do: "deliver"; readonly to: number; readonly pick: number }
  | { readonly do: "merge"; readonly to: number; readonly from: number }
  | { readonly do: "reload"; readonly who: number; readonly how: "state" | "clone" }
  | { readonly do: "fold"; readonly who: number };

class World {
  readonly documents = [0, 1, 2].map(() => new Document(NAME));
  readonly made: Change[] = [];
  readonly tally = new Map<string, number>();
  #stamp = 1;

  step(step: Step): void {
    this.tally.set(step.do, (this.tally.get(step.do) ?? 0) + 1);
    if (step.do === "type") this.#type(step.who % 3, step.edits);
    else if (step.do === "deliver") this.#deliver(step.to % 3, step.pick);
    else if (step.do === "merge") this.documents[step.to % 3]!.merge(this.documents[step.from % 3]!);
    else if (step.do === "fold") for (const [, state] of this.#texts(step.who % 3)) state.fold();
    else {
      const document = this.documents[step.who % 3]!;
      const copy =
        step.how === "clone" ? document.clone() : unwrap(Document.decodeState(document.encodeState()));
      this.documents[step.who % 3] = copy;
    }
    this.documents.forEach((document) => {
      expect(document.toJSON()).toEqual(specified(this.#heldBy(document)));
    });
  }

  settle(): void {
    for (let to = 0; to < 3; to++) {
      for (const change of this.made)
        if (!holds(this.documents[to]!, change)) this.documents[to]!.apply(change);
    }
    const [first, ...others] = this.documents.map((document) => document.encodeState());
    for (const other of others) expect(Buffer.compare(other, first!)).toBe(0);
  }

  #type(who: number, edits: readonly Edit[]): void {
    const document = this.documents[who]!;
    const doc = new Y.Doc();
    applyAll(
      doc,
      this.#texts(who).flatMap(([, state]) => state.updates()),
    );
    // One Yjs client for each person, as long as nothing is missing that it has made before.
    doc.clientID = 100 + who;
    let edited: { update: Uint8Array; roots: string[] } | undefined;
    doc.on("update", (update: Uint8Array, _o: unknown, _d: Y.Doc, transaction: Y.Transaction) => {
      edited = { update, roots: touchedRoots(transaction) };
    });
    doc.transact(() => {
      for (const { root, at, removed, added } of edits) {
        const text = doc.getText(ROOTS[root % 2]!);
        const index = at % (text.length + 1);
        text.delete(index, Math.min(removed, text.length - index));
        text.insert(index, added);
      }
    });
    const made = edited;
    if (made === undefined) return;
    const by: TransactionOrigin = { author: who + 1, stamp: this.#stamp++ };
    const change = document.transact(by, (draft) => {
      for (const name of made.roots)
        draft.at(name, textLog).bring(name === made.roots[0] ? made.update : new Uint8Array([0, 0]));
    });
    if (change !== undefined) this.made.push(unwrap(decodeChange(change.bytes)));
  }

  #deliver(to: number, pick: number): void {
    const document = this.documents[to]!;
    const ready = this.made.filter(
      (change) =>
        document.counter(change.author) === change.first - 1 &&
        change.observed.every(({ author, counter }) => document.counter(author) >= counter),
    );
    if (ready.length > 0) document.apply(ready[pick % ready.length]!);
  }

  #heldBy(document: Document): Change[] {
    return this.made.filter((change) => holds(document, change));
  }

  #texts(who: number): [string, TextState][] {
    return this.documents[who]!.all(textLog);
  }
}

/** `made` is a causal order, so any part of it is one too. */
function specified(changes: readonly Change[]): Record<string, string> {
  const doc = new Y.Doc();
  const names = new Set<string>();
  for (const { ops, paths } of changes) {
    for (const { path, op } of ops) {
      if (op.act !== "text") throw new Error(`an op ${op.act}`);
      expect(paths[path]![0]!.kind).toBe(KINDS.text);
      names.add(paths[path]![0]!.name);
      Y.applyUpdate(doc, op.update);
      expect(doc.store.pendingStructs).toBe(null);
      expect(doc.store.pendingDs).toBe(null);
    }
  }
  return Object.fromEntries([...names].map((name) => [name, shownText(doc, name)]));
}

const holds = (document: Document, change: Change): boolean => document.counter(change.author) >= change.last;

function unwrap<T>(result: { ok: true; value: T } | { ok: false; fault: { reason: string } }): T {
  if (!result.ok) throw new Error(result.fault.reason);
  return result.value;
}

const nat = fc.nat({ max: 1_000 });
const edit: fc.Arbitrary<Edit> = fc.record({
  root: fc.nat({ max: 1 }),
  at: nat,
  removed: fc.nat({ max: 3 }),
  added: fc.constantFrom("", "a", "bc", "ü", "😀", "\n", "hello "),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("type" as const),
      who: nat,
      edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver" as const), to: nat, pick: nat }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("merge" as const), to: nat, from: nat }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reload" as const),
      who: nat,
      how: fc.constantFrom("state" as const, "clone" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fold" as const), who: nat }) },
);

test("every replica shows what Yjs makes of the changes it holds, and equal ones have the same bytes", () => {
  const tally = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const world = new World();
      for (const each of steps) world.step(each);
      world.settle();
      for (const [what, times] of world.tally) tally.set(what, (tally.get(what) ?? 0) + times);
      tally.set("changes", (tally.get("changes") ?? 0) + world.made.length);
    }),
    { numRuns: 150 },
  );
  for (const what of ["type", "deliver", "merge", "reload", "fold", "changes"]) {
    expect(tally.get(what) ?? 0, what).toBeGreaterThan(50);
  }
});
