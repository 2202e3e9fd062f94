/**
 * Where the cursors of others are: what bindings of Yjs call awareness, over the presence of the document. What is set here
 * is shown to the others, and what they show is found here.
 */
import type { Other } from "@syncline/client";
import type { Doc } from "yjs";
import { me, type Shown } from "./me.js";

interface Changes {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

type Listener = (changes: Changes) => void;

export class Cursors {
  private mine: Shown = { user: me };
  private others = new Map<number, Shown>();
  private readonly listeners = new Set<Listener>();

  constructor(
    readonly doc: Doc,
    private readonly show: (state: Shown) => void,
  ) {}

  getLocalState(): Shown {
    return this.mine;
  }

  setLocalStateField(field: "cursor", value: Shown["cursor"]): void {
    // Positions are objects of Yjs; what is sent is plain.
    this.mine = JSON.parse(JSON.stringify({ ...this.mine, [field]: value }));
    this.show(this.mine);
  }

  getStates(): ReadonlyMap<number, Shown> {
    return this.others;
  }

  on(_event: "change", listener: Listener): void {
    this.listeners.add(listener);
  }

  off(_event: "change", listener: Listener): void {
    this.listeners.delete(listener);
  }

  /** The others have moved, come or gone. */
  take(others: readonly Other<Shown>[]): void {
    const before = [...this.others.keys()];
    this.others = new Map(others.map(({ id, state }) => [Number(id), state]));
    const now = [...this.others.keys()];
    const changes: Changes = {
      added: now.filter((id) => !before.includes(id)),
      updated: now.filter((id) => before.includes(id)),
      removed: before.filter((id) => !this.others.has(id)),
    };
    for (const listener of [...this.listeners]) listener(changes);
  }
}
