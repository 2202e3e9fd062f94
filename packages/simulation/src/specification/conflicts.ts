/**
 * Which conflicts a document must tell of, given its changes: one line for each, from the ops alone.
 *
 * A write is lost when somebody replaces it together with a greater one of another value, or while it stands beside such
 * a one. A deletion hides what its maker had not seen. Quadratic, and meant to be read.
 */
import {
  type Change,
  type Dot,
  KINDS,
  type Op,
  type PathStep,
  type RegisterOp,
  type Value,
  valueKey,
} from "@syncline/core";
import { sameDot } from "./history.js";
import type { PlacedBelow } from "./map.js";
import { afterRemovals } from "./remove-wins-map.js";

interface Write extends Dot {
  readonly stamp: number;
  readonly value: Value;
}

/** `type field author:counter` of everything that was lost. */
export function specifiedConflicts(changes: readonly Change[]): string[] {
  const deletions = standing(changes, "~deleted");
  const lines =
    deletions.length > 0 ? deletions.flatMap((deletion) => hiddenBy(deletion, deletions, changes)) : [];
  const fields = new Set(
    changes.flatMap(({ paths }) => paths.filter((path) => path.at(-1)!.kind === KINDS.register).map(fieldOf)),
  );
  const lost = withoutCount(changes);
  const counts = (write: Dot): boolean => !lost.some(({ dot }) => sameDot(dot, write));
  for (const field of fields) {
    if (field.startsWith("~")) continue;
    const writes = writesTo(changes, field);
    const replaced = changes
      .filter((change) => !isForgotten(change, field, changes))
      .flatMap((change) => registerOps([change], field))
      .map(({ replaces }) => writes.filter((write) => replaces.some((dot) => sameDot(dot, write))));
    // Of a document that shows nothing, what stands is no conflict that anybody could see.
    const together = deletions.length > 0 ? replaced : [...replaced, standing(changes, field).filter(counts)];
    for (const group of together) {
      const [winner, ...losers] = [...group].sort(
        (a, b) => b.stamp - a.stamp || b.author - a.author || b.counter - a.counter,
      );
      for (const { author, counter, value } of losers)
        if (valueKey(value) !== valueKey(winner!.value))
          lines.push(`concurrent_update ${field} ${author}:${counter}`);
    }
  }
  if (deletions.length === 0) lines.push(...outdone(changes), ...outvoted(changes));
  return [...new Set(lines)].sort();
}

/** Whether somebody who knew of what a change has replaced in a field has taken that off the list since, or at once: a purge. */
function isForgotten(change: Change, field: string, changes: readonly Change[]): boolean {
  return changes.some((other) => {
    const emptied = other.ops.some(({ path, op }) => {
      if (other.paths[path]?.[0]?.name !== "~lost") return false;
      return op.act === "removeAll" || (op.act === "remove" && fieldOfLost(op.element) === field);
    });
    return emptied && (other === change || pastOf(other, changes).has(change));
  });
}

/** An element of the list says where the value was lost, by the names of the path and their kinds in turn. */
function fieldOfLost(element: Value): string {
  const { path } = element as { readonly path: readonly Value[] };
  return path.filter((_, index) => index % 2 === 0).join("/");
}

interface Placed extends PlacedBelow<Op> {
  readonly field: PathStep;
}

/** What was done under keys of maps in which removing wins, and does not count. */
function withoutCount(changes: readonly Change[]): readonly Placed[] {
  const all = placedIn(changes);
  return all.filter(({ dot, field }) => {
    const counted = afterRemovals(all.filter((each) => each.field.name === field.name));
    return !counted.some((each) => sameDot(each.dot, dot));
  });
}

function placedIn(changes: readonly Change[]): Placed[] {
  return changes.flatMap(({ author, first, stamp, paths, ops }) =>
    ops.flatMap(({ path, op }, i): Placed[] => {
      const [field, ...below] = paths[path]!;
      if (op.act === "opaque" || field?.kind !== KINDS["remove-map"]) return [];
      return [{ dot: { author, counter: first + i }, stamp, op, field, below }];
    }),
  );
}

/**
 * What brings something that has a dot of its own, and what is told by the last of its author's. An element of a set that only
 * grows is neither.
 */
const BRINGS: readonly Op["act"][] = ["set", "add", "include", "enable", "allow", "insert", "create"];
const STEPS: readonly Op["act"][] = ["step", "grow", "text"];

/** Those that nobody has taken away or settled: not even by what does count, if that takes away all up to them. */
function outdone(changes: readonly Change[]): string[] {
  const all = placedIn(changes);
  const lost = withoutCount(changes);
  const isLast = ({ dot, op, ...place }: Placed): boolean =>
    !lost.some(
      (other) =>
        STEPS.includes(other.op.act) &&
        isSamePlace(other, place) &&
        other.dot.author === dot.author &&
        other.dot.counter > dot.counter,
    );
  return lost
    .filter((each) => BRINGS.includes(each.op.act) || (STEPS.includes(each.op.act) && isLast(each)))
    .filter((each) => !all.some((other) => takesAway(other, each)))
    .map(
      ({ dot, field, below }) => `update_delete ${fieldOf([field, ...below])} ${dot.author}:${dot.counter}`,
    );
}

