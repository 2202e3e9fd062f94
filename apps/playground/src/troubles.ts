/** What went wrong with single changes, until somebody has read it: a small store of the app's own. */
import { SynclineError } from "@syncline/client";
import { useSyncExternalStore } from "react";

let list: readonly SynclineError[] = [];
const listeners = new Set<() => void>();

const SHOWN_MAX = 3;

export function report(error: unknown): void {
  // A fault of this page is for the console.
  if (!(error instanceof SynclineError)) throw error;
  show([error, ...list].slice(0, SHOWN_MAX));
}

export function dismiss(error: SynclineError): void {
  show(list.filter((one) => one !== error));
}

export const useTroubles = (): readonly SynclineError[] => useSyncExternalStore(subscribe, () => list);

function show(next: readonly SynclineError[]): void {
  list = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
