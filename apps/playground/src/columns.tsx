/** The board: three columns of cards. Each renders again only when its own list of cards is another one. */
import { type FormEvent, Fragment } from "react";
import { addCard, COLUMNS, cardsIn } from "./board.js";
import { Card } from "./card.js";
import { useChange } from "./change.js";
import { MovingCards, useMoving } from "./moving.js";
import { boardKey } from "./page.js";
import { useDocument } from "./schema.js";

export function Board() {
  return (
    <section className="board" aria-label="Board">
      <MovingCards>
        {COLUMNS.map(({ id, name }) => (
          <Column key={id} id={id} name={name} />
        ))}
      </MovingCards>
    </section>
  );
}

function Column({ id, name }: { id: string; name: string }) {
  const [cards] = useDocument("boards", boardKey, (board) => cardsIn(board, id));
  const { dragged } = useMoving();
  const place = dragged?.place.column === id ? dragged.place : undefined;
  return (
    <section className="column" data-column={id} aria-label={name}>
      <h2>
        {name} <span className="count">{cards?.length ?? "…"}</span>
      </h2>
      <ul className="cards">
        {cards?.map((card) => (
          <Fragment key={card}>
            {place?.above === card && <li className="gap" aria-hidden="true" />}
            <Card id={card} />
          </Fragment>
        ))}
        {place !== undefined && place.above === undefined && <li className="gap" aria-hidden="true" />}
      </ul>
      <NewCard column={id} name={name} />
    </section>
  );
}

function NewCard({ column, name }: { column: string; name: string }) {
  const change = useChange();
  const add = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const title = String(new FormData(form).get("title")).trim();
    if (title === "") return;
    form.reset();
    change(`Added “${title}”`, (board) => addCard(board, crypto.randomUUID(), column, title));
  };
  return (
    <form className="new" onSubmit={add}>
      <input
        name="title"
        placeholder="Add a card"
        aria-label={`New card in ${name}`}
        maxLength={200}
        autoComplete="off"
      />
    </form>
  );
}
