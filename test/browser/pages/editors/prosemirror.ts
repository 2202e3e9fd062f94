import { baseKeymap, toggleMark } from "prosemirror-commands";
import { keymap } from "prosemirror-keymap";
import { DOMSerializer } from "prosemirror-model";
import { schema } from "prosemirror-schema-basic";
import { EditorState } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import "prosemirror-view/style/prosemirror.css";
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from "y-prosemirror";
import { isCaretAt, xmlPage } from "./note.js";

/** ProseMirror with the binding of Yjs. */
xmlPage((place, notes, user) => {
  notes.awareness.setLocalStateField("user", user);
  const view = new EditorView(place, {
    state: EditorState.create({
      schema,
      plugins: [
        ySyncPlugin(notes.y),
        yCursorPlugin(notes.awareness),
        yUndoPlugin(),
        keymap({
          "Mod-z": undo,
          "Mod-y": redo,
          "Mod-b": toggleMark(schema.marks.strong),
          "Mod-i": toggleMark(schema.marks.em),
        }),
        keymap(baseKeymap),
      ],
    }),
  });
  return {
    shown() {
      const out = document.createElement("div");
      DOMSerializer.fromSchema(schema).serializeFragment(view.state.doc.content, {}, out);
      return out.innerHTML;
    },
    isAt: (place) => isCaretAt(place, view.state),
    destroy: () => view.destroy(),
  };
});
