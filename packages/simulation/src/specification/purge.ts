/**
 * What a purge must have done to a document, given all of its changes: of what its maker had seen nothing is left, whatever a
 * deletion hides; of what he had not seen everything is. From the changes alone; quadratic, and meant to be read.
 */
import { type Change, documentId, KINDS, type Path, type PathStep, type Value } from "@syncline/core";
import { pastOf, specifiedConflicts } from "./conflicts.js";
import { documentJson } from "./document.js";

export interface SpecifiedPurge {
  /** What the document would show if it were brought back, of what was purged: empty fields are none. */
  readonly shows: Readonly<Record<string, Value>>;
  /** The same as it must be: of those changes alone that the purge had not seen. */
  readonly must: Readonly<Record<string, Value>>;
  /** Lost values that the purge should have taken off the list. */
  readonly lost: readonly string[];
  /** Nobody whom the purge had not seen has written to what was purged. */
  readonly isAll: boolean;
}

/** `field` is what was purged; undefined for all of the document. */
export function specifiedPurge(
  purge: Change,
  field: PathStep | undefined,
  changes: readonly Change[],
): SpecifiedPurge {
  const its = changes.filter((change) => documentId(change.document) === documentId(purge.document));
  const past = pastOf(purge, its);
  const unseen = its.filter((change) => change !== purge && !past.has(change));
  const isAbout = ([step]: Path): boolean =>
    field === undefined ? !isOwn(step!) : step!.name === field.name && step!.kind === field.kind;
  const isAll = !unseen.some(({ paths }) => paths.some(isAbout));
  const shown = (all: readonly Change[]) => contentOf(all.map((change) => only(change, isAbout)));
  // Elements of a list stand beside others, those that are gone among them: these keep their places, and are emptied.
  const places = [...past].map((change) => only(change, isInList));
  return {
    shows: shown(its),
    must: shown([...places, only(purge, (path) => !isInList(path)), emptying(places, purge), ...unseen]),
    // Who has not seen the purge may replace, and so lose, what it has taken away.
    lost: isAll ? specifiedConflicts(its).filter((line) => isLossOf(line, field, past)) : [],
    isAll,
  };
}

/** `concurrent_update field author:counter` */
function isLossOf(line: string, field: PathStep | undefined, past: ReadonlySet<Change>): boolean {
  const [type, where = "", dot = ""] = line.split(" ");
  const [author, counter = 0] = dot.split(":").map(Number);
  const isOfPast = [...past].some((change) => change.author === author && counter <= change.last);
  return (
    type === "concurrent_update" && isOfPast && (field === undefined || where.split("/")[0] === field.name)
  );
}

function contentOf(changes: readonly Change[]): Record<string, Value> {
  return Object.fromEntries(Object.entries(documentJson(changes)).filter(([, value]) => !isEmpty(value)));
}

/** The change as if nobody understood its ops on other paths; each op keeps its dot. */
function only(change: Change, isMeant: (path: Path) => boolean): Change {
  const ops = change.ops.map((each) => (isMeant(change.paths[each.path]!) ? each : { ...each, op: UNREAD }));
  return { ...change, ops };
}

/** One who empties every list of what these changes have put there. */
function emptying(changes: readonly Change[], by: Change): Change {
  const lists = new Map(
    changes.flatMap(({ paths }) => paths.filter(isInList).map((path) => [JSON.stringify(path), path])),
  );
  const upTo = changes.map(({ author, last }) => ({ author, counter: last }));
  const paths = [...lists.values()];
  const ops = paths.map((_, path) => ({ path, op: { act: "empty", upTo } as const }));
  // Whoever has purged goes on to write, and purges again: these dots must not be his next ones.
  return { ...by, author: NOBODY, first: 1, last: ops.length, paths, ops };
}

const NOBODY = 0;

const UNREAD = { act: "opaque", bytes: new Uint8Array() } as const;

const isInList = (path: Path): boolean => path.at(-1)?.kind === KINDS.list;

const isOwn = ({ name }: PathStep): boolean => name.startsWith("~");

const isEmpty = (value: Value): boolean => value === 0 || (Array.isArray(value) && value.length === 0);
