/**
 * How a field of a schema is read and written by an app. Packages that bring kinds of their own make fields that the
 * client treats like its own ones.
 */
import type { BareDocument } from "./document.js";
import type { Draft } from "./draft.js";
import type { MapDraft, MapView } from "./map.js";
import type { Value } from "./value.js";

/** How a field is read and written. Apps neither see nor make it. */
export const access = Symbol("access");

/** Makes the view and the editor of what has a name: in a document, or in a map of one. */
export interface Access {
  /** What reads it. @param place what is there at the moment of reading: it may be replaced. */
  view(place: () => Pick<MapView, "at">, name: string, home?: Home): object;
  /** The editor, within a transaction. @param place where it is recorded. */
  draft(place: Pick<MapDraft, "at">, name: string, home?: DraftHome): object;
}

/** The document that a draft writes to, where the place is not inside a map. */
export interface DraftHome {
  readonly document: BareDocument;
}

/** An open document as seen by what lives with it: the same for all that read it, as long as it is open. */
export interface Home {
  /** One for each open document, however many handles there are on it. */
  readonly key: object;
  /** True once nothing can be changed through it any more. */
  readonly isClosed: boolean;
  /** The document that is there now: it may be replaced. */
  document(): BareDocument;
  /** Calls `listener` after every change, by whomever. Returns a function that ends this. */
  onChange(listener: () => void): () => void;
  /** A transaction of its own. Throws what `transact` of a document throws. */
  transact(mutate: (draft: Draft) => void): void;
  /** Takes what a listener has thrown. */
  report(error: unknown): void;
  /** Who is here at present. */
  readonly presence: Presence;
}

/** What everybody shows of himself at a document at present. Nothing of it is ever stored. */
export interface Presence<T = Value> {
  /** What is shown of this client, undefined if nothing is. */
  readonly mine: T | undefined;
  /**
   * What the others show, of the clients that are connected and have set something. The same list until something
   * changes. The type is your promise: others may show what you do not expect.
   */
  readonly others: readonly Other<T>[];
  /** Why nobody is shown and nothing can be: `INVALID_VALUE` where the client was not told to show who is there. */
  readonly error: (Error & { readonly code: string }) | undefined;
  /**
   * Shows this to the others from now on, instead of what was shown. It ends with `clear`, with the last handle on the
   * document and with the page. Throws `INVALID_VALUE`, and `LIMIT_EXCEEDED` for more than 4 KiB.
   */
  set(state: T): void;
  /** Shows nothing any more. */
  clear(): void;
  /** Calls `listener` whenever `mine` or `others` have changed; not now. Returns a function that ends this. */
  subscribe(listener: () => void): () => void;
}

/** Somebody else at a document. */
export interface Other<T = Value> {
  /** The same as long as that client is connected. */
  readonly id: string;
  readonly state: T;
}

/** For the types of fields only: nothing has this property. */
export declare const shows: unique symbol;

/** A field of a kind that the client does not know: what it is read, written and shown as. */
export interface CustomField<Kind extends string, View extends object, Editor extends object, Json> {
  readonly kind: Kind;
  readonly [access]?: Access;
  readonly [shows]: { readonly view: View; readonly draft: Editor; readonly json: Json };
}
