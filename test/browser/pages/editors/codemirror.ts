import { defaultKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import { textPage } from "./note.js";

/** CodeMirror with the binding of Yjs. */
textPage((parent, notes, user) => {
  notes.awareness.setLocalStateField("user", user);
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: notes.y.toString(),
      extensions: [keymap.of([...yUndoManagerKeymap, ...defaultKeymap]), yCollab(notes.y, notes.awareness)],
    }),
  });
  return { shown: () => view.state.doc.toString(), destroy: () => view.destroy() };
});
