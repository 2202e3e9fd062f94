/** The editor of the note: CodeMirror, bound to a shared text by the binding that Yjs has for it, unchanged. */
import { defaultKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import type { Text } from "yjs";
import type { Cursors } from "./cursors.js";

export default function NoteEditor({ text, cursors }: { text: Text; cursors: Cursors }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text.toString(),
        extensions: [
          keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Shared note" }),
          placeholder("Write together"),
          yCollab(text, cursors),
        ],
      }),
    });
    return () => view.destroy();
  }, [text, cursors]);
  return <div ref={place} className="editor" />;
}
