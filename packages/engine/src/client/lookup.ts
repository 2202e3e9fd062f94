import type { DocumentName } from "@syncline/core";
import { documentId } from "@syncline/core";
import { assemble, type Found } from "./keptdocuments.js";
import { type Left, readLeft } from "./left.js";
import type { SlotStore } from "./slots.js";
import { documentPrefixes, FRAME, SESSION, type SessionRow } from "./slottables.js";

/** A document that was kept, in the own slot or in another one. */
export interface Kept {
  readonly found: Found;
  /** What the session of the other slot had seen, and would have to hand over. */
  readonly elsewhere: Left | undefined;
}

/**
 * Looks for a document in a client's own slot, and then in those of other tabs, or of tabs that were: whoever has it may
 * show it. What cannot be read is as if it were not there.
 */
export function lookUp(
  store: SlotStore,
  slot: string,
  name: DocumentName,
  session: Pick<SessionRow, "link" | "cut">,
  done: (kept: Kept | undefined) => void,
): void {
  const prefixes = documentPrefixes(documentId(name));
  store.read(slot, prefixes, (entries) => {
    const found = assemble(name, entries.ok ? entries.value : [], session);
    if (found !== undefined) done({ found, elsewhere: undefined });
    else store.others(slot, (slots) => lookIn(slots.ok ? slots.value : []));
  });

  const lookIn = ([other, ...others]: readonly string[]): void => {
    if (other === undefined) {
      done(undefined);
      return;
    }
    store.read(other, [...prefixes, SESSION, FRAME], (entries) => {
      const elsewhere = readLeft(entries.ok ? entries.value : []);
      const found =
        entries.ok && elsewhere.session !== undefined
          ? assemble(name, entries.value, elsewhere.session)
          : undefined;
      if (found === undefined) lookIn(others);
      else done({ found, elsewhere });
    });
  };
}
