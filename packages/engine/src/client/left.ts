import { decodeChange } from "@syncline/core";
import type { Feed } from "@syncline/protocol";
import { OwnChange } from "./outbox.js";
import type { SlotEntry } from "./slots.js";
import {
  FRAME,
  lifeOf,
  MASTERS_MAX,
  OWN,
  readFrame,
  readSession,
  SESSION,
  type SessionRow,
} from "./slottables.js";

/** What a life has left beside its documents, as far as it can be read. */
export interface Left {
  /** The greatest number of a life that left anything. */
  readonly life: number;
  readonly session: SessionRow | undefined;
  readonly own: readonly { readonly own: OwnChange; readonly key: string }[];
  readonly frames: readonly { readonly frame: Feed; readonly key: string }[];
  /** Keys of what cannot be read. */
  readonly damaged: readonly string[];
}

export function readLeft(entries: readonly SlotEntry[]): Left {
  let session: SessionRow | undefined;
  const own: { own: OwnChange; key: string }[] = [];
  const frames: { frame: Feed; key: string }[] = [];
  const damaged: string[] = [];
  let life = 0;
  for (const { key, value } of entries) {
    life = Math.max(life, lifeOf(key));
    if (key === SESSION) {
      const row = readSession(value);
      if (row.ok) session = row.value;
      else damaged.push(key);
    } else if (key.startsWith(OWN)) {
      const change = decodeChange(value);
      if (change.ok) own.push({ own: new OwnChange(change.value), key });
      else damaged.push(key);
    } else if (key.startsWith(FRAME)) {
      const row = readFrame(value);
      if (row.ok) frames.push({ frame: row.value, key });
      else damaged.push(key);
    }
  }
  for (const each of own) noteOffers(each.own, session?.masters);
  return { life: Math.max(life, session?.life ?? 0), session, own, frames, damaged };
}

/** A refusal is final only if no other master was ever offered the change. */
function noteOffers(own: OwnChange, masters: readonly number[] | undefined): void {
  own.firstOffered = masters?.[0];
  own.offeredElsewhere = masters === undefined || masters.length >= MASTERS_MAX;
}
