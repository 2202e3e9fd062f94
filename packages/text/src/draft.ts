/**
 * Text while a transaction writes to it.
 *
 * Yjs takes nothing back, so a transaction writes to a Y.Doc of its own, which is thrown away with it. What it does
 * there is recorded as it is done, and reaches the Y.Doc that editors are bound to when the transaction is over.
 */
import {
  type BareDocument,
  checkFieldName,
  type DraftHome,
  InvalidValue,
  type MapDraft,
  textLog,
} from "@syncline/core";
import * as Y from "yjs";
import { applyAll, shownText } from "./reading.js";
import { NOTHING, touchedRoots } from "./roots.js";

type Place = Pick<MapDraft, "at">;

/** The Y.Doc of a transaction. */
export function scratchOf(place: Place, { document }: DraftHome): Y.Doc {
  const known = scratches.get(place);
  if (known !== undefined) return known;
  const doc = new Y.Doc();
  applyAll(
    doc,
    document.all(textLog).flatMap(([, state]) => state.updates()),
  );
  doc.clientID = clientOf(document);
  doc.on("update", (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
    const [first = "text", ...others] = touchedRoots(transaction);
    for (const name of [first, ...others]) {
      const reason = checkFieldName(name);
      if (reason !== undefined) throw new InvalidValue(`field ${JSON.stringify(name)}: ${reason}`);
    }
    place.at(first, textLog).bring(update);
    for (const name of others) place.at(name, textLog).bring(NOTHING);
  });
  scratches.set(place, doc);
  return doc;
}

const scratches = new WeakMap<object, Y.Doc>();

/** One Yjs client writes all transactions of a document: each new one costs every replica a little for ever. */
function clientOf(document: BareDocument): number {
  let client = clients.get(document);
  if (client === undefined) clients.set(document, (client = new Y.Doc().clientID));
  return client;
}

const clients = new WeakMap<BareDocument, number>();

/** Marks of characters by name, as editors have them. */
export type Attributes = Record<string, unknown>;

/** Reads and writes a text within a transaction. */
export interface TextDraft<Root extends Y.Text | Y.XmlFragment = Y.Text> {
  /** The text as a type of Yjs that belongs to this transaction: whatever it can do is part of the change. */
  readonly y: Root;
  /** In UTF-16 units, as strings have them. */
  readonly length: number;
  /** Throws `INVALID_VALUE` for a place that the text does not have. */
  insert(index: number, text: string, attributes?: Attributes): void;
  /** Throws `INVALID_VALUE` for a place that the text does not have. */
  delete(index: number, length: number): void;
  toString(): string;
}

export class TextEditor {
  readonly #doc: Y.Doc;
  readonly #name: string;
  readonly #isXml: boolean;

  constructor(doc: Y.Doc, name: string, isXml: boolean) {
    this.#doc = doc;
    this.#name = name;
    this.#isXml = isXml;
  }

  get y(): Y.Text | Y.XmlFragment {
    return this.#isXml ? this.#doc.getXmlFragment(this.#name) : this.#doc.getText(this.#name);
  }

  get length(): number {
    return this.y.length;
  }

  insert(index: number, text: string, attributes?: Attributes): void {
    this.#mustHave(index, 0);
    if (text === "") return;
    const { y } = this;
    if (y instanceof Y.XmlFragment) y.insert(index, [new Y.XmlText(text)]);
    else if (attributes === undefined) y.insert(index, text);
    else y.insert(index, text, attributes);
  }

  delete(index: number, length: number): void {
    this.#mustHave(index, length);
    if (length > 0) this.y.delete(index, length);
  }

  toString(): string {
    return shownText(this.#doc, this.#name);
  }

  #mustHave(index: number, length: number): void {
    const isThere = Number.isSafeInteger(index) && Number.isSafeInteger(length) && index >= 0 && length >= 0;
    if (!isThere || index + length > this.length) {
      throw new InvalidValue(`a text of ${this.length} has nothing at ${index} of length ${length}`);
    }
  }
}
