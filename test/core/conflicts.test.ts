/** What a resolution hides is told, the same by everybody who holds the same changes; deleted documents show nothing. */
import {
  type Change,
  CORE_LIMITS,
  canWriteAgain,
  conflictsOf,
  Document,
  type Draft,
  decodeChange,
  deletionsIn,
  dwFlag,
  ewFlag,
  gCounter,
  gSet,
  hasConflicts,
  InvalidValue,
  KINDS,
  kwMap,
  list,
  lostIn,
  lwwRegister,
  type MapDraft,
  orMap,
  orSet,
  pnCounter,
  record,
  rwMap,
  rwSet,
  writeAgain,
} from "@syncline/core";
import { documentJson, specifiedConflicts } from "@syncline/simulation";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { draws, often } from "./share.js";
import { unwrap } from "./world.js";

const NAME = { collection: "boards", key: "roadmap" };

/** A document, and the changes it holds. */
class Replica {
  document = new Document(NAME);
  changes: Change[] = [];

  constructor(readonly author: number) {}

  write(mutate: (draft: Draft) => void, asIs = false, stamp = 10 + this.changes.length): void {
    const change = this.document.transact({ author: this.author, stamp, asIs }, mutate);
    if (change !== undefined) this.changes.push(unwrap(decodeChange(change.bytes)));
  }

  lacks(other: Replica): Change[] {
    return other.changes.filter(
      (change) =>
        this.document.counter(change.author) === change.first - 1 &&
        change.observed.every((dot) => this.document.counter(dot.author) >= dot.counter),
    );
  }

  take(change: Change): void {
    this.document.apply(change);
    this.changes.push(change);
  }

  takeAll(other: Replica): void {
    for (let news = this.lacks(other); news.length > 0; news = this.lacks(other)) this.take(news[0]!);
  }

  merge(other: Replica): void {
    this.document.merge(unwrap(Document.decodeState(other.document.encodeState())));
    const have = new Set(this.changes.map(({ author, first }) => `${author}:${first}`));
    this.changes.push(...other.changes.filter(({ author, first }) => !have.has(`${author}:${first}`)));
  }

  get told(): string[] {
    const lines = conflictsOf(this.document).map(
      ({ type, field, losers: [loser] }) => `${type} ${field} ${loser!.dot.author}:${loser!.dot.counter}`,
    );
    return lines.sort();
  }
}

/** What is done under a key that may have been removed: with values that can be written again, and without. */
const DOINGS: readonly ((card: Pick<MapDraft, "at" | "create">) => void)[] = [
  (card) => card.create(),
  (card) => card.at("tags", orSet).add("x"),
  (card) => card.at("tags", orSet).add("y"),
  (card) => card.at("tags", orSet).remove("x"),
  (card) => card.at("tags", orSet).clear(),
  (card) => card.at("done", rwSet).add("x"),
  (card) => card.at("done", rwSet).remove("x"),
  (card) => card.at("done", rwSet).clear(),
  (card) => card.at("on", ewFlag).enable(),
  (card) => card.at("on", ewFlag).disable(),
  (card) => card.at("off", dwFlag).enable(),
  (card) => card.at("off", dwFlag).disable(),
  (card) => card.at("votes", pnCounter).increment(),
  (card) => card.at("votes", pnCounter).decrement(),
  (card) => card.at("votes", pnCounter).reset(),
  (card) => card.at("views", gCounter).increment(),
  (card) => card.at("names", gSet).add("x"),
  (card) => card.at("items", list).insert(0, "x"),
  (card) => {
    const items = card.at("items", list);
    if (items.length > 0) items.delete(items.length - 1);
  },
  (card) => {
    const items = card.at("items", list);
    if (items.length > 1) items.move(0, 1);
  },
  (card) => card.at("items", list).clear(),
  (card) => card.at("inner", kwMap).create(),
  (card) => card.at("inner", kwMap).at("t", lwwRegister).set("x"),
  (card) => card.at("inner", kwMap).delete("t"),
];

const WITH_VALUES: readonly number[] = [
  KINDS.register,
  KINDS.set,
  KINDS["remove-set"],
  KINDS.flag,
  KINDS["disable-flag"],
  KINDS.list,
];

