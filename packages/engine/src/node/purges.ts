import { type Document, type DocumentName, documentId, remainingIn } from "@syncline/core";
import type { Storage } from "../ports.js";
import type { DocumentEntry, Documents } from "./documents.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";
import { allPurging, documentOfKey, purgingKey, purgingRow } from "./tables.js";

/**
 * What is purged, and whether this node still has it somewhere.
 *
 * A purge is a change that leaves a deleted document without content. What it took away stands in records, until those go.
 * So a node that has such a document lets go of all records that every member has, without waiting until there are many;
 * and it confirms the purge when none of the places at which the document was ever written is a record here any more.
 * A node that comes back with an old disk or an old backup gets the purge like any change, and does the same.
 */
export interface PurgeState {
  /** `unknown`: nothing of this document was ever here. `present`: it is not purged. `purging`: records have it still. */
  readonly state: "purged" | "purging" | "present" | "unknown";
  /** What is still there, in words; empty when nothing is. */
  readonly reason: string;
}

/** Documents that are looked at before others have their turn. */
const LOOKED_AT = 50;

export class Purges {
  /** Those that this node has not confirmed. */
  private readonly pending = new Map<string, DocumentName>();

  constructor(
    storage: Storage,
    private readonly journal: Journal,
    private readonly documents: Documents,
    private readonly log: Log,
  ) {
    for (const [key] of storage.scan(allPurging())) this.add(documentOfKey(key));
  }

  /** Whether records should go as soon as they may. */
  get isPending(): boolean {
    return this.pending.size > 0;
  }

  /** The document has been deleted, or brought back, or purged. */
  changed({ name }: DocumentEntry, document: Document): void {
    const id = documentId(name);
    const isPurged = document.isDeleted && remainingIn(document).length === 0;
    if (isPurged === this.pending.has(id)) return;
    const key = purgingKey(name);
    this.journal.put(key, isPurged ? purgingRow.encode(key, 1) : undefined);
    if (isPurged) this.add(name);
    else this.pending.delete(id);
  }

  /** Drops those that are done, a few at a time: each is read for it. Called a few times a second. */
  look(): void {
    for (const [id, name] of [...take(this.pending, LOOKED_AT)]) {
      this.pending.delete(id);
      if (this.stateOf(name).state === "purging") this.pending.set(id, name);
      else this.journal.put(purgingKey(name), undefined);
    }
  }

  stateOf(name: DocumentName): PurgeState {
    const entry = this.documents.find(name);
    if (entry === undefined || entry.tailLength === 0) return { state: "unknown", reason: "" };
    const document = this.documents.read(entry);
    if (!document.isDeleted) return { state: "present", reason: "it is not deleted" };
    const remaining = remainingIn(document);
    if (remaining.length > 0)
      return { state: "present", reason: `${remaining.join(", ")} holds something, hidden by a deletion` };
    for (const vector of this.documents.placesOf(entry).values()) {
      for (const [id, position] of vector) {
        const stream = this.log.stream(id);
        if (stream === undefined || stream.truncated >= position) continue;
        const reason = `records of ${stream.opening.node} up to ${position} are kept until all members have them, and for a minute after a snapshot`;
        return { state: "purging", reason };
      }
    }
    return { state: "purged", reason: "" };
  }

  private add(name: DocumentName): void {
    this.pending.set(documentId(name), name);
  }
}

function* take<T>(from: Iterable<T>, count: number): Iterable<T> {
  let left = count;
  for (const each of from) {
    if (left-- <= 0) return;
    yield each;
  }
}
