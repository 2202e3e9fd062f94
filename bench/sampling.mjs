/**
 * Samples in rounds: every configuration once a round, each time in another order and each in a process of its own, so
 * that whatever else the machine does meets all of them alike.
 */
import { spawn } from "node:child_process";
import { loadNow, othersBusy } from "./machine.mjs";
import { summary } from "./statistics.mjs";

const SAMPLE_MS_MAX = 180_000;

/**
 * @param isTrial whether only to see that everything runs: once, without a look at what else the machine does
 * @param commandOf the command of a configuration, whose last line of output is JSON: `metrics`, or why there are none
 * @returns by configuration, the medians of each metric; and what else the machine did
 */
export async function sampled({ what, configurations, rounds, isTrial = false, commandOf }) {
  const samples = new Map(configurations.map((one) => [one, []]));
  const outcomes = new Map();
  const machine = { busy: 0, load: 0 };
  for (let round = 0; round < (isTrial ? 1 : rounds); round++) {
    if (!isTrial) machine.busy = Math.max(machine.busy, await othersBusy());
    machine.load = Math.max(machine.load, loadNow());
    for (const one of rotated(configurations, round)) {
      if (outcomes.has(one)) continue;
      progress(`${what} ${round + 1}/${rounds} ${one}`);
      const outcome = await sample(...commandOf(one));
      if (outcome.metrics === undefined) outcomes.set(one, outcome);
      else samples.get(one).push(outcome.metrics);
    }
  }
  progress("");
  for (const one of configurations) {
    if (!outcomes.has(one)) outcomes.set(one, summaries(samples.get(one)));
    const { error } = outcomes.get(one);
    if (error === undefined) continue;
    console.error(`${one} failed at ${what}: ${error}\n`);
    process.exitCode = 1;
  }
  return { outcomes: Object.fromEntries(outcomes), machine };
}

/** The wanted ones of a list, as the command line names them. */
export function chosen(text, known, what) {
  const wanted = text?.split(",") ?? known;
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return wanted;
  console.error(`there is no ${what} ${unknown}; there are ${known.join(", ")}`);
  process.exit(2);
}

function sample(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (errors = `${errors}${chunk}`.slice(-2_000)));
    const deadline = setTimeout(() => child.kill("SIGKILL"), SAMPLE_MS_MAX);
    child.on("close", (code, signal) => {
      clearTimeout(deadline);
      try {
        resolve(JSON.parse(output.trim().split("\n").at(-1)));
      } catch {
        const end = signal === "SIGKILL" ? `took more than ${SAMPLE_MS_MAX} ms` : `exit ${code}`;
        resolve({ error: `${end}\n${errors}` });
      }
    });
  });
}

function summaries(samples) {
  const metrics = {};
  for (const name of new Set(samples.flatMap(Object.keys))) {
    if (name === "boxed") continue;
    const found = samples.map((one) => one[name]).filter((value) => typeof value === "number");
    if (found.length > 0) metrics[name] = summary(found);
  }
  return { metrics, boxed: samples.some(({ boxed }) => boxed) };
}

function rotated(list, by) {
  return [...list.slice(by % list.length), ...list.slice(0, by % list.length)];
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
