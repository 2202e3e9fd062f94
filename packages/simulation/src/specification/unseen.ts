/**
 * What must be told of writes that somebody had not seen who decided something about them: of writes to what was dropped
 * (`write_to_dropped`), and of what came late after another master had taken over (`late_merge`). From the records alone, in
 * any order: each is a change and a place. Quadratic, and meant to be read.
 */
import { type Change, type Dot, documentId, KINDS, type Value } from "@syncline/core";
import { sameDot } from "./history.js";

/** A change, at one of the places where it stands. */
export interface PlacedRecord {
  readonly stream: number;
  readonly position: number;
  readonly change: Change;
}

export interface SpecifiedUnseen {
  readonly type: "write_to_dropped" | "late_merge";
  readonly document: string;
  /** What was decided: a collection, `field@kind`, or the stream of who took over. */
  readonly about: string;
  /** By whom, as a place. */
  readonly winner: Dot;
  readonly losers: readonly { readonly dot: Dot; readonly value?: Value }[];
}

export function specifiedUnseen(records: readonly PlacedRecord[]): SpecifiedUnseen[] {
  return [...unseenByDroppers(records), ...lateFor(records)];
}

function* unseenByDroppers(records: readonly PlacedRecord[]): Iterable<SpecifiedUnseen> {
  const schema = changesOf(records, "_syncline/schema");
  for (const names of pathsOf(schema).filter((path) => path.at(-1) === "dropped")) {
    const drops = standing(schema, names).map(({ value }) => value as [number, number][]);
    const seen = new Map<number, number>();
    for (const drop of drops)
      for (const [stream, position] of drop) seen.set(stream, Math.max(position, seen.get(stream) ?? 0));
    const [first] = [...seen].sort(([a], [b]) => a - b);
    if (first === undefined) continue;
    const [, entity = ""] = names;
    const [collection = "", field] = names[0] === "collections" ? [entity] : entity.split("/");
    for (const document of documentsIn(records, collection)) {
      const its = records.filter(({ change }) => documentId(change.document) === document);
      const writes = its.filter(({ change }) => field === undefined || writesTo(change, field));
      if (!writes.some(({ stream, position }) => position > (seen.get(stream) ?? 0))) continue;
      const changes = changesOf(records, document);
      const value = field === undefined ? {} : { value: sumOf(changes, field) };
      yield {
        type: "write_to_dropped",
        document,
        about: field ?? collection,
        winner: { author: first[0], counter: first[1] },
        losers: headsOf(changes).map((dot) => ({ dot, ...value })),
      };
    }
  }
}

function* lateFor(records: readonly PlacedRecord[]): Iterable<SpecifiedUnseen> {
  const takeovers = changesOf(records, "_syncline/takeovers");
  const valueAt = (name: string): Value | undefined => standing(takeovers, [name]).at(-1)?.value;
  for (const [id = ""] of pathsOf(takeovers)) {
    if (id.includes("/")) continue;
    const { had = [] } = (valueAt(id) ?? {}) as { readonly had?: readonly [number, number][] };
    for (const [stream, position] of had) {
      const unknownTo = (valueAt(`${id}/${stream}`) ?? Number.POSITIVE_INFINITY) as number;
      const late = (record: PlacedRecord): boolean =>
        record.stream === stream && record.position > position && record.position <= unknownTo;
      for (const document of documentsIn(records)) {
        const its = records.filter(({ change }) => documentId(change.document) === document);
        // A field that was written again by who knew is not late any more.
        const lasts = fieldsOf(its).map((field) =>
          its.filter((one) => one.stream === stream && writesTo(one.change, field)).reduce(later, undefined),
        );
        const last = lasts.filter((record) => record !== undefined && late(record)).reduce(later, undefined);
        if (last === undefined) continue;
        yield {
          type: "late_merge",
          document,
          about: id,
          winner: { author: Number(id), counter: 1 },
          losers: [{ dot: { author: stream, counter: last.position } }],
        };
      }
    }
  }
}

const later = (a: PlacedRecord | undefined, b: PlacedRecord | undefined): PlacedRecord | undefined =>
  (a?.position ?? 0) > (b?.position ?? 0) ? a : b;

/** Each once, whatever the number of its places. */
function changesOf(records: readonly PlacedRecord[], document: string): Change[] {
  const its = records.filter(({ change }) => documentId(change.document) === document);
  return [...new Map(its.map(({ change }) => [`${change.author}:${change.first}`, change])).values()];
}

function documentsIn(records: readonly PlacedRecord[], collection?: string): string[] {
  const names = records.map(({ change }) => change.document);
  const wanted = names.filter((name) =>
    collection === undefined ? name.collection !== "_syncline" : name.collection === collection,
  );
  return [...new Set(wanted.map(documentId))].sort();
}

const fieldOf = ({ paths }: Change): string[] =>
  paths.map(([step]) => `${step?.name}@${kindNameOf(step?.kind)}`);

const fieldsOf = (records: readonly PlacedRecord[]): string[] => [
  ...new Set(records.flatMap(({ change }) => fieldOf(change))),
];

const writesTo = (change: Change, field: string): boolean => fieldOf(change).includes(field);

const kindNameOf = (kind: number | undefined): string =>
  Object.entries(KINDS).find(([, tag]) => tag === kind)?.[0] ?? String(kind);

/** Names of the steps of every path that is written, each once. */
function pathsOf(changes: readonly Change[]): string[][] {
  const all = changes.flatMap(({ paths }) => paths.map((path) => path.map(({ name }) => name)));
  return [...new Map(all.map((names) => [JSON.stringify(names), names])).values()];
}

/** Writes to a register that nobody has replaced, the one that is shown last. */
function standing(changes: readonly Change[], names: readonly string[]) {
  const ops = changes.flatMap(({ author, first, stamp, paths, ops }) =>
    ops.flatMap(({ path, op }, i) =>
      (op.act === "set" || op.act === "clear") &&
      JSON.stringify(paths[path]?.map(({ name }) => name)) === JSON.stringify(names)
        ? [{ author, counter: first + i, stamp, op }]
        : [],
    ),
  );
  return ops
    .flatMap(({ op, ...dot }) => (op.act === "set" ? [{ ...dot, value: op.value }] : []))
    .filter((write) => !ops.some(({ op }) => op.replaces.some((dot) => sameDot(dot, write))))
    .sort((a, b) => a.stamp - b.stamp || a.author - b.author);
}

/** Changes that no other one follows. */
function headsOf(changes: readonly Change[]): Dot[] {
  return changes
    .filter(
      ({ author, last }) =>
        !changes.some(
          (other) =>
            (other.author === author && other.first > last) ||
            other.observed.some((dot) => dot.author === author && dot.counter >= last),
        ),
    )
    .map(({ author, last }) => ({ author, counter: last }))
    .sort((a, b) => a.author - b.author);
}

/** What a counter holds. */
function sumOf(changes: readonly Change[], field: string): number {
  let sum = 0;
  for (const { paths, ops } of changes) {
    for (const { path, op } of ops) {
      const [step] = paths[path] ?? [];
      if (op.act === "step" && `${step?.name}@${kindNameOf(step?.kind)}` === field) sum += Number(op.by);
    }
  }
  return sum;
}
