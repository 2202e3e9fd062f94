/** Undo and redo: one's own changes are taken back and made again, and nobody else's. */
import {
  type Change,
  Document,
  type Draft,
  dwFlag,
  ewFlag,
  gCounter,
  gSet,
  list,
  lwwRegister,
  orMap,
  pnCounter,
  record,
  rwMap,
  rwSet,
  UndoHistory,
  type Value,
} from "@syncline/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Act, CASES, type TypeCase } from "./cases.js";
import { draws, often } from "./share.js";
import { expectBytes, expectEqual, NAME } from "./world.js";

type Write = (draft: Draft) => void;

/** Somebody with a document and a history. */
class Person {
  readonly document = new Document(NAME);
  readonly history = new UndoHistory(100);
  readonly made: Change[] = [];

  constructor(readonly author: number) {
    this.history.follow(this.document);
  }

  write(mutate: Write): void {
    this.transact(mutate);
  }

  undo(): boolean {
    return this.history.undo((mutate) => this.transact(mutate));
  }

  redo(): boolean {
    return this.history.redo((mutate) => this.transact(mutate));
  }

  hear(other: Person): void {
    for (const change of other.made) {
      if (this.document.counter(change.author) < change.first) this.document.apply(change);
    }
  }

  private transact(mutate: Write): void {
    const change = this.document.transact({ author: this.author, stamp: 1 }, mutate);
    if (change !== undefined) this.made.push(change);
  }
}

const GROWING = ["grow-counter", "grow-set"];

describe.each(CASES.filter(({ kind }) => !GROWING.includes(kind)))("$kind", (each: TypeCase) => {
  const perform = (draft: Draft, act: TypeCase["alphabet"][number]): void =>
    each.withType((type, doIt) => doIt(draft.at("f", type), act));

  test("alone, undoing shows everything as it was, step by step, and redoing as it had become", () => {
    let undone = 0;
    // A sum that no one step can bring back stays taken away.
    const isSmall = ({ by = 0 }: Act): boolean => Math.abs(by) < 2 ** 20;
    const act = fc.constantFrom(...each.alphabet, ...each.more.filter(isSmall));
    fc.assert(
      fc.property(fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { maxLength: 8 }), (changes) => {
        const person = new Person(1);
        const look = (): string => withoutEmpty(person.document.toJSON());
        const shown = [look()];
        for (const acts of changes) {
          person.write((draft) => {
            for (const one of acts) perform(draft, one);
          });
          if (look() !== shown.at(-1)) shown.push(look());
        }
        for (let i = shown.length - 2; i >= 0; i--) {
          // What has changed nothing that is seen can be taken back too.
          while (look() !== shown[i] && person.undo());
          expectEqual(look(), shown[i]);
          undone++;
        }
        for (const later of shown.slice(1)) {
          while (look() !== later && person.redo());
          expectEqual(look(), later);
        }
      }),
      { numRuns: draws(100) },
    );
    expect(undone).toBeGreaterThan(often(50));
  });

  test("undoing everything among others leaves what they did as if one had done nothing", () => {
    const [mine, theirs] = [new Person(1), new Person(2)];
    // Both act without hearing of the other; nothing of theirs builds on mine.
    mine.write((draft) => perform(draft, each.alphabet[0]!));
    mine.write((draft) => perform(draft, each.alphabet.at(-1)!));
    theirs.write((draft) => perform(draft, each.alphabet[0]!));
    // What a removal has outdone is lost, also when the removal is taken back.
    const alone = each.kind === "remove-map" ? {} : theirs.document.toJSON();
    mine.hear(theirs);
    while (mine.undo());
    theirs.hear(mine);
    expectBytes(mine.document.encodeState(), theirs.document.encodeState());
    expect(mine.document.toJSON()).toEqual(alone);
  });
});

test("a register is put back only while one's own write wins", () => {
  const [mine, theirs] = [new Person(1), new Person(2)];
  theirs.write((draft) => draft.register("title").set("first"));
  mine.hear(theirs);
  mine.write((draft) => draft.register("title").set("mine"));
  theirs.hear(mine);
  theirs.write((draft) => draft.register("title").set("theirs"));
  mine.hear(theirs);
  expect(mine.undo()).toBe(false);
  expect(mine.document.toJSON()).toEqual({ title: "theirs" });
});

test("an element that somebody else has added too stays", () => {
  const [mine, theirs] = [new Person(1), new Person(2)];
  mine.write((draft) => draft.set("tags").add("x"));
  theirs.write((draft) => draft.set("tags").add("x"));
  mine.hear(theirs);
  expect(mine.undo()).toBe(true);
  expect(mine.document.toJSON()).toEqual({ tags: ["x"] });
});

