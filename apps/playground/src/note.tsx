/** The shared note. Its editor is loaded when the page is there already. */
import { lazy, Suspense, useEffect, useMemo } from "react";
import { Cursors } from "./cursors.js";
import type { Shown } from "./me.js";
import { boardKey } from "./page.js";
import { useDocument, usePresence } from "./schema.js";

const NoteEditor = lazy(() => import("./note-editor.js"));

export function Note() {
  // Another one takes its place when a change was refused for good, since Yjs takes nothing back.
  const [text] = useDocument("boards", boardKey, (board) => board.notes.y, Object.is);
  const [others, show] = usePresence<Shown>("boards", boardKey);
  const cursors = useMemo(() => (text?.doc ? new Cursors(text.doc, show) : undefined), [text, show]);
  useEffect(() => cursors?.take(others), [cursors, others]);
  return (
    <section className="note" aria-label="Note">
      <h2>Note</h2>
      <Suspense fallback={<div className="editor" />}>
        {text && cursors && <NoteEditor text={text} cursors={cursors} />}
      </Suspense>
    </section>
  );
}
