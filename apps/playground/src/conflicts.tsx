/**
 * Where people wrote different things at the same time. One of them is shown everywhere, the same one; the others are
 * still there until somebody who has seen them decides.
 */
import { type BoardDoc, type BoardDraft, COLUMNS } from "./board.js";
import { useChange } from "./change.js";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";

interface Conflict {
  readonly id: string;
  readonly what: string;
  /** The one that is shown comes first. */
  readonly values: readonly string[];
}

export function Conflicts() {
  const [conflicts = []] = useDocument("boards", boardKey, conflictsOf);
  const change = useChange();
  if (conflicts.length === 0) return null;
  return (
    <section className="panel">
      <h2>Written at the same time</h2>
      <p className="quiet small">Everybody sees the first one. Choose another one, or settle it as it is.</p>
      <ul className="conflicts">
        {conflicts.map(({ id, what, values }) => (
          <li key={id} data-conflict={what}>
            <span className="quiet small">{what}</span>
            <div className="links">
              {values.map((value, i) => (
                <button
                  key={value}
                  type="button"
                  className={i === 0 ? "shown" : ""}
                  onClick={() => change(`Settled on “${value}”`, (board) => registerOf(board, id).set(value))}
                >
                  {nameOf(id, value)}
                </button>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** All registers of the board that hold more than one value. */
function conflictsOf(board: BoardDoc): Conflict[] {
  const found: Conflict[] = [];
  const look = (id: string, what: string): void => {
    const values = [...new Set(registerOf(board, id).values)];
    if (values.length > 1) found.push({ id, what, values });
  };
  look("title", "Title of the board");
  for (const card of board.cards.keys) {
    const title = board.cards.at(card).at("title").value;
    if (title === undefined) continue;
    look(`${card}/title`, "Title of a card");
    look(`${card}/column`, `Where “${title}” is`);
  }
  return found;
}

function registerOf(board: BoardDraft, id: string): BoardDraft["title"];
function registerOf(board: BoardDoc, id: string): BoardDoc["title"];
function registerOf(board: BoardDoc | BoardDraft, id: string) {
  const [card = "", field] = id.split("/");
  return field === undefined ? board.title : board.cards.at(card).at(field);
}

const nameOf = (id: string, value: string): string =>
  id.endsWith("/column") ? (COLUMNS.find((column) => column.id === value)?.name ?? value) : value;