test("steps of others stay in the sum, and a reset that is taken back brings only what it took", () => {
  const [mine, theirs] = [new Person(1), new Person(2)];
  mine.write((draft) => draft.counter("votes").increment(5));
  mine.write((draft) => draft.counter("votes").reset());
  theirs.write((draft) => draft.counter("votes").increment(3));
  mine.hear(theirs);
  expect(mine.document.toJSON()).toEqual({ votes: 3 });
  mine.undo();
  expect(mine.document.toJSON()).toEqual({ votes: 8 });
  mine.undo();
  expect(mine.document.toJSON()).toEqual({ votes: 3 });
  mine.redo();
  mine.redo();
  expect(mine.document.toJSON()).toEqual({ votes: 3 });
});

test("a key with everything in it comes back, and what others did to it meanwhile is there as well", () => {
  const [mine, theirs] = [new Person(1), new Person(2)];
  mine.write((draft) => {
    const card = draft.at("cards", orMap).at("c1", orMap);
    card.create();
    card.at("title", lwwRegister).set("Milk");
    card.at("votes", pnCounter).increment(2);
    card.at("tags", rwSet).add("x");
    card.at("on", ewFlag).enable();
    card.at("paid", dwFlag).enable();
    card.at("items", list).push("a", "b");
  });
  theirs.hear(mine);
  const whole = mine.document.toJSON();
  mine.write((draft) => draft.at("cards", orMap).delete("c1"));
  theirs.write((draft) => draft.at("cards", orMap).at("c1", orMap).at("items", list).insert(1, "new"));
  mine.undo();
  expect(mine.document.toJSON()).toEqual(whole);
  mine.hear(theirs);
  expect(mine.document.at("cards", orMap).at("c1", orMap).at("items", list).values).toEqual([
    "a",
    "new",
    "b",
  ]);
});

test("an element of a list that comes back is moved, deleted and put back again as itself", () => {
  const person = new Person(1);
  const shown = (): unknown => person.document.at("items", list).values;
  person.write((draft) => draft.at("items", list).push("a", "b", "c"));
  person.write((draft) => draft.at("items", list).move(0, 2));
  person.write((draft) => draft.at("items", list).delete(2));
  expect(shown()).toEqual(["b", "c"]);
  const steps = [["b", "c", "a"], ["a", "b", "c"], []];
  for (let round = 0; round < 3; round++) {
    for (const values of steps) {
      expect(person.undo()).toBe(true);
      expect(shown()).toEqual(values);
    }
    expect(person.undo()).toBe(false);
    for (const values of [
      ["a", "b", "c"],
      ["b", "c", "a"],
      ["b", "c"],
    ]) {
      expect(person.redo()).toBe(true);
      expect(shown()).toEqual(values);
    }
    expect(person.redo()).toBe(false);
  }
});

test("of a list one's undo leaves what others have done to the same element since", () => {
  const items = ({ document }: Person): unknown => document.at("items", list).values;
  const meet = (one: Person, other: Person): void => {
    one.hear(other);
    other.hear(one);
  };
  const [mine, theirs] = [new Person(1), new Person(2)];
  mine.write((draft) => draft.at("items", list).push("a", "b", "c"));
  meet(mine, theirs);
  mine.write((draft) => draft.at("items", list).move(0, 2));
  meet(mine, theirs);
  // Moved by somebody else since: it stays where it was put.
  theirs.write((draft) => draft.at("items", list).move(2, 1));
  meet(mine, theirs);
  expect(mine.undo()).toBe(true);
  expect(items(mine)).toEqual([]);
  // Deleted by somebody else since: there is nothing to take back, neither a move nor an insert.
  mine.write((draft) => draft.at("items", list).push("d", "e"));
  mine.write((draft) => draft.at("items", list).move(0, 1));
  meet(mine, theirs);
  theirs.write((draft) => draft.at("items", list).delete(1));
  meet(mine, theirs);
  expect(items(mine)).toEqual(["e"]);
  expect(mine.undo()).toBe(true);
  expect(items(mine)).toEqual([]);
  meet(mine, theirs);
  expectBytes(mine.document.encodeState(), theirs.document.encodeState());
});

test("a change after an undo ends what could be redone; only so many changes can be taken back; what grows stays", () => {
  const person = new Person(1);
  const { history } = person;
  expect([history.canUndo, history.canRedo]).toEqual([false, false]);
  person.write((draft) => {
    draft.at("n", gCounter).increment();
    draft.at("s", gSet).add("x");
  });
  expect(history.canUndo).toBe(false);
  for (let i = 0; i < 105; i++) person.write((draft) => draft.counter("votes").increment());
  person.undo();
  expect([history.canUndo, history.canRedo]).toEqual([true, true]);
  person.write((draft) => draft.counter("votes").increment());
  expect(history.canRedo).toBe(false);
  let undone = 0;
  while (person.undo()) undone++;
  expect(undone).toBe(100);
  expect(person.document.toJSON()).toEqual({ n: 1, s: ["x"], votes: 5 });
  history.end();
  expect([history.canUndo, history.canRedo]).toEqual([false, false]);
});

