/**
 * `syncline simulate`: whole clusters in this process, on virtual time, with every fault, from a seed.
 *
 * It runs the production engine. A seed stands for one history, the same on every machine; each is played, held against
 * the specification, and, should it fail, made smaller until nothing can be left out.
 */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import {
  describeAction,
  drawHistory,
  FAULTS,
  Failed,
  type FaultName,
  type History,
  isFaultName,
  isPace,
  PACES,
  type Pace,
  type Played,
  play,
  readRegression,
  type Size,
  shrink,
  writeRegression,
} from "@syncline/simulation";
import { plainMemory } from "@syncline/storage";
import { EXIT, type ExitCode, Stop } from "./exit.js";

export interface SimulateFlags {
  readonly seed?: string;
  readonly count?: string;
  readonly steps?: string;
  readonly cluster?: string;
  readonly pace?: string;
  readonly faults?: string;
  readonly trace?: string;
  readonly save?: string;
  readonly replay?: string;
}

/** Histories are played until one fails. Throws `Stop` for flags that make no sense. */
export function simulate(flags: SimulateFlags): ExitCode {
  const { count, historyAt } = flags.replay === undefined ? drawn(flags) : replayed(flags.replay);
  const trace = flags.trace === undefined ? undefined : openTrace(flags.trace, count);
  const save = flags.save === undefined ? undefined : openSave(flags.save);
  const progress = new Progress(count);
  try {
    for (let index = 0; index < count; index++) {
      const history = historyAt(index);
      progress.played(history, play(history, { plain: plainMemory, ...(trace && { trace: trace.line }) }));
    }
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const smallest = report(error);
    save?.(writeRegression({ cause: error.message.split("\n", 1)[0] ?? "", history: smallest }));
    return EXIT.failed;
  } finally {
    trace?.close();
  }
  progress.summary();
  return EXIT.ok;
}

/** With as many seeds after it as there may be. */
const SEED_MAX = 9_000_000_000_000_000;

interface Histories {
  readonly count: number;
  readonly historyAt: (index: number) => History;
}

function drawn(flags: SimulateFlags): Histories {
  const seed = wholeNumber("--seed", flags.seed ?? "1", 0, SEED_MAX);
  const count = wholeNumber("--count", flags.count ?? "1", 1, 1_000_000);
  const steps = wholeNumber("--steps", flags.steps ?? "150", 1, 100_000);
  const without = leftOut(flags.faults);
  const size = flags.cluster === undefined ? undefined : sizeOf(flags.cluster);
  const pace = paceOf(flags.pace);
  return { count, historyAt: (index) => drawHistory(seed + index, steps, without, size, pace) };
}

function replayed(path: string): Histories {
  const regression = readRegression(readText(path));
  if ("reason" in regression) throw new Stop(EXIT.usage, [`--replay ${path}: ${regression.reason}`]);
  print(`once wrong: ${regression.cause}`);
  return { count: 1, historyAt: () => regression.history };
}

/** What has been played so far, and how fast. */
class Progress {
  private readonly totals = new Map<string, number>();
  private readonly began = process.hrtime.bigint();
  private done = 0;
  private actions = 0;
  private virtualMs = 0;

  constructor(private readonly count: number) {}

  played(history: History, { hash, counts, virtualMs }: Played): void {
    this.done += 1;
    this.actions += history.actions.length;
    this.virtualMs += virtualMs;
    for (const [what, times] of Object.entries(counts)) {
      this.totals.set(what, (this.totals.get(what) ?? 0) + times);
    }
    if (this.count === 1) {
      print(`seed ${history.seed}: right, trace hash ${hash.toString(16).padStart(8, "0")}`);
    } else if (this.done % Math.max(1, Math.floor(this.count / 20)) === 0) {
      print(`${this.done} of ${this.count} histories right, ${this.rate.toFixed(1)} a second`);
    }
  }

