/**
 * `POST /v1/purge?collection=boards&field=title`: takes all content of a dropped collection, or of a dropped field, away for
 * good, a page of documents at a time. `GET` says of how many documents this node still has any of it.
 *
 * Only what is dropped is meant, also where something else has the name by now. Whoever purges says anew, at the end, that it
 * is dropped: what he took away he has seen, and is told as a conflict no more.
 */
import { type DocumentName, documentId, joinInto, type MutableVector } from "@syncline/core";
import type {
  Catalog,
  CatalogCollection,
  CatalogField,
  PurgeState,
  SyncNode,
  WriteAnswer,
} from "@syncline/engine";
import type { Fault } from "@syncline/protocol";
import type { Context } from "hono";
import { type Env, readDocument, readNumber } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";

/** What `GET /v1/purge?collection=…` answers: of a page of documents, in how many states. */
export interface PurgeCounts {
  readonly node: string;
  readonly documents: Readonly<Record<PurgeState["state"], number>>;
  /** Why it is not gone, of one of those of which it is not. */
  readonly reason: string;
  /** The last document looked at; null if there are no more. */
  readonly next: string | null;
}

/** What `POST /v1/purge?collection=…` answers. */
export interface PurgedPage {
  readonly node: string;
  /** Documents that were purged by it. */
  readonly purged: number;
  readonly next: string | null;
}

/** Documents of a page, unless the caller says otherwise; and at most. */
const PAGE = 100;

interface Target {
  readonly collection: CatalogCollection;
  readonly field: CatalogField | undefined;
}

/** What a caller means by `?collection=` and `?field=`. Throws `Refused`. */
export function droppedTargets(catalog: Catalog, collection: string, field: string | undefined): Target[] {
  const called = ({ name, id }: CatalogCollection) => name === collection || id === collection;
  const targets =
    field === undefined
      ? catalog.collections.flatMap((one) =>
          one.dropped && called(one) ? [{ collection: one, field: undefined }] : [],
        )
      : catalog.collections
          .filter((one) => called(one) || catalog.named(collection) === one)
          .flatMap((one) =>
            one.fields.flatMap((its) =>
              its.dropped && (its.name === field || `${its.name}@${its.kind}` === field)
                ? [{ collection: one, field: its }]
                : [],
            ),
          );
  if (targets.length > 0) return targets;
  const what = field === undefined ? `collection ${collection}` : `field ${field} of ${collection}`;
  throw new Refused("NOT_FOUND", `no ${what} was dropped`, {
    remedy: "Drop it first: `syncline schema show` tells what there is.",
  });
}

/** The documents of a page, with what is purged of them. */
function* pageOf(
  node: SyncNode,
  targets: readonly Target[],
  after: DocumentName | undefined,
  limit: number,
): Iterable<Target & { readonly name: DocumentName }> {
  let left = limit;
  const ids = [...new Set(targets.map(({ collection }) => collection.id))].sort();
  for (const id of ids) {
    if (after !== undefined && id < after.collection) continue;
    const from = after?.collection === id ? after.key : undefined;
    for (const key of node.allKeys(id, from, left)) {
      left -= 1;
      for (const target of targets)
        if (target.collection.id === id) yield { ...target, name: { collection: id, key } };
    }
    if (left <= 0) return;
  }
}

/** Names of the documents of a page of `limit`, to be asked for rights; and where the next one begins. */
function readPage(c: Context<Env>, node: SyncNode, targets: readonly Target[]) {
  const limit = readNumber(c, "limit", 1, PAGE) ?? PAGE;
  const page = [...pageOf(node, targets, readDocument(c, "after"), limit)];
  const names = new Set(page.map(({ name }) => documentId(name)));
  return { page, next: names.size < limit ? null : ([...names].at(-1) ?? null) };
}

/** Throws `Refused` for the first document that the caller may not purge. */
type Permit = (name: DocumentName) => void;

export function countDropped(
  c: Context<Env>,
  node: SyncNode,
  targets: readonly Target[],
  permit: Permit,
): Response {
  const { page, next } = readPage(c, node, targets);
  const documents = { present: 0, purging: 0, purged: 0, unknown: 0 };
  let reason = "";
  for (const { name, field } of page) {
    permit(name);
    const found = node.purgeState(name, field);
    documents[found.state] += 1;
    if (reason === "" && found.reason !== "") reason = `${documentId(name)}: ${found.reason}`;
  }
  return jsonAnswer({ node: node.name, documents, reason, next } satisfies PurgeCounts);
}

export async function purgeDropped(
  c: Context<Env>,
  node: SyncNode,
  targets: readonly Target[],
  permit: Permit,
  waitMs: number,
): Promise<Response> {
  const { page, next } = readPage(c, node, targets);
  for (const { name } of page) permit(name);
  const seen: MutableVector = new Map();
  let purged = 0;
  const take = (answer: WriteAnswer | undefined): Fault | undefined => {
    if (answer === undefined) return undefined;
    if (!answer.ok) return answer.fault;
    joinInto(seen, answer.receipt.token);
    purged += 1;
    return undefined;
  };
  const options = { level: "committed" as const, waitMs };
  const refused = await Promise.all(
    page.map(
      ({ name, field }) =>
        new Promise<Fault | undefined>((resolve) =>
          node.purgeDropped(name, field, options, (answer) => resolve(take(answer))),
        ),
    ),
  );
  if (next === null) {
    for (const { collection, field } of targets)
      refused.push(
        await new Promise<Fault | undefined>((resolve) =>
          node.dropAgain(collection.id, field, { ...options, token: seen }, (answer) =>
            resolve(answer.ok ? undefined : answer.fault),
          ),
        ),
      );
  }
  const fault = refused.find((one) => one !== undefined);
  if (fault !== undefined) throw Refused.by(fault);
  return jsonAnswer({ node: node.name, purged, next } satisfies PurgedPage);
}
