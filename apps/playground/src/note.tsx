/** The shared note. Its editor is loaded when the page is there already. */
import { lazy, Suspense } from "react";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";

const NoteEditor = lazy(() => import("./note-editor.js"));

export function Note() {
  // Others take their place when a change was refused for good, since Yjs takes nothing back.
  const [text] = useDocument("boards", boardKey, (board) => board.notes.y);
  const [awareness] = useDocument("boards", boardKey, (board) => board.notes.awareness);
  return (
    <section className="note" aria-label="Note">
      <h2>Note</h2>
      <Suspense fallback={<div className="editor" />}>
        {text && awareness && <NoteEditor text={text} awareness={awareness} />}
      </Suspense>
    </section>
  );
}
