/** What a board is made of, and the hooks that know it. */
import { counter, defineSchema, list, map, register, set } from "@syncline/client";
import { createHooks } from "@syncline/react";
import { text } from "@syncline/text";

const board = {
  title: register<string>(),
  /** A card has a `title`, and the `column` it is in. */
  cards: map(map(register<string>())),
  /** The cards from top to bottom, those of all columns: each column shows its own. */
  order: list<string>(),
  /** By card. */
  tags: map(set<string>()),
  votes: map(counter()),
  notes: text(),
};

export type BoardFields = typeof board;

export const schema = defineSchema({ boards: board });

export const {
  SynclineProvider,
  useDatabase,
  useDocument,
  usePresence,
  useReceipts,
  useSaveState,
  useStatus,
} = createHooks(schema);
