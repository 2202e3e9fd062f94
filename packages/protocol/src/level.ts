/**
 * How surely a node has a position.
 *
 * - `received`: in its memory.
 * - `durable`: on its disk, synced.
 * - `applied`: durable, and shown to its readers as soon as it is known to be committed.
 *
 * A node that has a position at a level has everything before it at that level, and has it `received`.
 */
export type Level = "received" | "durable" | "applied";

/** On the wire a level is its place in this list: never reorder. */
export const LEVELS: readonly Level[] = ["received", "durable", "applied"];

export const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text);
