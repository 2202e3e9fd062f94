/**
 * A write: one transaction on its way from this client to the cluster.
 *
 * Waiting decides nothing: the change is offered until it is safe whether or not somebody waits, and a receipt that
 * says `unconfirmed` may be followed by one that says `committed`.
 */
import { changeId, type Vector } from "@syncline/core";
import type { Answer, OwnChange, Scheduler, SyncClient } from "@syncline/engine";
import { CLIENT_LIMITS, encodeToken, type Fault, LEVELS, type Level } from "@syncline/protocol";
import { errorOf, invalid, SynclineError } from "./errors.js";

export type { Level };

/** What to wait for, and how long. */
export interface AcknowledgeOptions {
  /**
   * How far it has to get at the master that takes it, and at the nodes that `sync` asks for. The master's commit rule
   * must hold at any level. `durable` if not given.
   */
  readonly level?: Level;
  /**
   * Which nodes must have it besides, at that level: `"ANY 1"` and `"MAJORITY"` of the cluster's voters, `"ALL"` of
   * them, or named ones: `"ANY 2 (f1,f2,f3)"`, `"FIRST 1 (f1,f2)"`. The master that took it does not count.
   */
  readonly sync?: string;
  /** Milliseconds, 10 000 if not given; 0 asks for what is known now, `Infinity` waits for ever. */
  readonly timeoutMs?: number;
}

/** What is known of a write. */
export interface Receipt {
  /**
   * - `committed`: the level was reached; it is never lost again within what the cluster's commit rule promises.
   * - `unconfirmed`: not known yet. It may be anywhere between here and everywhere, and goes on by itself.
   * - `rejected`: a master has refused it for good. It is nowhere, and has been taken back here.
   */
  readonly outcome: "committed" | "unconfirmed" | "rejected";
  /** Identity of the change, for logs; undefined when the transaction did nothing. */
  readonly change: string | undefined;
  /** Who presents it (as `Syncline-Token` over HTTP) sees the write; undefined until the write is committed. */
  readonly token: string | undefined;
  /** Names of the nodes known to have it durably. There may be more. */
  readonly nodes: readonly string[];
  /** Why it was rejected; for an unconfirmed one what stands in the way, if that is known. */
  readonly error?: SynclineError;
}

/**
 * How far a write is known to have got: it is only here, on a master's disk, or committed under that master's rule, which
 * may ask for a quorum; or it was refused for good, and is nowhere.
 */
export type WriteStage = "local" | "durable" | "committed" | "rejected";

/** A transaction that was made here. */
export interface Write {
  /** Identity of the change, as receipts have it; undefined when the transaction did nothing. */
  readonly change: string | undefined;
  /** How far it has got, as far as is known here. */
  readonly stage: WriteStage;
  /** Names of the nodes known to have it durably, once it is committed. There may be more. */
  readonly nodes: readonly string[];
  /** Calls `listener` whenever more is known of it; not now. Returns a function that ends this. */
  onProgress(listener: () => void): () => void;
  /**
   * Waits until the write has got as far as `level`, was rejected, or `timeoutMs` are over, and says what is known
   * then. Never rejects because of servers or networks; only for impossible options (`INVALID_VALUE`). May be called
   * again, also after `unconfirmed`. Answers at once when the database is closed.
   */
  acknowledged(options?: AcknowledgeOptions): Promise<Receipt>;
  /**
   * Resolves with true once the write outlives this page, because it is kept on this device by the `storage` of the
   * database, or because a master has it on its disk; with false once it is known not to, for now. Never rejects.
   */
  kept(): Promise<boolean>;
}

/** What a write needs of its database. */
export interface WritePorts {
  readonly scheduler: Scheduler;
  readonly isClosed: () => boolean;
  /** Whether what is not kept yet may still be. */
  readonly canKeep: () => boolean;
  /** What stands in the way of all writes at present. */
  readonly lastFault: () => Fault | undefined;
  readonly whenHeld: SyncClient["whenHeld"];
  /** Runs what the app has given: what it throws is reported. */
  readonly guarded: (task: () => void) => void;
}

/** The write of a transaction that did something. */
export class OwnWrite implements Write {
  readonly #own: OwnChange;
  readonly #ports: WritePorts;

  constructor(own: OwnChange, ports: WritePorts) {
    this.#own = own;
    this.#ports = ports;
  }

