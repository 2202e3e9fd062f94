/**
 * Which conflicts a document must tell of, given its changes: one line for each, from the ops alone.
 *
 * A write is lost when somebody replaces it together with a greater one of another value, or while it stands beside such
 * a one. A deletion hides what its maker had not seen. Quadratic, and meant to be read.
 */
import { type Change, type Dot, KINDS, type RegisterOp, type Value, valueKey } from "@syncline/core";
import { sameDot } from "./history.js";
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
  if (deletions.length === 0) lines.push(...outdone(changes));
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

/** What was written under keys of maps in which removing wins, and does not count. */
function withoutCount(changes: readonly Change[]) {
  const all = changes.flatMap(({ author, first, stamp, paths, ops }) =>
    ops.flatMap(({ path, op }, i) => {
      const [field, ...below] = paths[path]!;
      const placed = { dot: { author, counter: first + i }, stamp, below };
      return op.act === "opaque" || field?.kind !== KINDS["remove-map"] ? [] : [{ ...placed, op, field }];
    }),
  );
  return all.filter(({ dot, op, field }) => {
    const counted = afterRemovals(all.filter((each) => each.field.name === field.name));
    return op.act === "set" && !counted.some((each) => sameDot(each.dot, dot));
  });
}

/** Those that no other write there has replaced, and nobody has settled. */
function outdone(changes: readonly Change[]): string[] {
  const ops = changes.flatMap((change) => change.ops.map(({ op }) => op));
  const gone = ops.flatMap((op) =>
    op.act === "set" || op.act === "clear" ? op.replaces : op.act === "settle" ? op.of : [],
  );
  return withoutCount(changes)
    .filter(({ dot }) => !gone.some((each) => sameDot(each, dot)))
    .map(
      ({ dot, field, below }) => `update_delete ${fieldOf([field, ...below])} ${dot.author}:${dot.counter}`,
    );
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
