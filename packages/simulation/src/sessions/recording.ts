import type { Late } from "../late.js";

/**
 * What the sessions of a cluster did and saw, as plain data: the only thing that the checker reads.
 *
 * It is a list of events in the order in which one observer noted them, so nothing is noted before it was done, and
 * what a read shows was noted as written before. It says nothing of how nodes work: a history of real processes and one
 * of a simulated cluster look alike, and either may be kept as JSON.
 *
 * A session is whoever is owed what it saw: a client for its life, or a caller over HTTP who sends back each token that
 * it was given. A caller who keeps no token is a new session with every request.
 */
export interface Recording {
  readonly events: readonly SessionEvent[];
  /** The lowest level at which a committed write had to survive whatever happened in this history. */
  readonly survives: Level;
}

/** How safe a committed write is: at a master, on its disk, or beyond the loss of any one disk. */
export type Level = "received" | "durable" | "safe";

export const LEVELS_ASCENDING: readonly Level[] = ["received", "durable", "safe"];

export type SessionEvent = Write | Told | Read | Moved | Ended | Rescued | GivenUp;

interface Event {
  /** Milliseconds on the observer's clock. */
  readonly at: number;
}

interface SessionsEvent extends Event {
  readonly session: string;
}

/** A change was made. */
export interface Write extends SessionsEvent {
  readonly did: "write";
  /** Its identity, in whatever words. */
  readonly change: string;
  readonly document: string;
  readonly author: number;
  /** Its ops, numbered per author and document from 1 without gaps. */
  readonly first: number;
  readonly last: number;
  /** It was asked of a node: the session is owed it only once it is told of it. */
  readonly asked?: true;
  /** The change in whose place it was made again: it stands before what the session has done since. */
  readonly insteadOf?: string;
}

/** Somebody answered for a change. */
export interface Told extends SessionsEvent {
  readonly did: "told";
  readonly change: string;
  readonly outcome: "committed" | "unconfirmed" | "rejected";
  readonly level: Level;
  /** The master that its session had then. */
  readonly by?: string;
  /** Name of the token that came with the answer: who takes it is owed the change and its causes. */
  readonly gave?: string;
}

/** A document was shown. */
export interface Read extends SessionsEvent {
  readonly did: "read";
  readonly document: string;
  /** The ops that were in it, each once. */
  readonly shows: readonly Span[];
  /** What it amounted to, if that was looked at. */
  readonly value?: unknown;
  /** The node that answered, if it was asked over HTTP; `at` is then when it was asked. */
  readonly where?: string;
  /** How old the answer was allowed to be. */
  readonly maxStalenessMs?: number;
  /** Masters that were made by force, of which the node that answered cannot have heard. */
  readonly unheardOf?: readonly string[];
  /** What was accepted without a takeover, and of which the node that answered cannot have heard. */
  readonly late?: readonly Late[];
  /** Name of a token of somebody else's that was presented. */
  readonly took?: string;
  /** Name of the token that came with the answer: who takes it is owed what this session has seen and written. */
  readonly gave?: string;
  /** Seen at the very end, when everything had met: the session is a replica. */
  readonly final?: true;
}

/** The ops `first` to `last` of an author. */
export type Span = readonly [author: number, first: number, last: number];

/** The session turned to another node. It is owed the same there. */
export interface Moved extends SessionsEvent {
  readonly did: "move";
  readonly to: string;
}

/** The session is no more: what it alone had is gone. */
export interface Ended extends SessionsEvent {
  readonly did: "end";
}

/** A session brought a change of another's to a master that lacked it: it is causal within its document only (SPINE 14). */
export interface Rescued extends Event {
  readonly did: "rescued";
  readonly change: string;
}

/**
 * A retirement that was forced has cut a change off, and it comes back by itself (decision 0058): until then others may be
 * shown what was built on it.
 */
export interface GivenUp extends Event {
  readonly did: "given-up";
  readonly change: string;
}