  get change(): string {
    return changeId(this.#own.change);
  }

  get stage(): WriteStage {
    const { rejected, confirmed, durable } = this.#own;
    if (rejected !== undefined) return "rejected";
    return confirmed ? "committed" : durable ? "durable" : "local";
  }

  get nodes(): readonly string[] {
    return this.#own.nodes;
  }

  onProgress(listener: () => void): () => void {
    // One listener may be given twice.
    return this.#own.onNews(() => this.#ports.guarded(listener));
  }

  async acknowledged(options: AcknowledgeOptions = {}): Promise<Receipt> {
    const wait = new Wait(checked(options));
    if (wait.timeoutMs > 0 && !this.#isDecided(wait)) await this.#decided(wait);
    if (wait.answer?.ok === false) throw invalid(wait.answer.fault.reason);
    return this.#receipt(wait);
  }

  kept(): Promise<boolean> {
    const own = this.#own;
    const isKept = (): boolean => own.kept || own.durable;
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isKept() && own.rejected === undefined && this.#ports.canKeep()) return;
        stop();
        resolve(isKept());
      };
      const stop = own.onNews(look);
      look();
    });
  }

  #isDecided(wait: Wait): boolean {
    if (this.#own.rejected !== undefined || this.#ports.isClosed() || wait.answer?.ok === false) return true;
    return this.#reached(wait.level) && wait.isHeld;
  }

  #decided(wait: Wait): Promise<void> {
    return new Promise((resolve) => {
      let stopAsking: (() => void) | undefined;
      const done = (): void => {
        stopTimer();
        stopListening();
        stopAsking?.();
        resolve();
      };
      const look = (): void => {
        const seen = this.#seen();
        if (this.#isDecided(wait)) done();
        else if (!wait.isHeld && stopAsking === undefined && seen !== undefined) {
          stopAsking = this.#ports.whenHeld(seen, wait.quorum, (answer) => {
            wait.answer = answer;
            look();
          });
        }
      };
      const stopTimer = this.#ports.scheduler.after(wait.timeoutMs, done);
      const stopListening = this.#own.onNews(look);
      look();
    });
  }

  /** The engine says `committed` when the rule of the stream holds. */
  #reached(level: Level): boolean {
    const { received, committed, confirmed } = this.#own;
    return level === "received" ? received && committed : confirmed;
  }

  #receipt(wait: Wait): Receipt {
    const own = this.#own;
    const { change } = this;
    if (own.rejected !== undefined) {
      return { outcome: "rejected", change, token: undefined, nodes: [], error: errorOf(own.rejected) };
    }
    const seen = this.#seen();
    const token = seen && encodeToken(seen);
    const nodes = wait.answer?.ok === true ? wait.answer.nodes : own.nodes;
    if (this.#reached(wait.level) && wait.isHeld) return { outcome: "committed", change, token, nodes };
    return { outcome: "unconfirmed", change, token, nodes, ...this.#obstacle() };
  }

  #obstacle(): { error?: SynclineError } {
    if (this.#ports.isClosed()) {
      return { error: new SynclineError("CLOSED", "the database was closed before an answer came") };
    }
    const fault = this.#ports.lastFault();
    return fault === undefined ? {} : { error: errorOf(fault) };
  }

  /** Where the write is; known once it is committed. */
  #seen(): Vector | undefined {
    const { token, place, committed } = this.#own;
    if (!committed) return undefined;
    // One that became safe without an answer is known by where the feed brought it.
    return token ?? (place && new Map([[place.stream, place.position]]));
  }
}

/** Somebody who waits. */
class Wait {
  readonly level: Level;
  readonly timeoutMs: number;
  /** The quorum that was asked for; empty if none was. */
  readonly quorum: string;
  /** What is known of it. */
  answer: Answer | undefined;

  constructor({ level, timeoutMs, sync }: Checked) {
    this.level = level;
    this.timeoutMs = timeoutMs;
    this.quorum = sync === "" || level === "durable" ? sync : `${sync} ${level}`;
  }

  get isHeld(): boolean {
    return this.quorum === "" || this.answer?.ok === true;
  }
}

/** The write of a transaction that did nothing: there is nothing to wait for. */
export const EMPTY_WRITE: Write = {
  change: undefined,
  stage: "committed",
  nodes: [],
  onProgress: () => () => {},
  async acknowledged(options = {}) {
    checked(options);
    return { outcome: "committed", change: undefined, token: encodeToken(new Map()), nodes: [] };
  },
  kept: async () => true,
};

interface Checked {
  readonly level: Level;
  readonly sync: string;
  readonly timeoutMs: number;
}

/** An option that is ignored would promise what nobody keeps: every unknown one is refused. */
function checked(options: AcknowledgeOptions): Checked {
  const { level = "durable", sync = "", timeoutMs = CLIENT_LIMITS.writeWaitMs, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`acknowledged takes level, sync and timeoutMs, not ${unknown}`);
  if (!LEVELS.includes(level)) throw invalid(`a level is ${LEVELS.join(", ")}, not ${String(level)}`);
  if (typeof sync !== "string" || sync.length > CLIENT_LIMITS.ruleBytesMax) {
    throw invalid(`sync is a quorum as text, for example "ANY 1", not ${String(sync).slice(0, 80)}`);
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
    throw invalid(`timeoutMs is a number of milliseconds from 0, not ${String(timeoutMs)}`);
  }
  return { level, sync, timeoutMs };
}
