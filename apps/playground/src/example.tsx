/** For a board on which nothing is yet: a button that puts something there. All of it is one transaction. */
import { addCard, type BoardDraft } from "./board.js";
import { useChange } from "./change.js";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";

const CARDS = [
  ["done", "Two people write at the same time", "crdt"],
  ["done", "Reload without a network", "offline"],
  ["doing", "Kill the server that this tab is on", "demo"],
  ["doing", "Cut the link between the masters", "demo"],
  ["todo", "Move one card from two tabs at once", "crdt"],
  ["todo", "Read docs/getting-started.md", "docs"],
] as const;

export function Example() {
  const [isEmpty] = useDocument("boards", boardKey, (board) => board.cards.keys.length === 0);
  const change = useChange();
  if (isEmpty !== true) return null;
  return (
    <p className="example">
      Nothing is here yet.{" "}
      <button type="button" onClick={() => change("Filled the board", fill)}>
        Fill it with an example
      </button>
    </p>
  );
}

function fill(board: BoardDraft): void {
  board.title.set("Things to try");
  for (const [column, title, tag] of CARDS) {
    const id = crypto.randomUUID();
    addCard(board, id, column, title);
    board.tags.at(id).add(tag);
  }
}