const at = fc.nat(2);
const value = fc.nat(2);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("set"), at, value }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("inside"), at, value }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear"), at, value }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("card"), at, value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop"), at, value }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("again"), at, value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete"), at, value }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore"), at, value }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("deliver"), at, value: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("merge"), at, value }) },
);

/** Mostly what removals of one key outdo. */
const removing = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("things"), at, value: fc.nat(DOINGS.length - 1) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("drop"), at, value }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("again"), at, value: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver"), at, value: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("merge"), at, value }) },
);

test("random histories: what is told and shown is what was specified, at every replica, after every step (I5)", () => {
  const tally = new Map<string, number>();
  const lengths = { minLength: 15, maxLength: 50 };
  fc.assert(
    fc.property(fc.oneof(fc.array(step, lengths), fc.array(removing, lengths)), (steps) => {
      const replicas = [1, 2, 3].map((author) => new Replica(author));
      for (const { do: what, at, value } of steps) {
        const replica = replicas[at]!;
        const other = replicas[(at + 1 + (value % 2)) % 3]!;
        if (what === "set") replica.write((draft) => draft.register("title").set(value));
        if (what === "clear") replica.write((draft) => draft.register("title").clear());
        if (what === "inside") replica.write((draft) => draft.at("m", orMap).at("k", lwwRegister).set(value));
        if (what === "card")
          replica.write((draft) =>
            draft
              .at("r", rwMap)
              .at("k", record)
              .at(`t${value % 2}`, lwwRegister)
              .set(value),
          );
        if (what === "things")
          replica.write((draft) => {
            const card = draft.at("r", rwMap).at("k", record);
            DOINGS[value]!(card);
          });
        if (what === "drop") replica.write((draft) => draft.at("r", rwMap).delete("k"));
        if (what === "again") {
          const told = conflictsOf(replica.document).filter(canWriteAgain);
          if (told.length > 0) replica.write((draft) => writeAgain(draft, told[value % told.length]!));
        }
        if (what === "delete") replica.write((draft) => draft.deleteDocument(), true);
        if (what === "restore") replica.write((draft) => draft.restoreDocument(), true);
        if (what === "merge") replica.merge(other);
        const news = what === "deliver" ? replica.lacks(other) : [];
        if (news.length > 0) replica.take(news[value % news.length]!);
        expect(replica.told).toEqual(specifiedConflicts(replica.changes));
        expect(replica.document.toJSON()).toEqual(documentJson(replica.changes));
        for (const { type, path, losers } of conflictsOf(replica.document))
          if (type === "update_delete" && path[0]!.kind === KINDS["remove-map"]) {
            const { kind } = path.at(-1)!;
            tally.set(`kind ${kind}`, (tally.get(`kind ${kind}`) ?? 0) + 1);
            expect([kind, losers[0]!.value !== undefined]).toEqual([kind, WITH_VALUES.includes(kind)]);
          }
        for (const line of replica.told)
          tally.set(line.split(" ")[0]!, (tally.get(line.split(" ")[0]!) ?? 0) + 1);
        if (replica.document.isDeleted) tally.set("deleted", (tally.get("deleted") ?? 0) + 1);
      }
      for (const one of replicas) for (const other of replicas) one.merge(other);
      const ids = replicas.map(({ document }) => JSON.stringify(conflictsOf(document)));
      expect(new Set(ids).size).toBe(1);
    }),
    { numRuns: draws(300) },
  );
  for (const what of ["concurrent_update", "update_delete", "write_to_dropped", "deleted"])
    expect(tally.get(what) ?? 0, what).toBeGreaterThan(often(20));
  for (const kind of [...WITH_VALUES, KINDS.record, KINDS["keep-map"], KINDS.counter, KINDS["grow-counter"]])
    expect(tally.get(`kind ${kind}`) ?? 0, `kind ${kind}`).toBeGreaterThan(often(5));
});

