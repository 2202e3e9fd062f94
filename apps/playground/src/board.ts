/**
 * What is done to a board, and what is read of it. Each write is a few lines within one transaction: all of it is seen
 * everywhere, or nothing, and what others do at the same time is merged with it.
 */
import type { Doc, Draft } from "@syncline/client";
import type { BoardFields } from "./schema.js";

export type BoardDoc = Doc<BoardFields>;
export type BoardDraft = Draft<BoardFields>;
/** What can be read within a transaction and outside of it. */
type BoardRead = Pick<BoardDoc | BoardDraft, "cards" | "order">;

export const COLUMNS = [
  { id: "todo", name: "To do" },
  { id: "doing", name: "Doing" },
  { id: "done", name: "Done" },
] as const;

/** The cards of a column, from top to bottom. */
export function cardsIn(board: BoardRead, column: string): string[] {
  // A program may have made a card without a place, and one that was removed may have come back: they are at the end.
  const all = new Set([...board.order.values, ...board.cards.keys]);
  return [...all].filter((id) => isShown(board, id) && columnOf(board, id) === column);
}

/** Who removes a card may not have seen that somebody renames it: then it stays. Who only moves it has lost. */
const isShown = (board: BoardRead, id: string): boolean => board.cards.at(id).has("title");

const columnOf = (board: BoardRead, id: string): string =>
  board.cards.at(id).at("column").value ?? COLUMNS[0].id;

/** What is shown of a card. */
export function cardOf(board: BoardDoc, id: string) {
  return {
    title: board.cards.at(id).at("title").value ?? "",
    votes: board.votes.at(id).value,
    tags: board.tags.at(id).values,
  };
}

export function addCard(board: BoardDraft, id: string, column: string, title: string): void {
  board.cards.at(id).at("title").set(title);
  moveCard(board, id, column, undefined);
}

export function removeCard(board: BoardDraft, id: string): void {
  const index = board.order.indexOf(id);
  if (index >= 0) board.order.delete(index);
  board.cards.delete(id);
  board.tags.delete(id);
  board.votes.delete(id);
}

/** Puts a card above another one, or at the end of a column. */
export function moveCard(board: BoardDraft, id: string, column: string, above: string | undefined): void {
  const { order } = board;
  for (const card of board.cards.keys) {
    if (isShown(board, card) && order.indexOf(card) < 0) order.push(card);
  }
  const last = cardsIn(board, column).findLast((card) => card !== id);
  const from = order.indexOf(id);
  const to = above !== undefined ? order.indexOf(above) : last !== undefined ? order.indexOf(last) + 1 : from;
  // What stands behind it moves up.
  order.move(from, from < to ? to - 1 : to);
  board.cards.at(id).at("column").set(column);
}
