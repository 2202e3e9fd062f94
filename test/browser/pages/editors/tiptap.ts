import { Editor } from "@tiptap/core";
import Collaboration from "@tiptap/extension-collaboration";
import CollaborationCaret from "@tiptap/extension-collaboration-caret";
import StarterKit from "@tiptap/starter-kit";
import { isCaretAt, xmlPage } from "./note.js";

/** Tiptap with its own extensions for working together, and all that its starter kit has but the undo of one person. */
xmlPage((element, notes, user) => {
  const editor = new Editor({
    element,
    extensions: [
      StarterKit.configure({ undoRedo: false }),
      Collaboration.configure({ fragment: notes.y }),
      CollaborationCaret.configure({ provider: notes, user }),
    ],
  });
  return {
    shown: () => editor.getHTML(),
    isAt: (place) => isCaretAt(place, editor.state),
    destroy: () => editor.destroy(),
  };
});
