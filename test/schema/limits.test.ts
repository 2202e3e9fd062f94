/** How much a schema may have, and how much of it may change at once. */
import { Document, lwwRegister, orMap } from "@syncline/core";
import { alterSchema, Catalog, readStatements, SCHEMA, type Statement } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { expect, test } from "vitest";

test("a schema has up to schemaThingsMax collections and fields", () => {
  const document = new Document(SCHEMA);
  // As somebody may have written it who keeps to no limit.
  const alter = (stamp: number, ...statements: Statement[]) =>
    document.transact({ author: 1, stamp }, (draft) => alterSchema(draft, statements, { seen: [] }));
  alter(1, { do: "create", collection: "a" });
  for (let at = 1; at < LIMITS.schemaThingsMax; at += 500) {
    document.transact({ author: 1, stamp: 2 }, (draft) => {
      for (let i = at; i < Math.min(at + 500, LIMITS.schemaThingsMax - 1); i++)
        draft.at("fields", orMap).at(`a/f${i}@counter`, orMap).at("made", lwwRegister).set(i);
    });
  }
  const add = (field: string) => () =>
    alter(3, { do: "add", collection: "a", field, is: { kind: "counter", types: [] } });
  add("last")();
  expect(new Catalog(document).named("a")?.fields).toHaveLength(LIMITS.schemaThingsMax - 1);
  expect(add("more")).toThrow(/a schema has up to 5000 collections and fields/);
  expect(() => alter(3, { do: "create", collection: "b" })).toThrow(/a schema has up to 5000/);
});

test("up to schemaStatementsMax statements go together", () => {
  const many = Array.from({ length: LIMITS.schemaStatementsMax + 1 }, () => ({
    do: "create",
    collection: "a",
  }));
  expect(readStatements(many.slice(1))).toHaveLength(LIMITS.schemaStatementsMax);
  expect(readStatements(many)).toBe("501 statements; up to 500 go together");
});
