import * as monaco from "monaco-editor/esm/vs/editor/editor.api.js";
import { MonacoBinding } from "y-monaco";
import { UndoManager } from "yjs";
import { textPage } from "./note.js";

/**
 * Monaco with the binding of Yjs: its editor alone, without languages. Its own undo does not know that others type, so that
 * of Yjs takes its place.
 */
textPage((place, notes, user) => {
  place.style.height = "300px";
  notes.awareness.setLocalStateField("user", user);
  const model = monaco.editor.createModel("", "plaintext");
  const editor = monaco.editor.create(place, { model });
  const binding = new MonacoBinding(notes.y, model, new Set([editor]), notes.awareness);
  const history = new UndoManager(notes.y, { trackedOrigins: new Set([binding]) });
  const { CtrlCmd, Shift } = monaco.KeyMod;
  const { KeyZ } = monaco.KeyCode;
  editor.addAction({
    id: "undo",
    label: "Undo",
    keybindings: [CtrlCmd | KeyZ],
    run: () => void history.undo(),
  });
  editor.addAction({
    id: "redo",
    label: "Redo",
    keybindings: [CtrlCmd | Shift | KeyZ],
    run: () => void history.redo(),
  });
  return {
    shown: () => model.getValue(),
    destroy() {
      history.destroy();
      binding.destroy();
      editor.dispose();
      model.dispose();
    },
  };
});
