/**
 * Moving cards: by mouse, by touch on the handle, and by the arrow keys on the handle.
 *
 * All three end in one `move`, which is one transaction. While a card is dragged, only where it would go is state here.
 */
import {
  createContext,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useState,
} from "react";
import { type BoardDraft, COLUMNS, cardsIn, moveCard } from "./board.js";
import { useChange } from "./change.js";

export interface MovedCard {
  readonly id: string;
  readonly title: string;
}

/** Where a card goes: above another one, or to the end of a column. */
export interface Place {
  readonly column: string;
  readonly above: string | undefined;
}

interface Moving {
  /** The card that is dragged, and where it would go. */
  readonly dragged: { readonly card: MovedCard; readonly place: Place } | undefined;
  drag(card: MovedCard, place: Place): void;
  drop(): void;
  cancel(): void;
  /** One step by keyboard. */
  step(card: MovedCard, key: string): void;
  /** Whether the handle of this card takes the focus back, after it came to another column. Once. */
  takesFocus(id: string): boolean;
}

const Context = createContext<Moving | undefined>(undefined);

export function MovingCards({ children }: { children: ReactNode }) {
  const change = useChange();
  const [dragged, setDragged] = useState<Moving["dragged"]>();
  const [said, say] = useState("");
  const focused = useRef<string>(undefined);

  /** Moves a card to where `find` says, from what the board is at that moment. */
  const move = useCallback(
    ({ id, title }: MovedCard, find: (board: BoardDraft) => Place | undefined) => {
      change(`Moved “${title}”`, (board) => {
        const place = find(board);
        if (place === undefined) return;
        moveCard(board, id, place.column, place.above);
        const cards = cardsIn(board, place.column);
        const name = COLUMNS.find((column) => column.id === place.column)?.name;
        say(`${title} is in ${name}, ${cards.indexOf(id) + 1} of ${cards.length}`);
      });
    },
    [change],
  );

  const moving = useMemo<Moving>(
    () => ({
      dragged,
      drag: (card, place) => {
        const { column, above } = dragged?.place ?? {};
        const isSame = dragged?.card.id === card.id && column === place.column && above === place.above;
        if (!isSame) setDragged({ card, place });
      },
      drop: () => {
        setDragged(undefined);
        if (dragged !== undefined) move(dragged.card, () => dragged.place);
      },
      cancel: () => setDragged(undefined),
      step: (card, key) => {
        focused.current = card.id;
        move(card, (board) => placeAfter(board, card.id, key));
      },
      takesFocus: (id) => {
        if (focused.current !== id) return false;
        focused.current = undefined;
        return true;
      },
    }),
    [dragged, move],
  );
  return (
    <Context value={moving}>
      {children}
      <p className="unseen" role="status">
        {said}
      </p>
    </Context>
  );
}

export function useMoving(): Moving {
  const moving = useContext(Context);
  if (moving === undefined) throw new Error("cards are within MovingCards");
  return moving;
}

/** What makes an element draggable. Mice may take a card anywhere, fingers only by its handle: they also scroll. */
export function useDragging(card: MovedCard) {
  const { drag, drop, cancel, step } = useMoving();
  const from = useRef<{ readonly x: number; readonly y: number; isDragged: boolean }>(undefined);
  const end = (element: HTMLElement): void => {
    element.style.translate = "";
    from.current = undefined;
  };
  return {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      const target = event.target as Element;
      const isHandle = target.closest(".handle") !== null;
      if (event.button !== 0 || (!isHandle && (event.pointerType !== "mouse" || isControl(target)))) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      from.current = { x: event.clientX, y: event.clientY, isDragged: false };
    },
    onPointerMove({ clientX, clientY, currentTarget }: PointerEvent<HTMLElement>) {
      const { current } = from;
      if (current === undefined) return;
      const [x, y] = [clientX - current.x, clientY - current.y];
      current.isDragged ||= Math.hypot(x, y) > CLICK_PIXELS_MAX;
      if (!current.isDragged) return;
      currentTarget.style.translate = `${x}px ${y}px`;
      drag(card, placeAt(clientX, clientY, card.id));
    },
    onPointerUp({ currentTarget }: PointerEvent<HTMLElement>) {
      if (from.current?.isDragged) drop();
      end(currentTarget);
    },
    onPointerCancel({ currentTarget }: PointerEvent<HTMLElement>) {
      cancel();
      end(currentTarget);
    },
    onKeyDown(event: KeyboardEvent<HTMLElement>) {
      if (event.key === "Escape" && from.current !== undefined) {
        cancel();
        end(event.currentTarget);
      }
      if ((event.target as Element).closest(".handle") === null || !event.key.startsWith("Arrow")) return;
      event.preventDefault();
      step(card, event.key);
    },
  };
}

/** A pointer that moves less was meant as a click. */
const CLICK_PIXELS_MAX = 5;

const isControl = (element: Element): boolean => element.closest("button, input, textarea, a") !== null;

/** Where a card would go that is let go of here. */
function placeAt(x: number, y: number, id: string): Place {
  const columns = [...document.querySelectorAll<HTMLElement>("[data-column]")];
  const distance = (element: Element): number => {
    const { left, right } = element.getBoundingClientRect();
    return Math.max(left - x, x - right, 0);
  };
  const column = columns.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const cards = [...column.querySelectorAll<HTMLElement>("[data-card]")].filter(
    (card) => card.dataset.card !== id,
  );
  const above = cards.find((card) => {
    const { top, height } = card.getBoundingClientRect();
    return y < top + height / 2;
  });
  return { column: column.dataset.column ?? "", above: above?.dataset.card };
}

/** Where an arrow key takes a card; undefined if there is nowhere to go. */
function placeAfter(board: BoardDraft, id: string, key: string): Place | undefined {
  const at = COLUMNS.findIndex((column) => cardsIn(board, column.id).includes(id));
  const here = COLUMNS[at];
  if (here === undefined) return undefined;
  const cards = cardsIn(board, here.id);
  const index = cards.indexOf(id);
  switch (key) {
    case "ArrowUp":
      return index > 0 ? { column: here.id, above: cards[index - 1] } : undefined;
    case "ArrowDown":
      return index < cards.length - 1 ? { column: here.id, above: cards[index + 2] } : undefined;
    default: {
      const there = COLUMNS[at + (key === "ArrowLeft" ? -1 : 1)];
      return there && { column: there.id, above: cardsIn(board, there.id)[index] };
    }
  }
}
