import { documentId } from "@syncline/core";
import {
  type ClientLimits,
  clientMessages,
  type MessageTable,
  type Presence,
  type Present,
  presence,
} from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Scheduler } from "../ports.js";
import type { OpenDocument } from "./documents.js";

/**
 * What a client shows of itself at its documents, and what it is shown of others.
 *
 * Others are known as long as the link over which they are. What is shown of oneself is told again on every link, with
 * a higher clock, so that the word of the link before does not hold any more. What comes faster than it may is put
 * together: only the last counts.
 */
export class OwnPresence {
  #channel: Channel | undefined;
  #clock = 0;
  /** Documents of which the server has yet to be told. */
  readonly #due = new Set<OpenDocument>();
  #stopTimer: (() => void) | undefined;

  readonly #documents: ReadonlyMap<string, OpenDocument>;
  readonly #scheduler: Scheduler;
  readonly #limits: ClientLimits;

  constructor(documents: ReadonlyMap<string, OpenDocument>, scheduler: Scheduler, limits: ClientLimits) {
    this.#documents = documents;
    this.#scheduler = scheduler;
    this.#limits = limits;
  }

  attach(channel: Channel): void {
    this.#channel = channel;
    for (const document of this.#documents.values())
      if (document.presence !== undefined) this.#due.add(document);
    this.#flush();
  }

  detach(): void {
    this.#channel = undefined;
    for (const document of this.#documents.values()) showOthers(document, new Map());
  }

  /** Shows this from now on, or nothing. */
  set(document: OpenDocument, state: Uint8Array | undefined): void {
    document.presence = state;
    this.#due.add(document);
    if (this.#stopTimer === undefined) this.#flush();
    tellPresence(document);
  }

  /** The document was asked for anew: whatever was shown at it is gone there. */
  opened(document: OpenDocument): void {
    showOthers(document, new Map());
    if (document.presence === undefined) return;
    this.#due.add(document);
    if (this.#stopTimer === undefined) this.#flush();
  }

  receive(message: Presence): void {
    const changed = new Map<OpenDocument, Map<number, Present>>();
    for (const present of message.present) {
      const document = this.#documents.get(documentId(present.document));
      if (document === undefined || present.state === "still" || present.state === "lost") continue;
      const others = changed.get(document) ?? new Map(document.others);
      changed.set(document, others);
      if (present.state === "gone") others.delete(present.id);
      else if ((others.get(present.id)?.clock ?? -1) <= present.clock) others.set(present.id, present);
    }
    for (const [document, others] of changed) showOthers(document, others);
  }

  stop(): void {
    this.#stopTimer?.();
    this.detach();
  }

  #flush(): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    const present: Present[] = [];
    for (const { name, presence, number } of this.#due) {
      if (number === 0) continue; // It is told when it is open there.
      this.#clock += 1;
      present.push({
        document: name,
        id: 0,
        clock: this.#clock,
        beat: 0,
        leftMs: 0,
        state: presence ?? "gone",
      });
    }
    this.#due.clear();
    if (present.length === 0) return;
    for (let from = 0; from < present.length; from += 128) {
      channel.send({ kind: "presence", present: present.slice(from, from + 128) });
    }
    this.#stopTimer = this.#scheduler.after(Math.ceil(1_000 / this.#limits.presencePerSecondMax), () => {
      this.#stopTimer = undefined;
      this.#flush();
    });
  }
}

function showOthers(document: OpenDocument, others: ReadonlyMap<number, Present>): void {
  if (others.size === 0 && document.others.size === 0) return;
  document.others = others;
  tellPresence(document);
}

function tellPresence(document: OpenDocument): void {
  for (const listener of [...document.presenceListeners]) listener();
}

/** What a client is given that shows who is there. One that is not ships nothing of it, and hears nothing. */
export interface PresencePart {
  /** What its links carry. */
  messages(): MessageTable;
  make(documents: ReadonlyMap<string, OpenDocument>, scheduler: Scheduler, limits: ClientLimits): OwnPresence;
}

export const presencePart: PresencePart = {
  messages: () => clientMessages(presence),
  make: (documents, scheduler, limits) => new OwnPresence(documents, scheduler, limits),
};
