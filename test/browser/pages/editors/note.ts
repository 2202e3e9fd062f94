/**
 * What the pages with editors have in common: one document on one server, and an editor that is bound to a text of it as
 * the manual of its binding says. Nothing here knows which editor that is.
 */
import { connect, type Doc, defineSchema, presence } from "@syncline/client";
import { type TextView, text } from "@syncline/text";
import type * as Y from "yjs";

export interface Person {
  readonly name: string;
  readonly color: string;
}

export type CaretPlace = "start" | "end";

/** An editor on the page. */
export interface Mounted {
  /** What the editor itself says that it shows. */
  shown(): unknown;
  /** Whether the editor knows that the caret is there, where it hears of that from the browser, later. */
  isAt?(place: CaretPlace): boolean;
  destroy(): void;
}

/** Makes an editor in `place`, bound to `notes`. */
export type Mount<View> = (place: HTMLElement, notes: View, person: Person) => Mounted;

/** What the tests ask a page. */
export interface EditorPage {
  shown(): unknown;
  isAt(place: CaretPlace): boolean;
  /** What the document says, without asking the editor. */
  text(): string;
  saveState(): string;
  /** What the text was each time when another one took its place. */
  lost(): string[];
  /** Codes of what was refused for good. */
  refused(): string[];
  /** What is typed from here on is not taken back together with what was typed just before. */
  newStep?(): void;
}

declare global {
  var note: EditorPage;
  /** Resolves once a server has sent what it has, and the editor is there. Who it is is also what lets them in. */
  var openNote: (url: string, person: Person, key: string) => Promise<void>;
}

const fields = { notes: text(), page: text({ type: "xml" }) };
const schema = defineSchema({ boards: fields });
type Board = Doc<typeof fields>;

/** Of ProseMirror and what is made of it: a document's first place is in its first paragraph, its last in the last one. */
export function isCaretAt(
  place: CaretPlace,
  { selection, doc }: { selection: { from: number; to: number }; doc: { content: { size: number } } },
): boolean {
  const wanted = place === "start" ? 1 : doc.content.size - 1;
  return selection.from === wanted && selection.to === wanted;
}

/** For editors of a plain or marked text. */
export const textPage = (mount: Mount<TextView>): void => start(({ notes }) => notes, mount);

/** For editors of elements and texts. */
export const xmlPage = (mount: Mount<TextView<Y.XmlFragment>>): void => start(({ page }) => page, mount);

function start<View extends TextView | TextView<Y.XmlFragment>>(
  pick: (board: Board) => View,
  mount: Mount<View>,
): void {
  globalThis.openNote = async (url, person, key) => {
    const database = connect(url, { schema, token: person.name, presence });
    const lost: string[] = [];
    const refused: string[] = [];
    database.onRejected(({ error }) => refused.push(error.code));
    const board = database.open("boards", key);
    await board.ready;
    const view = pick(board);
    const bind = (): Mounted => {
      const place = document.createElement("div");
      document.getElementById("root")?.replaceChildren(place);
      return mount(place, view, person);
    };
    let editor = bind();
    view.onReplaced((was) => {
      lost.push(was.toString());
      editor.destroy();
      editor = bind();
    });
    globalThis.note = {
      shown: () => editor.shown(),
      isAt: (place) => editor.isAt?.(place) ?? true,
      text: () => view.toString(),
      saveState: () => board.saveState,
      lost: () => lost,
      refused: () => refused,
    };
  };
}
