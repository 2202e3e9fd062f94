import { fromUtf8, toUtf8 } from "@syncline/core";
import type { OpenDocument } from "@syncline/engine";
import { Violation } from "./checks.js";

/**
 * Who shows himself at which document: what every client must come to see of the others, and for how long at most it may
 * see somebody who has vanished.
 *
 * Presence is ephemeral, so nothing of it is in the ledger. Once all is calm everybody sees exactly the living. Until then
 * somebody may be missing, whose node is cut off, but nobody may stay: whoever has vanished is gone after a time that no
 * fault makes longer, for whoever runs and looks.
 */
export interface Attendant {
  readonly name: string;
  readonly isClosed: boolean;
  readonly isPaused: boolean;
  readonly opened: ReadonlyMap<string, OpenDocument>;
}

/**
 * For so long after he has vanished somebody may be seen: as long as word of him holds, told by a node and again by one that
 * stood still meanwhile, over links that did.
 */
const GHOST_MS_MAX = 120_000;

export class Gathering {
  /** When those who are no more have vanished, by what they showed. */
  private readonly vanished = new Map<string, number>();
  private shown = 0;
  readonly counts = { seen: 0, vanishedInSight: 0 };

  constructor(
    private readonly now: () => number,
    private readonly attendants: () => Iterable<Attendant>,
  ) {}

  /** What somebody is to show: nobody has ever shown the same. */
  word(name: string): Uint8Array {
    this.shown += 1;
    return toUtf8(`${name} (${this.shown})`);
  }

  /** He is about to vanish, without a word. */
  vanishes(attendant: Attendant): void {
    for (const [id, { presence }] of attendant.opened) {
      if (presence === undefined) continue;
      const word = fromUtf8(presence);
      this.vanished.set(word, this.now());
      const isSeen = [...this.attendants()].some((other) => othersAt(other, id).includes(word));
      if (isSeen) this.counts.vanishedInSight += 1;
    }
  }

  /** What somebody sees and must not, or does not see and must, once all is calm. */
  flaw(): string | undefined {
    const living = [...this.attendants()].filter(({ isClosed }) => !isClosed);
    for (const attendant of living) {
      for (const id of attendant.opened.keys()) {
        const must = living.flatMap(({ opened }) => {
          const presence = opened.get(id)?.presence;
          return presence === undefined || opened === attendant.opened ? [] : [fromUtf8(presence)];
        });
        const [sees, mustSee] = [othersAt(attendant, id).sort().join(), must.sort().join()];
        if (sees !== mustSee) return `${attendant.name} sees "${sees}" at ${id} and must see "${mustSee}"`;
      }
    }
    return undefined;
  }

  /** Counts what is seen, for it to be known that anything was. */
  count(): void {
    for (const attendant of this.attendants())
      for (const { others } of attendant.opened.values()) this.counts.seen += others.size;
  }

  /** Throws `Violation` if somebody sees one who has vanished long ago. */
  checkGhosts(): void {
    if (this.vanished.size === 0) return;
    for (const attendant of this.attendants()) {
      if (attendant.isClosed || attendant.isPaused) continue;
      for (const id of attendant.opened.keys()) {
        for (const word of othersAt(attendant, id)) {
          const goneMs = this.now() - (this.vanished.get(word) ?? this.now());
          if (goneMs > GHOST_MS_MAX)
            throw new Violation(`${attendant.name} sees ${word} at ${id}, who vanished ${goneMs} ms ago`);
        }
      }
    }
  }
}

const othersAt = ({ opened }: Attendant, id: string): string[] =>
  Array.from(opened.get(id)?.others.values() ?? [], ({ state }) =>
    typeof state === "string" ? state : fromUtf8(state),
  );
