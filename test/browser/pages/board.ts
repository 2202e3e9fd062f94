import {
  connect,
  counter,
  type Database,
  type Doc,
  defineSchema,
  indexedDb,
  type Limits,
  register,
  type Status,
  type SynclineError,
  set,
} from "@syncline/client";

/** The page of an app with one board: what the tests call in it. */
const fields = { title: register<string>(), votes: counter(), tags: set<string>() };

export interface BoardOptions {
  /** The name of the store, if there is one. */
  readonly keptAs?: string;
  readonly limits?: Partial<Limits>;
  readonly token?: string;
  /** Of the app, as the cluster's schema counts them. */
  readonly version?: number;
}

class BoardPage {
  readonly #db: Database<{ boards: typeof fields }>;
  readonly #board: Doc<typeof fields>;

  constructor(urls: readonly string[], { keptAs, limits = {}, token = "", version }: BoardOptions) {
    const storage = keptAs === undefined ? {} : { storage: indexedDb(keptAs) };
    const schema = defineSchema({ boards: fields }, version === undefined ? {} : { version });
    this.#db = connect(urls, { schema, limits, token, ...storage });
    this.#board = this.#db.open("boards", "roadmap");
  }

  get status(): Status {
    return this.#db.status;
  }

  shown(): unknown {
    return this.#board.toJSON();
  }

  ready(): Promise<void> {
    return this.#board.ready;
  }

  /** Resolves with the outcome at the master's disk. */
  async vote(tag: string): Promise<string> {
    const write = this.#board.transact((b) => {
      b.votes.increment();
      b.tags.add(tag);
    });
    return (await write.acknowledged({ timeoutMs: 120_000 })).outcome;
  }

  /** Resolves with the outcome at the master's disk, when it has got there. */
  async name(title: string): Promise<string> {
    const write = this.#board.transact((b) => b.title.set(title));
    return (await write.acknowledged({ timeoutMs: 120_000 })).outcome;
  }

  /** Resolves once it is known whether the vote outlives the page. */
  voteToKeep(tag: string): Promise<boolean> {
    const write = this.#board.transact((b) => {
      b.votes.increment();
      b.tags.add(tag);
    });
    return write.kept();
  }

  /** Resolves once everything that was made here is saved. */
  untilSaved(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#board.saveState !== "saved" || this.#db.status.pending > 0) return;
        stop();
        stopStatus();
        resolve();
      };
      const stop = this.#board.onSaveState(look);
      const stopStatus = this.#db.onStatus(look);
      look();
    });
  }

  get saveState(): string {
    return this.#board.saveState;
  }

  /** Resolves once the board has so many votes. */
  until(votes: number): Promise<unknown> {
    return this.#untilBoard(() => this.#board.votes.value >= votes);
  }

  /** Resolves once the board has this title. */
  untilNamed(title: string): Promise<unknown> {
    return this.#untilBoard(() => this.#board.title.value === title);
  }

  #untilBoard(holds: () => boolean): Promise<unknown> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        stop();
        resolve(this.shown());
      };
      const stop = this.#board.subscribe(look);
      look();
    });
  }

  /** Resolves with the status once it has what is given. */
  async untilStatus(wanted: Partial<Status>): Promise<Status> {
    const entries = Object.entries(wanted) as [keyof Status, unknown][];
    await this.#until((status) => entries.every(([name, value]) => status[name] === value));
    return this.#db.status;
  }

  /** Resolves with what is wrong with the connection, once something is. */
  async untilError(): Promise<SynclineError> {
    await this.#until(({ error }) => error !== undefined);
    return this.#db.status.error as SynclineError;
  }

  #until(holds: (status: Status) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds(this.#db.status)) return;
        stop();
        resolve();
      };
      const stop = this.#db.onStatus(look);
      look();
    });
  }
}

declare global {
  var board: BoardPage;
  var openBoard: (urls: readonly string[], options?: BoardOptions) => void;
}

globalThis.openBoard = (urls, options = {}) => {
  globalThis.board = new BoardPage(urls, options);
};
