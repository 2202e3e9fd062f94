/**
 * Results on disk, one file a benchmark. A run of some works replaces these and leaves the others as they were; so each
 * says when, of which commit and beside which other work of the machine it was measured.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isLoaded, machine } from "./machine.mjs";

/** A new result, or the one that is there with what is measured now to be put over it. */
export function openResult(kind, file, isTrial) {
  const before = existsSync(file) && !isTrial ? JSON.parse(readFileSync(file, "utf8")) : {};
  return { ...before, kind, machine: machine(), parts: { ...before.parts } };
}

/** Keeps what was measured of one part, `found` and the circumstances, at once: a long run that is ended has what it measured. */
export function keepPart(result, file, name, found, others) {
  const { date, commit } = result.machine;
  result.parts[name] = { date, commit, ...others, isLoaded: isLoaded(others.busy), found };
  writeResult(result, file);
}

export function writeResult(result, file) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
}

/** One line about where and when, and what of it not to trust. */
export function circumstances(result) {
  const { cpu, cores, memoryGiB, node } = result.machine;
  const parts = Object.entries(result.parts);
  const measured = new Map();
  for (const [name, { date, commit }] of parts) {
    const when = `${date} UTC, commit ${commit}`;
    measured.set(when, [...(measured.get(when) ?? []), name]);
  }
  const whens = [...measured].map(([when, names]) =>
    measured.size === 1 ? when : `${when}: ${names.join(", ")}`,
  );
  const loaded = parts.filter(([, part]) => part.isLoaded).map(([name]) => name);
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}; ${whens.join("; ")}.`,
    ...(loaded.length === 0 ? [] : [`Measured on a loaded machine: ${loaded.join(", ")}.`]),
  ].join(" ");
}
