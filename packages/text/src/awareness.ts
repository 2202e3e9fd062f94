/**
 * Presence as editors know it: an Awareness of y-protocols that shows the presence of a document.
 *
 * What an editor sets is what this client shows of itself, and what an app sets with `presence.set` an editor sees, too:
 * it is one state. The others are those of the document, over all nodes, providers of y-websocket among them. Whether
 * somebody is still there is presence's affair: the timers of y-protocols are stopped.
 */
import type { Home, Value } from "@syncline/core";
import { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";

/** @param home through which this client shows itself: another one when its handle is closed. */
export function awarenessOf(home: () => Home, doc: Y.Doc): Awareness {
  const bridge = { isShowing: false, stop: (): void => {} };
  // Before the Awareness hears of it: it shows nothing more when its Y.Doc ends, but this client is still there.
  doc.on("destroy", () => {
    bridge.isShowing = true;
    bridge.stop();
  });
  const awareness = new Awareness(doc);
  clearInterval(awareness._checkInterval);

  const show = (): void => {
    const state = plain(awareness.getLocalState());
    const { presence, report } = home();
    if (same(state, presence.mine)) return;
    try {
      if (state === undefined) presence.clear();
      else presence.set(state);
    } catch (error) {
      report(error);
    }
  };
  const follow = (): void => {
    const { mine, others } = home().presence;
    bridge.isShowing = true;
    try {
      if (!same(plain(awareness.getLocalState()), mine) && (mine === undefined || isState(mine))) {
        // An editor that has said nothing yet shows an empty state, which is nothing.
        if (mine !== undefined || awareness.getLocalState() !== null) awareness.setLocalState(mine ?? {});
      }
      showOthers(
        awareness,
        new Map(others.map(({ id, state }) => [awarenessId(Number(id)), isState(state) ? state : {}])),
      );
    } finally {
      bridge.isShowing = false;
    }
  };
  awareness.on("update", () => {
    if (!bridge.isShowing) show();
  });
  bridge.stop = home().presence.subscribe(follow);
  follow();
  return awareness;
}

/** Awareness has ids of 32 bits. Those of y-websocket's clients are what they are; of ours the low bits are as random. */
export const awarenessId = (id: number): number => id % 2 ** 32;

function showOthers(awareness: Awareness, others: ReadonlyMap<number, Record<string, Value>>): void {
  const [added, updated, removed]: number[][] = [[], [], []];
  for (const id of awareness.states.keys()) {
    if (id !== awareness.clientID && !others.has(id)) removed!.push(id);
  }
  for (const id of removed!) {
    awareness.states.delete(id);
    awareness.meta.delete(id);
  }
  for (const [id, state] of others) {
    const known = awareness.states.get(id);
    if (id === awareness.clientID || same(known, state)) continue;
    (known === undefined ? added : updated)!.push(id);
    awareness.states.set(id, state);
    awareness.meta.set(id, { clock: (awareness.meta.get(id)?.clock ?? 0) + 1, lastUpdated: Date.now() });
  }
  const changes = { added, updated, removed };
  if (Object.values(changes).every((ids) => ids!.length === 0)) return;
  awareness.emit("change", [changes, "presence"]);
  awareness.emit("update", [changes, "presence"]);
}

/** As it is sent: without what JSON does not have. An empty state shows nothing. */
function plain(state: Record<string, unknown> | null): Value | undefined {
  if (state === null || Object.keys(state).length === 0) return undefined;
  return JSON.parse(JSON.stringify(state)) as Value;
}

function isState(value: Value): value is Record<string, Value> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** Keys in the order in which they were set: enough to leave out what is told again. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
