import { defaultKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import "./note.js";

/** An app that knows nothing of Syncline: CodeMirror, Yjs, and a provider of y-websocket at the URL of a node. */
globalThis.openNote = async (url, user, key) => {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(`${url}/yjs`, `boards/${key}`, doc);
  provider.awareness.setLocalStateField("user", user);
  await new Promise<void>((resolve) => provider.once("sync", () => resolve()));
  const notes = doc.getText("notes");
  const undoManager = new Y.UndoManager(notes);
  const collab = yCollab(notes, provider.awareness, { undoManager });
  const view = new EditorView({
    parent: document.getElementById("root") as HTMLElement,
    state: EditorState.create({
      doc: notes.toString(),
      extensions: [keymap.of([...yUndoManagerKeymap, ...defaultKeymap]), collab],
    }),
  });
  globalThis.note = {
    isAt: () => true,
    shown: () => view.state.doc.toString(),
    text: () => notes.toString(),
    // It has no receipts: that it is connected is all that a provider knows.
    saveState: () => (provider.wsconnected ? "saved" : "offline"),
    lost: () => [],
    refused: () => [],
    newStep: () => undoManager.stopCapturing(),
  };
};
