/**
 * Where people wrote different things at the same time. One of them is shown everywhere, the same one; the others are
 * still there until somebody who has seen them decides, and what was not taken can be had back after that.
 */
import { conflictsOf } from "@syncline/client";
import { type BoardDoc, type BoardDraft, COLUMNS } from "./board.js";
import { useChange } from "./change.js";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";

const RESOLVED_MAX = 5;

export function Conflicts() {
  const [open = []] = useDocument("boards", boardKey, openIn);
  const [resolved = []] = useDocument("boards", boardKey, resolvedIn);
  const change = useChange();
  if (open.length + resolved.length === 0) return null;
  return (
    <section className="panel">
      <h2>Written at the same time</h2>
      {open.length > 0 && (
        <p className="quiet small">
          Everybody sees the first one. Choose another one, or settle it as it is.
        </p>
      )}
      <ul className="conflicts">
        {open.map(({ id, what, values }) => (
          <li key={id} data-conflict={what}>
            <span className="quiet small">{what}</span>
            <div className="links">
              {values.map((value, i) => (
                <button
                  key={value}
                  type="button"
                  className={i === 0 ? "shown" : ""}
                  onClick={() =>
                    change(`Settled on “${nameOf(id, value)}”`, (board) => registerOf(board, id).set(value))
                  }
                >
                  {nameOf(id, value)}
                </button>
              ))}
            </div>
          </li>
        ))}
        {resolved.map(({ key, id, what, winner, loser }) => (
          <li key={key} className="resolved" data-resolved={what}>
            <span className="quiet small">{what}</span>
            <span>
              <strong>{nameOf(id, winner)}</strong> was taken, not <s>{nameOf(id, loser)}</s>
            </span>
            <button
              type="button"
              aria-label={`Take ${nameOf(id, loser)} after all`}
              onClick={() =>
                change(`Took “${nameOf(id, loser)}” after all`, (board) => registerOf(board, id).set(loser))
              }
            >
              Take it after all
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** All registers of the board that hold more than one value. The one that is shown comes first. */
function openIn(board: BoardDoc) {
  return registersOf(board).flatMap(({ id, what }) => {
    const values = [...new Set(registerOf(board, id).values)];
    return values.length > 1 ? [{ id, what, values }] : [];
  });
}

/** The last conflicts that somebody has settled, the newest first. */
function resolvedIn(board: BoardDoc) {
  const registers = new Map(registersOf(board).map(({ id, what }) => [id, what]));
  const resolved = conflictsOf(board).flatMap(({ id: key, type, field, winner, losers }) => {
    const id = field.replace(/^cards\//, "");
    const what = registers.get(id);
    const loser = losers[0]?.value;
    if (type !== "concurrent_update" || what === undefined) return [];
    if (typeof winner.value !== "string" || typeof loser !== "string" || winner.value === loser) return [];
    // What is shown, or can be chosen still, is not lost.
    if (registerOf(board, id).values.includes(loser)) return [];
    return [{ key, id, what, winner: winner.value, loser }];
  });
  return resolved.reverse().slice(0, RESOLVED_MAX);
}

/** What people may write at the same time: the title of the board, and the title and the place of each card. */
function registersOf(board: BoardDoc) {
  const cards = board.cards.keys.flatMap((card) => {
    const title = board.cards.at(card).at("title").value;
    if (title === undefined) return [];
    return [
      { id: `${card}/title`, what: `Title of “${title}”` },
      { id: `${card}/column`, what: `Where “${title}” is` },
    ];
  });
  return [{ id: "title", what: "Title of the board" }, ...cards];
}

function registerOf(board: BoardDraft, id: string): BoardDraft["title"];
function registerOf(board: BoardDoc, id: string): BoardDoc["title"];
function registerOf(board: BoardDoc | BoardDraft, id: string) {
  const [card = "", field] = id.split("/");
  return field === undefined ? board.title : board.cards.at(card).at(field);
}

const nameOf = (id: string, value: string): string =>
  id.endsWith("/column") ? (COLUMNS.find((column) => column.id === value)?.name ?? value) : value;
