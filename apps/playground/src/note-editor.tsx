/** The editor of the note: CodeMirror, bound to a shared text by the binding that Yjs has for it, unchanged. */
import { defaultKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import type { Awareness } from "y-protocols/awareness";
import type { Text } from "yjs";

export default function NoteEditor({ text, awareness }: { text: Text; awareness: Awareness }) {
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
          yCollab(text, awareness),
        ],
      }),
    });
    return () => view.destroy();
  }, [text, awareness]);
  return <div ref={place} className="editor" />;
}
