/** Text as a field of a schema: what editors are bound to. */
import { type Access, access, type CustomField, type Home, InvalidValue } from "@syncline/core";
import type { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { scratchOf, type TextDraft, TextEditor } from "./draft.js";
import { shownText } from "./reading.js";
import { type SharedDoc, sharedDoc } from "./shared.js";

/** Reads a text, and is what an editor is bound to. */
export interface TextView<Root extends Y.Text | Y.XmlFragment = Y.Text> {
  /** The text as a type of Yjs: give it to an editor's binding. What is done to it is a change of the document. */
  readonly y: Root;
  /** The Y.Doc that it lives in, with all texts of the document as root types. */
  readonly doc: Y.Doc;
  /** The document's presence as an Awareness of y-protocols: for the cursors of editors. */
  readonly awareness: Awareness;
  /**
   * Calls `listener` when a change was refused for good: `y` and `doc` are others from now on, and editors must be bound
   * to them. It is given `y` as it was, with what was refused in it, which is kept nowhere else. Returns a function that
   * ends this.
   */
  onReplaced(listener: (was: Root) => void): () => void;
  /** The text without marks; of XML its markup. */
  toString(): string;
  toJSON(): string;
}

/** Holds a text that many people write. Made by `text()`. */
export type TextField = CustomField<"text", TextView, TextDraft, string>;

/** Holds a tree of elements and texts, as ProseMirror and Tiptap have it. Made by `text({ type: "xml" })`. */
export type XmlField = CustomField<"text", TextView<Y.XmlFragment>, TextDraft<Y.XmlFragment>, string>;

/** A field for text: a `Y.Text`, or with `{ type: "xml" }` a `Y.XmlFragment`. */
export function text(options?: { readonly type?: "text" }): TextField;
export function text(options: { readonly type: "xml" }): XmlField;
export function text({ type = "text" }: { readonly type?: "text" | "xml" } = {}): object {
  if (type !== "text" && type !== "xml") throw new InvalidValue(`text is of type text or xml, not ${type}`);
  const isXml = type === "xml";
  const how: Access = {
    view(_place, name, home) {
      if (home === undefined) throw new InvalidValue(ONLY_FIELDS);
      return new LiveText(home, name, isXml);
    },
    draft(place, name, home) {
      if (home === undefined) throw new InvalidValue(ONLY_FIELDS);
      return new TextEditor(scratchOf(place, home), name, isXml);
    },
  };
  return { kind: "text", [access]: how };
}

const ONLY_FIELDS = "text is a field of a document and cannot be inside a map";

class LiveText {
  readonly #home: Home;
  readonly #name: string;
  readonly #isXml: boolean;

  constructor(home: Home, name: string, isXml: boolean) {
    this.#home = home;
    this.#name = name;
    this.#isXml = isXml;
  }

  get y(): Y.Text | Y.XmlFragment {
    return this.#in(this.#shared.doc);
  }

  get doc(): Y.Doc {
    return this.#shared.doc;
  }

  get awareness(): Awareness {
    return this.#shared.awareness;
  }

  onReplaced(listener: (was: Y.Text | Y.XmlFragment) => void): () => void {
    return this.#shared.onReplaced((was) => listener(this.#in(was)));
  }

  toString(): string {
    return shownText(this.#shared.doc, this.#name);
  }

  toJSON(): string {
    return this.toString();
  }

  #in(doc: Y.Doc): Y.Text | Y.XmlFragment {
    return this.#isXml ? doc.getXmlFragment(this.#name) : doc.getText(this.#name);
  }

  get #shared(): SharedDoc {
    return sharedDoc(this.#home);
  }
}