describe("stories", () => {
  const two = (): [Replica, Replica] => [new Replica(1), new Replica(2)];

  test("the one who writes next saves what he was never shown", () => {
    const [ann, bob] = two();
    ann.write((draft) => draft.register("title").set("Ann's"));
    bob.write((draft) => draft.register("title").set("Bob's"));
    ann.takeAll(bob);
    const [open] = conflictsOf(ann.document);
    expect(open).toMatchObject({
      type: "concurrent_update",
      document: "boards/roadmap",
      field: "title",
      winner: { value: "Bob's" },
      losers: [{ value: "Ann's" }],
    });
    ann.write((draft) => draft.register("title").set("ours"));
    const [closed] = conflictsOf(ann.document);
    expect(closed).toEqual(open);
    expect(ann.document.toJSON()).toEqual({ title: "ours" });
  });

  test("a change that is made again elsewhere tells of what it replaces there, and of nothing else", () => {
    const [ann, bob] = two();
    ann.write((draft) => draft.register("title").set("Ann's"));
    bob.write((draft) => draft.register("title").set("Bob's"));
    ann.takeAll(bob);
    ann.write((draft) => draft.register("title").set("ours"));
    const resolving = ann.changes.at(-1)!;
    const carol = new Replica(3);
    carol.write((draft) => draft.repeat(resolving));
    expect(carol.document.toJSON()).toEqual({ title: "ours" });
    expect(conflictsOf(carol.document)).toEqual([]);
  });

  test("what is written while another one deletes is hidden, told, and comes back", () => {
    const [ann, bob] = two();
    ann.write((draft) => draft.register("title").set("a"));
    bob.takeAll(ann);
    ann.write((draft) => draft.deleteDocument());
    bob.write((draft) => draft.counter("votes").increment());
    ann.takeAll(bob);
    bob.takeAll(ann);
    for (const { document } of [ann, bob]) {
      expect([document.isDeleted, document.toJSON(), document.kinds()]).toEqual([true, {}, {}]);
      expect(document.register("title").value).toBeUndefined();
      const [conflict, ...others] = conflictsOf(document);
      // Nothing that could be written again at a single place.
      expect(conflict).toMatchObject({ type: "write_to_dropped", field: "", path: [] });
      expect(conflict!.losers).toEqual([{ dot: { author: 2, counter: 1 } }]);
      expect(others).toEqual([]);
    }
    bob.write((draft) => draft.restoreDocument(), true);
    expect(bob.document.toJSON()).toEqual({ title: "a", votes: 1 });
    expect(conflictsOf(bob.document)).toEqual([]);
  });

  test("two who delete at the same time are in no conflict, but for what one of them wrote before, unseen", () => {
    const [ann, bob] = two();
    ann.write((draft) => draft.register("title").set("a"));
    bob.takeAll(ann);
    for (const each of [ann, bob]) each.write((draft) => draft.deleteDocument());
    ann.takeAll(bob);
    bob.takeAll(ann);
    for (const { document } of [ann, bob])
      expect([document.isDeleted, conflictsOf(document), hasConflicts(document)]).toEqual([true, [], false]);

    const [cleo, dan] = [new Replica(3), new Replica(4)];
    cleo.takeAll(ann);
    cleo.write((draft) => draft.restoreDocument(), true);
    dan.takeAll(cleo);
    cleo.write((draft) => draft.deleteDocument());
    dan.write((draft) => draft.counter("votes").increment());
    dan.write((draft) => draft.deleteDocument());
    cleo.takeAll(dan);
    expect(cleo.told).toEqual(["write_to_dropped  4:1"]);
  });

  test("what is in conflict in a deleted document is not told, and there is something to be told when it comes back", () => {
    const [ann, bob] = two();
    expect(hasConflicts(ann.document)).toBe(false);
    ann.write((draft) => draft.register("title").set("a"));
    bob.write((draft) => draft.register("title").set("b"));
    ann.takeAll(bob);
    expect([conflictsOf(ann.document).length, hasConflicts(ann.document)]).toEqual([1, true]);
    ann.write((draft) => draft.deleteDocument());
    expect([conflictsOf(ann.document).length, hasConflicts(ann.document)]).toEqual([0, true]);
    ann.write((draft) => draft.restoreDocument(), true);
    expect([conflictsOf(ann.document).length, hasConflicts(ann.document)]).toEqual([1, true]);
  });

  test("who writes to a document that he sees deleted begins a new one, in one change", () => {
    const [ann] = two();
    ann.write((draft) => {
      draft.register("title").set("old");
      draft.set("tags").add("old");
      draft.at("m", orMap).at("k", lwwRegister).set("old");
    });
    ann.write((draft) => draft.deleteDocument());
    const before = ann.document.encodeState();
    ann.write(() => {});
    ann.write((draft) => draft.register("title").clear());
    expect(ann.document.encodeState()).toEqual(before);
    ann.write((draft) => {
      expect(draft.register("title").value).toBeUndefined();
      draft.counter("votes").increment();
    });
    expect(ann.document.toJSON()).toEqual({ tags: [], votes: 1 });
    expect(ann.changes).toHaveLength(3);
  });

  test("an addition that a removal at the same time has undone is told", () => {
    const [ann, bob] = two();
    ann.write((draft) => draft.at("done", rwSet).add("x"));
    bob.takeAll(ann);
    ann.write((draft) => draft.at("done", rwSet).add("x"));
    bob.write((draft) => draft.at("done", rwSet).remove("x"));
    ann.takeAll(bob);
    bob.takeAll(ann);
    expect(conflictsOf(ann.document)).toMatchObject([{ type: "update_delete", losers: [{ value: "x" }] }]);
    expect(conflictsOf(bob.document)).toEqual(conflictsOf(ann.document));
  });

  test("a document remembers conflictsPerDocumentMax lost values, the newest", () => {
    const [ann, bob] = two();
    const max = CORE_LIMITS.conflictsPerDocumentMax;
    for (let i = 0; i < max + 5; i++) {
      ann.write((draft) => draft.register("title").set(`a${i}`), false, 8192 * i);
      bob.write((draft) => draft.register("title").set(`b${i}`), false, 8192 * i + 4096);
      ann.takeAll(bob);
      ann.write((draft) => draft.register("title").set(`ours${i}`), false, 8192 * i + 4096);
      bob.takeAll(ann);
    }
    const told = conflictsOf(ann.document);
    expect(told).toHaveLength(max);
    expect(told[0]?.losers[0]?.value).toBe("a5");
    expect(lostIn(ann.document)).toHaveLength(max);
  });

  test("who replaces more writes at once than are remembered puts all on the list, and takes the oldest off", () => {
    const ann = new Replica(1);
    const max = CORE_LIMITS.conflictsPerDocumentMax;
    const writers = 2 * max;
    // In disorder, so that the order of writing is not that of authors.
    const stampOf = (author: number): number => 8192 * (((author * 7) % writers) + 1);
    for (let author = 1; author <= writers; author++) {
      const origin = { author: author + 10, stamp: stampOf(author) };
      const change = new Document(NAME).transact(origin, (draft) =>
        draft.register("title").set(`w${author}`),
      );
      ann.take(unwrap(decodeChange(change!.bytes)));
    }
    ann.write((draft) => draft.register("title").set("all seen"), false, 8192 * (writers + 2));
    const stamps = lostIn(ann.document).map((lost) => (lost as { loser: number[] }).loser[2]!);
    // All but the shown one, the greatest, were lost.
    const newest = Array.from({ length: max }, (_, i) => 8192 * (writers - max + i));
    expect(stamps.sort((a, b) => a - b)).toEqual(newest);
  });

  test("conflicts of one moment stand in the order of their ids, others in that of their times", () => {
    const [ann, bob] = two();
    const fields = Array.from({ length: 12 }, (_, i) => `f${i}`);
    fields.forEach((field, i) => {
      for (const replica of [ann, bob])
        replica.write((draft) => draft.register(field).set(replica.author), false, 8192 * 4096 * (i % 3));
    });
    ann.takeAll(bob);
    const told = conflictsOf(ann.document);
    const places = told.map(({ at, id }) => `${at} ${id}`);
    expect(new Set(told.map(({ at }) => at)).size).toBe(3);
    expect(places).toEqual([...places].sort());
    expect(told.map(({ field }) => field)).not.toEqual(fields);
  });

  test("a deletion tells up to deletionAuthorsMax authors apart", () => {
    const [ann, bob] = two();
    for (let author = 1; author <= CORE_LIMITS.deletionAuthorsMax + 1; author++) {
      const change = new Document(NAME).transact({ author: author + 10, stamp: 1 }, (draft) => {
        draft.counter("votes").increment();
      });
      ann.take(unwrap(decodeChange(change!.bytes)));
    }
    const almost = new Document(NAME);
    for (const change of ann.changes.slice(1)) almost.apply(change);
    almost.transact({ author: 1, stamp: 1 }, (draft) => draft.deleteDocument());
    expect(deletionsIn(almost)[0]?.value).toHaveLength(CORE_LIMITS.deletionAuthorsMax);
    bob.write((draft) => draft.counter("votes").increment());
    ann.write((draft) => draft.deleteDocument());
    ann.takeAll(bob);
    expect(deletionsIn(ann.document)[0]?.value).toBeNull();
    expect(conflictsOf(ann.document)).toEqual([]);
  });

  test("a deletion that is made again says what is seen there", () => {
    const [ann, bob] = two();
    ann.write((draft) => draft.counter("votes").increment());
    ann.write((draft) => draft.deleteDocument());
    const refused = ann.changes[1]!;
    const again = new Replica(3);
    bob.write((draft) => draft.counter("votes").increment());
    again.take(ann.changes[0]!);
    again.takeAll(bob);
    again.write((draft) => draft.repeat(refused), true);
    expect(deletionsIn(again.document)[0]?.value).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(conflictsOf(again.document)).toEqual([]);
  });

  test("a loser is written again at its own place, whatever its containers are, and nowhere else", () => {
    const [ann, bob] = two();
    const places: ((draft: Draft) => Pick<MapDraft, "at">)[] = [
      (draft) => draft.at("cards", orMap).at("c1", record),
      (draft) => draft.at("cards", rwMap).at("c1", record),
      (draft) => draft.at("cards", record).at("c1", orMap),
    ];
    for (const replica of [ann, bob])
      replica.write((draft) => {
        for (const place of places) {
          place(draft).at("title", lwwRegister).set(`of ${replica.author}`);
          place(draft).at("tags", rwSet).add("x");
        }
      });
    bob.write((draft) => {
      for (const place of places) place(draft).at("tags", rwSet).remove("x");
    });
    ann.takeAll(bob);
    const before = conflictsOf(ann.document);
    expect(before.map(({ type }) => type).sort()).toEqual([
      ...places.map(() => "concurrent_update"),
      ...places.map(() => "update_delete"),
    ]);
    for (const conflict of before) ann.write((draft) => writeAgain(draft, conflict));
    const cards = ann.document.toJSON();
    for (const shown of [cards.cards, cards["cards@remove-map"], cards["cards@record"]])
      expect(shown).toEqual({ c1: { title: "of 1", tags: ["x"] } });
    expect(conflictsOf(ann.document).map(({ type }) => type)).not.toContain("update_delete");
  });

  test("the place of a conflict is what somebody wrote, and not believed", () => {
    const [ann] = two();
    ann.write((draft) => draft.register("title").set("a"));
    const sides = {
      winner: { dot: { author: 1, counter: 1 } },
      losers: [{ value: "b", dot: { author: 2, counter: 1 } }],
    };
    const about = { id: "1", document: "boards/roadmap", field: "title", dots: [], at: 1 };
    const register = { name: "title", kind: KINDS.register };
    for (const path of [
      [{ name: "~deleted", kind: KINDS.register }],
      [register, register],
      [{ name: "title", kind: KINDS.counter }],
      [{ name: "x".repeat(1000), kind: KINDS.register }],
      [{ name: "title", kind: 9_999 }],
    ]) {
      const conflict = { ...about, ...sides, type: "concurrent_update", path } as const;
      expect(canWriteAgain(conflict)).toBe(true);
      expect(() => ann.write((draft) => writeAgain(draft, conflict))).toThrow(InvalidValue);
    }
    const none = { ...about, ...sides, type: "type_conflict", path: [register] } as const;
    expect(canWriteAgain(none)).toBe(false);
    expect(() => ann.write((draft) => writeAgain(draft, none))).toThrow(/no value/);
    expect(ann.document.toJSON()).toEqual({ title: "a" });
  });

  test("names that begin with ~ are not for users", () => {
    const [ann] = two();
    expect(() => ann.write((draft) => draft.register("~deleted").set(1))).toThrow(/the document's own/);
    expect(() => ann.document.register("~lost")).toThrow(/the document's own/);
  });
});
