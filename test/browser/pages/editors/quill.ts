import Quill from "quill";
import "quill/dist/quill.snow.css";
import QuillCursors from "quill-cursors";
import { QuillBinding } from "y-quill";
import { textPage } from "./note.js";

Quill.register("modules/cursors", QuillCursors);

/** Quill with the binding of Yjs, and the cursors of others. */
textPage((place, notes, user) => {
  notes.awareness.setLocalStateField("user", user);
  const quill = new Quill(place, {
    theme: "snow",
    modules: { cursors: true, toolbar: false, history: { userOnly: true } },
  });
  const binding = new QuillBinding(notes.y, quill, notes.awareness);
  return { shown: () => quill.getContents().ops, destroy: () => binding.destroy() };
});
