/**
 * For every law three wrong variants, each of which that law must notice; docs/testing.md has the table of them, which
 * `SYNCLINE_WRITE=1 npx vitest run test/core/wrong.test.ts` makes anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CASES } from "./cases.js";
import { LAWS, LawBroken } from "./laws.js";
import { histories, record } from "./record.js";
import { WRONG, type Wrong } from "./wrong.js";

test.each(WRONG.map((wrong): [string, string, Wrong] => [wrong.kind, wrong.what, wrong]))(
  "%s: %s",
  (_kind, _what, wrong) => {
    expect(lawThatBreaks(wrong)).toBe(LAWS[wrong.law].name);
  },
);

test("every law has three, and the table of them is the one in docs/testing.md", () => {
  const path = new URL("../../docs/testing.md", import.meta.url);
  const text = readFileSync(path, "utf8");
  const [head, , tail] = text.split(/<!-- laws(?: end)? -->/);
  const lines = Object.entries(LAWS).map(([law, { name }]) => {
    const variants = WRONG.filter((wrong) => wrong.law === law);
    expect(variants.length, name).toBeGreaterThanOrEqual(3);
    return `| ${name} | ${variants.map(({ kind, what }) => `${kind}: ${what}`).join("; ")} |`;
  });
  const table = ["| law | noticed in |", "|---|---|", ...lines].join("\n");
  const wanted = `${head}<!-- laws -->\n${table}\n<!-- laws end -->${tail}`;
  if (process.env.SYNCLINE_WRITE) writeFileSync(path, wanted);
  else expect(text).toBe(wanted);
});

/** The law that a wrong variant is meant to break, if it breaks it in some history. */
function lawThatBreaks({ law, kind, make }: Wrong): string | undefined {
  const each = CASES.find((one) => one.kind === kind)!;
  const holds = fc.property(histories(each), ([size, events]) => {
    try {
      LAWS[law].check(record(each, make, size, events));
    } catch (error) {
      if (error instanceof LawBroken) throw error;
      // What is wrong may well show as something else, which is no proof that this law is looked at.
      fc.pre(false);
    }
  });
  // That a history shows it is enough, so the draws are always the same.
  const { errorInstance } = fc.check(holds, {
    seed: 7,
    numRuns: 500,
    maxSkipsPerRun: 10,
    endOnFailure: true,
  });
  return errorInstance instanceof LawBroken ? errorInstance.law : undefined;
}