  summary(): void {
    const { done, virtualMs, realMs, actions } = this;
    const speed = (virtualMs / realMs).toFixed(0);
    print(
      `${done} ${done === 1 ? "history" : "histories"} of ${actions} actions: ${(virtualMs / 60_000).toFixed(1)} minutes of cluster time in ${(realMs / 1000).toFixed(1)} s (${speed} times real time)`,
    );
    print([...this.totals].map(([what, times]) => `${what} ${times}`).join(", "));
  }

  private get realMs(): number {
    return Number(process.hrtime.bigint() - this.began) / 1e6;
  }

  private get rate(): number {
    return this.done / (this.realMs / 1000);
  }
}

/** Says what went wrong, and the smallest history that still goes wrong, which is returned. */
function report(failed: Failed): History {
  print(failed.message);
  print("making it smaller …");
  const fails = (history: History): boolean => {
    try {
      play(history, { plain: plainMemory });
      return false;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      return true;
    }
  };
  const smallest = shrink(failed.history, fails, 400);
  print(`${smallest.actions.length} of ${failed.history.actions.length} actions are enough:`);
  for (const action of smallest.actions) print(`  ${describeAction(action)}`);
  return smallest;
}

/** `3,2,5`: masters, followers, clients. */
function sizeOf(text: string): Size {
  const [masters = 0, followers = 0, clients = 0, ...more] = text.split(",").map(Number);
  const isSize = /^\d,\d,\d$/.test(text) && masters > 0 && clients > 0 && more.length === 0;
  if (!isSize) {
    throw new Stop(EXIT.usage, [
      `--cluster ${text}: write how many masters, followers and clients, such as 3,2,5; one to nine, followers from none`,
    ]);
  }
  return { masters, followers, clients };
}

function paceOf(name: string | undefined): Pace | undefined {
  if (name === undefined || isPace(name)) return name;
  throw new Stop(EXIT.usage, [`--pace ${name}: no such pace; there are ${PACES.join(", ")}`]);
}

function leftOut(faults: string | undefined): FaultName[] {
  if (faults === undefined) return [];
  const wanted = faults.split(",").map((name) => name.trim());
  const all = Object.keys(FAULTS).filter(isFaultName);
  for (const name of wanted) {
    if (name !== "none" && !isFaultName(name)) {
      throw new Stop(EXIT.usage, [`--faults ${name}: no such fault; there are ${all.join(", ")} and none`]);
    }
  }
  return all.filter((name) => !wanted.includes(name));
}

function openTrace(path: string, count: number): { line: (line: string) => void; close: () => void } {
  if (count > 1) throw new Stop(EXIT.usage, ["--trace goes with one history: leave out --count"]);
  const file = attempt("--trace", path, () => openSync(path, "w"));
  return { line: (line) => void writeSync(file, `${line}\n`), close: () => closeSync(file) };
}

/** That the file can be written is found out before hours of playing, not after them. */
function openSave(path: string): (text: string) => void {
  attempt("--save", path, () => closeSync(openSync(path, "a")));
  return (text) => writeFileSync(path, text);
}

const readText = (path: string): string => attempt("--replay", path, () => readFileSync(path, "utf8"));

function attempt<T>(flag: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Stop(EXIT.usage, [`${flag} ${path}: ${error instanceof Error ? error.message : error}`]);
  }
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || number < min || number > max) {
    throw new Stop(EXIT.usage, [`${flag} ${text}: write a whole number from ${min} to ${max}`]);
  }
  return number;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What its help says at the end. */
export const SIMULATE_NOTES = `
Faults: ${Object.keys(FAULTS).join(", ")}.

Examples:
  One history, with its trace:
    $ syncline simulate --seed 42 --trace trace.txt
  A hundred, with cut links and crashes only:
    $ syncline simulate --seed 1 --count 100 --faults cuts,crashes
  A thousand; should one go wrong, it is kept, and played again later:
    $ syncline simulate --seed 1 --count 1000 --save wrong.json
    $ syncline simulate --replay wrong.json

Exit code 1 means that a history went wrong: it is printed, as small as it gets.
`;