/** Votes for an element of a set in which removing wins, beside one against it: those that count and that no other one has replaced. */
function outvoted(changes: readonly Change[]): string[] {
  const lost = withoutCount(changes);
  const all = changes
    .flatMap(({ author, first, stamp, paths, ops }) =>
      ops.flatMap(({ path, op }, i): Placed[] => {
        const [field, ...below] = paths[path]!;
        const isVote = paths[path]!.at(-1)!.kind === KINDS["remove-set"] && op.act !== "opaque";
        return isVote ? [{ dot: { author, counter: first + i }, stamp, op, field: field!, below }] : [];
      }),
    )
    .filter(({ dot }) => !lost.some((each) => sameDot(each.dot, dot)));
  const standing = all.filter((vote) => !all.some((other) => takesAway(other, vote)));
  return standing.flatMap((vote) => {
    if (vote.op.act !== "include") return [];
    const key = valueKey(vote.op.element);
    const isOutvoted = standing.some(
      (other) => other.op.act === "exclude" && isSamePlace(other, vote) && valueKey(other.op.element) === key,
    );
    const { field, below, dot } = vote;
    return isOutvoted ? [`update_delete ${fieldOf([field, ...below])} ${dot.author}:${dot.counter}`] : [];
  });
}

function takesAway(by: Placed, what: Placed): boolean {
  const { op } = by;
  const names = (dots: readonly Dot[]): boolean => dots.some((dot) => sameDot(dot, what.dot));
  const covers = (dots: readonly Dot[]): boolean =>
    dots.some(({ author, counter }) => author === what.dot.author && counter >= what.dot.counter);
  if (op.act === "settle") return names(op.of);
  if (!isSamePlace(by, what)) return false;
  if ("replaces" in op) return names(op.replaces);
  if ("removes" in op) return names(op.removes);
  if ("upTo" in op) return covers(op.upTo);
  if (op.act === "delete") return names([op.element]);
  return op.act === "reset" && covers(op.floors.map(({ author, seq }) => ({ author, counter: seq })));
}

function isSamePlace(a: Pick<Placed, "field" | "below">, b: Pick<Placed, "field" | "below">): boolean {
  const keys = ({ field, below }: typeof a): string =>
    [field, ...below].map(({ name, kind }) => `${kind}:${name}`).join("/");
  return keys(a) === keys(b);
}

function hiddenBy(deletion: Write, deletions: readonly Write[], changes: readonly Change[]): string[] {
  const own = changes.find(
    ({ author, first, last }) =>
      author === deletion.author && first <= deletion.counter && deletion.counter <= last,
  )!;
  const seen = pastOf(own, changes);
  const others = new Set(changes.map(({ author }) => author));
  others.delete(deletion.author);
  return [...others].flatMap((author) => {
    const unseen = changes.filter((change) => change.author === author && !seen.has(change));
    const first = Math.min(...unseen.map((change) => change.first));
    const last = Math.max(...unseen.map((change) => change.last));
    const isDeletion = first === last && deletions.some((dot) => sameDot(dot, { author, counter: first }));
    return unseen.length === 0 || isDeletion ? [] : [`write_to_dropped  ${author}:${first}`];
  });
}

/** The changes that a change follows, those that they follow among them. */
export function pastOf(change: Change, changes: readonly Change[]): Set<Change> {
  const past = new Set<Change>();
  const visit = ({ author, first, observed }: Change): void => {
    for (const other of changes) {
      const isCause =
        (other.author === author && other.last < first) ||
        observed.some((dot) => dot.author === other.author && other.first <= dot.counter);
      if (!isCause || past.has(other)) continue;
      past.add(other);
      visit(other);
    }
  };
  visit(change);
  return past;
}

function standing(changes: readonly Change[], field: string): Write[] {
  const ops = registerOps(changes, field);
  return writesTo(changes, field).filter(
    (write) => !ops.some(({ replaces }) => replaces.some((dot) => sameDot(dot, write))),
  );
}

function writesTo(changes: readonly Change[], field: string): Write[] {
  return changes.flatMap(({ author, first, stamp, paths, ops }) =>
    ops.flatMap(({ path, op }, i) =>
      op.act === "set" && fieldOf(paths[path]!) === field
        ? [{ author, counter: first + i, stamp, value: op.value }]
        : [],
    ),
  );
}

function registerOps(changes: readonly Change[], field: string): RegisterOp[] {
  return changes.flatMap(({ paths, ops }) =>
    ops.flatMap(({ path, op }) =>
      (op.act === "set" || op.act === "clear") && fieldOf(paths[path]!) === field ? [op] : [],
    ),
  );
}

const fieldOf = (path: Change["paths"][number]): string => path.map(({ name }) => name).join("/");
