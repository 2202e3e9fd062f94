import type { BareDocument, DocumentName, HybridClock, Vector } from "@syncline/core";
import type { ClientLimits, Fault, OptionalLimits } from "@syncline/protocol";
import type { Clock, Logger, Scheduler } from "../ports.js";
import type { OpenDocument } from "./documents.js";
import type { Outbox, OwnChange } from "./outbox.js";
import type { Retained } from "./retained.js";
import type { Session } from "./session.js";

/**
 * The seam between a client and what keeps it over its end: what each tells the other.
 *
 * A client without it works from memory, and an app that does not ask for it does not ship it.
 */
export interface Keeping {
  /** `failed`: nothing is kept at present. */
  readonly state: KeepingState;
  /** Why it has failed, or what could not be read. */
  readonly fault: Fault | undefined;

  start(): void;
  /** A document was opened: `loaded` follows, unless it is left before. */
  load(document: OpenDocument): void;
  left(document: OpenDocument): void;
  /** A new link to a provider. */
  attached(): void;
  /** That link has ended; the documents know how far they are complete. */
  detached(): void;
  /** The feed has brought this change. */
  received(document: OpenDocument, change: Uint8Array): void;
  /** It has become another one otherwise than by changes. */
  joined(document: OpenDocument): void;
  /** All complete documents are complete up to here. */
  cut(visible: Vector): void;
  /** How far it is complete has changed otherwise than by a cut. */
  extentChanged(document: OpenDocument): void;
  /** Own changes or what is retained may have changed. */
  changed(): void;
  /** Calls back once it is kept that this master may have been offered what is kept. */
  beforeOffering(master: number, then: () => void): void;
  stop(): void;
}

export type KeepingState = "opening" | "ready" | "failed";

/** What the keeper sees of its client. */
export interface KeptClient {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly limits: ClientLimits & OptionalLimits;
  readonly stamps: HybridClock;
  readonly session: Session;
  readonly outbox: Outbox;
  readonly retained: Retained;
  readonly documents: ReadonlyMap<string, OpenDocument>;
  readonly on: {
    /** What was kept is here, or will not come: the network may be used. */
    ready(): void;
    /** A document that nobody has opened, until what was made for it is safe. */
    follow(name: DocumentName): OpenDocument;
    /** A change of another life is in the outbox now. */
    offer(own: OwnChange): void;
    /** What was kept of a document is known: the provider is asked for the rest. */
    ask(document: OpenDocument): void;
    /** Shows changes of another life as far as what they build on is here. Returns whether it told of any. */
    showOwn(document: OpenDocument): boolean;
    statusChanged(): void;
  };
}

/** A document as servers sent it, complete up to a vector. */
export interface KeptDocument {
  readonly document: BareDocument;
  readonly vector: Vector;
}

/** @param client with what is set of the limits of keeping; the others are the usual ones. */
export type MakeKeeping = (
  client: Omit<KeptClient, "limits"> & { readonly limits: ClientLimits & Partial<OptionalLimits> },
) => Keeping;
