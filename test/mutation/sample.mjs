/**
 * Which mutants are run when all of core would take days: a drawn sample, and its results as they come.
 *
 * Mutants are put into an order by a hash of what they are (file, place, change) and a seed, and run in it, so that those of
 * one seed are the same for everybody, and what is done when one loses patience is a sample of all, too. Stryker asks the
 * checker whether a mutant compiles; those that are not drawn "do not", and so count for nothing. The reporter writes a line of
 * JSON for each result at once, and first how many mutants each file has: a run that is cut short is not lost.
 *
 * `SYNCLINE_MUTATE_SAMPLE=300` draws so many; `SYNCLINE_MUTATE_SEED` draws others.
 */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";

const SEED = process.env.SYNCLINE_MUTATE_SEED ?? "1";
const SIZE = Number(process.env.SYNCLINE_MUTATE_SAMPLE ?? Number.POSITIVE_INFINITY);
const LINES = process.env.SYNCLINE_MUTATE_LINES;

/** The same for the same mutant of the same text, wherever the project lies. */
function rank({ fileName, location: { start, end }, mutatorName, replacement }) {
  const what = [basename(fileName), start.line, start.column, end.line, end.column, mutatorName, replacement];
  return createHash("sha256")
    .update(JSON.stringify([SEED, what]))
    .digest("hex");
}

class Drawn {
  async init() {}

  /** All at once, in the order in which they are run: those that are not drawn last, and alone. */
  async group(mutants) {
    const sorted = mutants
      .map((mutant) => ({ mutant, at: rank(mutant) }))
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .map(({ mutant }) => mutant);
    this.drawn = new Set(sorted.slice(0, SIZE).map(({ id }) => id));
    return [sorted.map(({ id }) => id)];
  }

  async check(mutants) {
    return Object.fromEntries(
      mutants.map(({ id }) => [
        id,
        this.drawn.has(id) ? { status: "passed" } : { status: "compileError", reason: "not drawn" },
      ]),
    );
  }
}

class Lines {
  onMutationTestingPlanReady({ mutantPlans }) {
    if (LINES === undefined) return;
    const all = {};
    for (const { plan, mutant } of mutantPlans) {
      if (plan !== "Run") continue;
      const name = basename(mutant.fileName);
      all[name] = (all[name] ?? 0) + 1;
    }
    mkdirSync(dirname(LINES), { recursive: true });
    writeFileSync(LINES, `${JSON.stringify({ seed: SEED, all })}\n`);
  }

  onMutantTested({ fileName, location, mutatorName, replacement, status, killedBy, statusReason }) {
    if (LINES === undefined || statusReason === "not drawn" || status === "Ignored") return;
    const line = {
      file: basename(fileName),
      location,
      mutatorName,
      replacement,
      status,
      killedBy,
      at: Date.now(),
    };
    appendFileSync(LINES, `${JSON.stringify(line)}\n`);
  }
}

export const strykerPlugins = [
  { kind: "Checker", name: "drawn", injectableClass: Drawn },
  { kind: "Reporter", name: "lines", injectableClass: Lines },
];
