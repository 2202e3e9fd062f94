/** Every limit has a name, and a test that says it (I10): the next one is not forgotten. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "@syncline/protocol";
import { expect, test } from "vitest";

const TESTS = join(import.meta.dirname, "..");

test("each limit of the table is named in a test", () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".test.ts") && !file.includes("node_modules") && !file.startsWith("dist"),
  );
  expect(files.length).toBeGreaterThan(50);
  const texts = files.map((file) => readFileSync(join(TESTS, file), "utf8"));
  const unnamed = Object.keys(LIMITS).filter((name) => {
    const word = new RegExp(`\\b${name}\\b`);
    return !texts.some((text) => word.test(text));
  });
  expect(unnamed).toEqual([]);
});
