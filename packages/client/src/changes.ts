/**
 * What changes in an open document, change by change.
 *
 * It is noted as it happens and told when the document says that it has changed, so nobody is called in the middle of
 * anything. A state that takes the document's place, because one of its changes was refused, is one event: the
 * difference. An app that does not call this does not ship it.
 */
import { type DocumentEvent, differences, observe, type PlaceChange } from "@syncline/core";
import { type Doc, type HandleParts, partsOf } from "./document.js";
import type { Fields } from "./schema.js";

/** One change: a transaction made here or somewhere else, or a state that came whole. */
export interface DocEvent {
  /** True if it was made by this database. */
  readonly local: boolean;
  /** Whose it is: a number that stands for one database as long as it is open. Undefined for a state that came whole. */
  readonly author: number | undefined;
  /** The places that show something else now, at least one: their path and kind, what was there, and what is there. */
  readonly changes: readonly PlaceChange[];
}

/**
 * Calls `listener` after each change of a document, by whomever, at the moments at which `subscribe` calls; changes that
 * arrive together are told one after the other. Of a set or a list it is told all of it, before and after. What the
 * listener throws is reported as uncaught and disturbs nobody else. Returns a function that ends this; closing the
 * document ends it too. Throws a `SynclineError`: `CLOSED`, and `INVALID_VALUE` for what is no open document.
 */
export function onChange<F extends Fields>(
  document: Doc<F>,
  listener: (event: DocEvent) => void,
): () => void {
  const parts = partsOf(document);
  const events: DocEvent[] = [];
  return parts.listen(
    (told) =>
      tellChanges(parts.open, (event) => {
        events.push(event);
        told();
      }),
    () => {
      for (const event of events.splice(0)) listener(event);
    },
  );
}

function tellChanges(open: HandleParts["open"], tell: (event: DocEvent) => void): () => void {
  let watched = open.document;
  let events: DocumentEvent[] = [];
  const watch = (): (() => void) => {
    watched = open.document;
    return observe(watched, (event) => events.push(event));
  };
  let stopWatching = watch();
  const stopListening = open.onChange(() => {
    const told = events;
    events = [];
    if (open.document !== watched) {
      stopWatching();
      const changes = differences(watched, open.document);
      if (changes.length > 0) told.push({ local: false, author: undefined, changes });
      stopWatching = watch();
    }
    for (const event of told) tell(event);
  });
  return () => {
    stopListening();
    stopWatching();
  };
}
