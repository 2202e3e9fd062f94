/** A card: its title, its tags, its votes. It renders again only when one of them is another one. */
import { useEffect, useRef } from "react";
import { cardOf, removeCard } from "./board.js";
import { useChange } from "./change.js";
import { Editable } from "./editable.js";
import { useDragging, useMoving } from "./moving.js";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";
import { Tags } from "./tags.js";

export function Card({ id }: { id: string }) {
  const [card] = useDocument("boards", boardKey, (board) => cardOf(board, id));
  const change = useChange();
  const { dragged, takesFocus } = useMoving();
  const dragging = useDragging({ id, title: card?.title ?? "" });
  const handle = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (takesFocus(id)) handle.current?.focus();
  }, [id, takesFocus]);

  if (card === undefined) return null;
  const { title, votes, tags } = card;
  return (
    <li className="card" data-card={id} data-dragged={dragged?.card.id === id || undefined} {...dragging}>
      <div className="head">
        <Editable
          value={title}
          label="Title of the card"
          onChange={(value) =>
            change(`Renamed “${value}”`, (board) => board.cards.at(id).at("title").set(value))
          }
        />
        <button
          ref={handle}
          type="button"
          className="handle"
          aria-label={`Move ${title}: arrow keys`}
          title="Drag, or use the arrow keys"
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M5.5 3.5h.01M10.5 3.5h.01M5.5 8h.01M10.5 8h.01M5.5 12.5h.01M10.5 12.5h.01" />
          </svg>
        </button>
      </div>
      <div className="foot">
        <Tags card={id} title={title} tags={tags} />
        <button
          type="button"
          className="vote"
          aria-label={`Vote for ${title}: ${votes} ${votes === 1 ? "vote" : "votes"}`}
          onClick={() => change(`Voted for “${title}”`, (board) => board.votes.at(id).increment())}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 10l5-5 5 5" />
          </svg>
          {votes}
        </button>
        <button
          type="button"
          className="remove"
          aria-label={`Remove ${title}`}
          onClick={() => change(`Removed “${title}”`, (board) => removeCard(board, id))}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M4 4l8 8M12 4l-8 8" />
          </svg>
        </button>
      </div>
    </li>
  );
}
