import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type History, play, readRegression } from "@syncline/simulation";
import { plainMemory } from "@syncline/storage";
import { describe, expect, test } from "vitest";

/** Histories that once went wrong, made as small as they get; each is played for ever. */
describe("regressions", () => {
  for (const [name, history] of histories("regressions")) {
    test(name, () => {
      play(history, { plain: plainMemory });
    });
  }
});

/** Known and not mended yet. One that goes right is a regression from then on, and moves to their folder. */
test("what is open still goes wrong", () => {
  for (const [name, history] of histories("open"))
    expect(() => play(history, { plain: plainMemory }), name).toThrow();
});

function histories(folder: string): [name: string, history: History][] {
  const path = `${import.meta.dirname}/${folder}`;
  if (!existsSync(path)) return [];
  return readdirSync(path).map((file) => {
    const regression = readRegression(readFileSync(`${path}/${file}`, "utf8"));
    if ("reason" in regression) throw new Error(`${file}: ${regression.reason}`);
    return [file.replace(/\.json$/, ""), regression.history];
  });
}
