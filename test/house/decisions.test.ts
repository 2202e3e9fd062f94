/** The pages of docs/decisions: each has a number of its own, says it in its title, and is listed in order. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "..", "..", "docs", "decisions");
const pages = readdirSync(folder)
  .filter((name) => name !== "README.md")
  .sort();

test("each decision has a number of its own, and says it", () => {
  const numbers = pages.map((name) => name.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)]);
  for (const name of pages)
    expect(readFileSync(join(folder, name), "utf8").slice(0, 7)).toBe(`# ${name.slice(0, 4)} `);
});

test("the list has all of them, in order", () => {
  const list = readFileSync(join(folder, "README.md"), "utf8");
  expect([...list.matchAll(/^\| \[(\d{4})\]\(\1-([^)]+)\)/gm)].map(([, n, rest]) => `${n}-${rest}`)).toEqual(
    pages,
  );
});
