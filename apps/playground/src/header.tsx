/** The board's title, and how it stands: who serves this tab, and whether all is saved. */
import { useChange } from "./change.js";
import { Editable } from "./editable.js";
import { boardKey } from "./page.js";
import { People } from "./people.js";
import { useDocument, useSaveState, useStatus } from "./schema.js";

export function Header() {
  const change = useChange();
  const [title] = useDocument("boards", boardKey, (board) => board.title.value ?? "");
  return (
    <header className="top">
      <Mark />
      <h1>
        <Editable
          value={title ?? ""}
          label="Title of the board"
          placeholder="Untitled board"
          onChange={(value) => change("Named the board", (board) => board.title.set(value))}
        />
      </h1>
      <People />
      <SaveState />
      <Connection />
    </header>
  );
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 5c7 0 5 7 8 7s1 7 8 7M4 19c7 0 5-7 8-7s1-7 8-7" />
    </svg>
  );
}

const SAVE_STATES = {
  saved: ["good", "Saved", "All of your changes are on a server's disk and committed."],
  saving: ["warn", "Saving", "Some of your changes are on their way."],
  offline: ["warn", "Offline", "Some of your changes wait for a connection."],
  rejected: ["bad", "Rejected", "A change was refused and taken back."],
} as const;

function SaveState() {
  const state = useSaveState("boards", boardKey) ?? "saved";
  const [tone, word, why] = SAVE_STATES[state];
  return (
    <span className={`pill ${tone}`} role="status" title={why} data-save-state={state}>
      {word}
    </span>
  );
}

function Connection() {
  const words = useStatus(({ connection, provider, master }) => {
    if (connection !== "connected") return ["warn", "Connecting"];
    if (master === provider) return ["good", `On ${provider}`];
    if (master === undefined) return ["warn", `On ${provider}, read-only`];
    return ["good", `On ${provider}, writing to ${master}`];
  });
  return (
    <span className={`pill ${words[0]}`} role="status" data-connection>
      {words[1]}
    </span>
  );
}
