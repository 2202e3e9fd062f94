/**
 * Which conflicts a document must tell of, given its changes: one line for each, from the ops alone.
 *
 * A write is lost when somebody replaces it together with a greater one of another value, or while it stands beside such
 * a one. A deletion hides what its maker had not seen. Quadratic, and meant to be read.
 */
import { type Change, type Dot, KINDS, type RegisterOp, type Value, valueKey } from "@syncline/core";
import { sameDot } from "./history.js";

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
  for (const field of fields) {
    if (field.startsWith("~")) continue;
    const writes = writesTo(changes, field);
    const replaced = registerOps(changes, field).map(({ replaces }) =>
      writes.filter((write) => replaces.some((dot) => sameDot(dot, write))),
    );
    // Of a document that shows nothing, what stands is no conflict that anybody could see.
    const together = deletions.length > 0 ? replaced : [...replaced, standing(changes, field)];
    for (const group of together) {
      const [winner, ...losers] = [...group].sort(
        (a, b) => b.stamp - a.stamp || b.author - a.author || b.counter - a.counter,
      );
      for (const { author, counter, value } of losers)
        if (valueKey(value) !== valueKey(winner!.value))
          lines.push(`concurrent_update ${field} ${author}:${counter}`);
    }
  }
  return [...new Set(lines)].sort();
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
function pastOf(change: Change, changes: readonly Change[]): Set<Change> {
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
