/**
 * Which mutants are run when all of core would take days: some that are drawn, and their results as they come.
 *
 * The mutants of all files are put into an order by a hash of what they are (file, place, change) and a seed, and the first
 * so many are run, in it: whoever has the same text draws the same, and what is done when one loses patience is drawn from
 * all, too. Stryker is given their places, so that nothing else is made slower, and whatever else it finds there "does not
 * compile" and so counts for nothing.
 */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const LINES = process.env.SYNCLINE_MUTATE_LINES;

/** The first of the mutants of these files: their keys in their order, their places as Stryker wants them. */
export async function draw(paths, size, seed) {
  const mutants = await mutantsOf(paths);
  const drawn = mutants
    .map((mutant) => ({ mutant, key: keyOf(mutant) }))
    .map((each) => ({ ...each, at: createHash("sha256").update(`${seed} ${each.key}`).digest("hex") }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, size);
  return asked(drawn, mutants.length);
}

/** Those that no test has noticed, of the results of a run. */
export async function passed(paths, lines) {
  const results = readFileSync(lines, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const keys = new Set(
    results.filter(({ status }) => status === "Survived" || status === "NoCoverage").map(({ key }) => key),
  );
  const mutants = await mutantsOf(paths);
  return asked(
    mutants.map((mutant) => ({ mutant, key: keyOf(mutant) })).filter(({ key }) => keys.has(key)),
    results.length,
  );
}

function asked(drawn, all) {
  const places = drawn.map(
    ({
      mutant: {
        fileName,
        location: { start, end },
      },
    }) => `${fileName}:${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`,
  );
  return { keys: drawn.map(({ key }) => key), places: [...new Set(places)], all };
}

async function mutantsOf(paths) {
  const stryker = createRequire(
    `${realpathSync(fileURLToPath(import.meta.resolve("@stryker-mutator/core/package.json")))}`,
  );
  const { createInstrumenter } = await import(stryker.resolve("@stryker-mutator/instrumenter"));
  const { createInjector } = await import(stryker.resolve("typed-inject"));
  const no = () => false;
  const log = {
    isDebugEnabled: no,
    isInfoEnabled: no,
    isTraceEnabled: no,
    info: no,
    debug: no,
    warn: no,
    error: no,
  };
  const instrumenter = createInjector()
    .provideValue("logger", log)
    .provideValue("getLogger", () => log)
    .provideValue("options", {})
    .injectFunction(createInstrumenter);
  const files = paths.map((name) => ({ name, content: readFileSync(name, "utf8"), mutate: true }));
  const options = { ignorers: [], excludedMutations: ["StringLiteral"], plugins: null, noHeader: false };
  const { mutants } = await instrumenter.instrument(files, options);
  return mutants.filter(({ status }) => status === undefined);
}

/** The same for the same mutant of the same text, wherever the project lies. */
function keyOf({ fileName, location: { start, end }, mutatorName, replacement }) {
  return JSON.stringify([
    basename(fileName),
    start.line,
    start.column,
    end.line,
    end.column,
    mutatorName,
    replacement,
  ]);
}

/** Asked by Stryker whether mutants compile. */
class Drawn {
  async init() {
    this.order = new Map(
      JSON.parse(readFileSync(process.env.SYNCLINE_MUTATE_DRAWN, "utf8")).map((key, i) => [key, i]),
    );
  }

  /** One by one, since Stryker runs the mutants of a group by their numbers. */
  async group(mutants) {
    const at = (mutant) => this.order.get(keyOf(mutant)) ?? Number.POSITIVE_INFINITY;
    return [...mutants].sort((a, b) => at(a) - at(b) || 0).map(({ id }) => [id]);
  }

  async check(mutants) {
    return Object.fromEntries(
      mutants.map((mutant) => [
        mutant.id,
        this.order.has(keyOf(mutant))
          ? { status: "passed" }
          : { status: "compileError", reason: "not drawn" },
      ]),
    );
  }
}

/** A line of JSON for each result at once: a run that is cut short is not lost. */
class Lines {
  onMutationTestingPlanReady() {
    if (LINES === undefined) return;
    mkdirSync(dirname(LINES), { recursive: true });
    writeFileSync(LINES, "");
  }

  onMutantTested({ fileName, location, mutatorName, replacement, status, killedBy, statusReason }) {
    if (LINES === undefined || status === "CompileError" || status === "Ignored") return;
    const file = basename(fileName);
    const { start, end } = location;
    const back = ({ line, column }) => ({ line: line - 1, column: column - 1 });
    const key = keyOf({
      fileName,
      location: { start: back(start), end: back(end) },
      mutatorName,
      replacement,
    });
    const line = {
      key,
      file,
      location,
      mutatorName,
      replacement,
      status,
      killedBy,
      statusReason,
      at: Date.now(),
    };
    appendFileSync(LINES, `${JSON.stringify(line)}\n`);
  }
}

export const strykerPlugins = [
  { kind: "Checker", name: "drawn", injectableClass: Drawn },
  { kind: "Reporter", name: "lines", injectableClass: Lines },
];