test("who has put back very many elements keeps what he does from then on", () => {
  const person = new Person(1);
  person.write((draft) => draft.at("items", list).push(...Array.from({ length: 2_600 }, (_, i) => i)));
  const clear = (): void => person.write((draft) => draft.at("items", list).clear());
  for (let round = 0; round < 4; round++) {
    clear();
    expect(person.undo()).toBe(true);
    expect(person.document.at("items", list).length).toBe(2_600);
  }
  person.write((draft) => draft.counter("votes").increment());
  expect(person.undo()).toBe(true);
  expect([person.history.canUndo, person.history.canRedo]).toEqual([false, true]);
  expect(person.document.at("items", list).values).toEqual(Array.from({ length: 2_600 }, (_, i) => i));
});

test("what cannot be made leaves the history as it is", () => {
  const person = new Person(1);
  person.write((draft) => draft.counter("votes").increment());
  const refuse = (): void => {
    throw new Error("full");
  };
  expect(() => person.history.undo(refuse)).toThrow("full");
  expect(person.history.canUndo).toBe(true);
  expect(person.undo()).toBe(true);
  expect(person.document.toJSON()).toEqual({ votes: 0 });
});

/** A field that was written to once shows what is empty for ever. */
function withoutEmpty({ f }: Record<string, Value>): string {
  const isEmpty = f === 0 || f === false || (Array.isArray(f) && f.length === 0);
  return JSON.stringify(isEmpty ? undefined : f) ?? "nothing";
}

test("an undo that fails halfway leaves all as it was, also where others have written at the same time", () => {
  const [ann, bob] = [new Person(1), new Person(2)];
  ann.write((draft) => {
    draft.register("title").set("old");
    draft.register("note").set("old");
    draft.set("tags").add("x");
    draft.at("on", ewFlag).enable();
    draft.at("off", dwFlag).enable();
    draft.at("done", rwSet).add("x");
    draft.at("items", list).push("a", "b");
    draft.counter("votes").increment(2);
  });
  bob.hear(ann);
  for (const person of [ann, bob])
    person.write((draft) => {
      draft.register("title").set(`of ${person.author}`);
      draft.register("note").clear();
      draft.register("note").set(`of ${person.author}`);
      draft.set("tags").remove("x");
      draft.set("tags").add(`of ${person.author}`);
      draft.at("on", ewFlag).disable();
      draft.at("off", dwFlag).disable();
      draft.at("done", rwSet).remove("x");
      draft.at("items", list).delete(0);
      draft.at("items", list).push(`of ${person.author}`);
      draft.counter("votes").reset();
    });
  ann.hear(bob);
  bob.hear(ann);
  for (const { document, history, author } of [ann, bob]) {
    let opCount = 0;
    const failing = (mutate: Write): void =>
      void document.transact({ author, stamp: 9 }, (draft) => {
        mutate(draft);
        opCount++;
        throw new Error("full");
      });
    const [before, shown] = [document.encodeState(), document.toJSON()];
    for (let round = 0; round < 2; round++) {
      expect(() => history.undo(failing)).toThrow("full");
      expect(document.toJSON()).toEqual(shown);
      expectBytes(document.encodeState(), before);
    }
    expect(opCount).toBe(2);
    history.undo((mutate) => void document.transact({ author, stamp: 9 }, mutate));
    const undone = document.encodeState();
    expect(Buffer.compare(undone, before)).not.toBe(0);
    expect(() => history.redo(failing)).toThrow("full");
    expectBytes(document.encodeState(), undone);
  }
});

test("of a record that both have created, and one has taken away and the other created again, there is nothing to take back", () => {
  const [mine, theirs] = [new Person(1), new Person(2)];
  const make = (draft: Draft): void => draft.at("card", record).create();
  mine.write(make);
  theirs.hear(mine);
  mine.write((draft) => draft.at("card", record).clear());
  theirs.hear(mine);
  theirs.write(make);
  mine.hear(theirs);
  // Neither the removal, since it is there, nor the creation, of which nothing stands.
  expect(mine.undo()).toBe(false);
  expect(mine.made).toHaveLength(2);
  expect(mine.document.toJSON()).toEqual({ card: {} });
});

test("a removal that is taken back takes nothing away that its maker has created since", () => {
  const [person, elsewhere] = [new Person(1), new Document(NAME)];
  const keys = (draft: Draft) => draft.at("keys", rwMap);
  person.write((draft) => keys(draft).at("k", lwwRegister).set("x"));
  person.write((draft) => keys(draft).delete("k"));
  // Not remembered: it is not to be taken back.
  person.history.follow(elsewhere);
  person.write((draft) => keys(draft).create());
  person.history.follow(person.document);
  expect(person.undo()).toBe(true);
  expect(person.document.toJSON()).toEqual({ keys: { k: "x" } });
  person.write((draft) => keys(draft).delete("k"));
  expect(person.document.toJSON()).toEqual({ keys: {} });
});
