import type { DocumentName } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import type { MessageCodec, MessageReader } from "./codec.js";

/** Who is at a document, and what he shows of himself there. */
export interface Present {
  readonly document: DocumentName;
  /** Who: random, and a new one for every start of a client. A client does not name itself: 0. */
  readonly id: number;
  /** Counts what he has said. Of two words the one with the higher clock holds; at the same clock, the one that says more. */
  readonly clock: number;
  /** Counts how often the node at which he is has said that he still is. */
  readonly beat: number;
  /** How long that holds at most without another word, in milliseconds. Between nodes; else 0. */
  readonly leftMs: number;
  /**
   * `gone`: no longer there. Only between nodes `still`: nothing new, but he is there, and `lost`: not heard of (any more);
   * who hears of him otherwise says how he is. Else an encoded value.
   */
  readonly state: Uint8Array | "still" | "gone" | "lost";
}

/**
 * "These people are here." From clients about themselves, to clients about the others, and between nodes about all.
 *
 * Nothing of it is ever stored. Whoever is not heard of for a while is gone.
 */
export interface Presence {
  readonly kind: "presence";
  readonly present: readonly Present[];
}

const FORMS = ["gone", "still", "state", "lost"] as const;

// On the wire for ever.
const TAG = 31;

/** For a client that shows nobody: what it is told of others is passed over. */
export const presenceUnheard: MessageReader<Presence> = {
  tag: TAG,
  kind: "presence",

  read(input) {
    input.raw(input.remaining);
    return { kind: "presence", present: [] };
  },
};

export const presence: MessageCodec<Presence> = {
  tag: TAG,
  kind: "presence",

  write(out, message) {
    out.uint(message.present.length);
    for (const { document, id, clock, beat, leftMs, state } of message.present) {
      out.text(document.collection);
      out.text(document.key);
      out.uint(id);
      out.uint(clock);
      out.uint(beat);
      out.uint(leftMs);
      out.byte(typeof state === "string" ? FORMS.indexOf(state) : FORMS.indexOf("state"));
      if (typeof state !== "string") out.bytes(state);
    }
  },

  read(input) {
    const count = input.count(CLIENT_LIMITS.batchEntriesMax, 7);
    const present: Present[] = [];
    while (present.length < count) {
      const document = {
        collection: input.text(CLIENT_LIMITS.collectionBytesMax),
        key: input.text(CLIENT_LIMITS.keyBytesMax),
      };
      const [id, clock, beat, leftMs] = [input.uint(), input.uint(), input.uint(), input.uint()];
      const form = FORMS[input.byte()] ?? input.fail("a form of presence that is not known");
      const state = form === "state" ? input.bytes(CLIENT_LIMITS.presenceBytesMax).slice() : form;
      present.push({ document, id, clock, beat, leftMs, state });
    }
    return { kind: "presence", present };
  },
};
