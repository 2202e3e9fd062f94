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
  set,
} from "@syncline/client";

/** The page of an app with one board: what the tests call in it. */
const fields = { title: register<string>(), votes: counter(), tags: set<string>() };
const schema = defineSchema({ boards: fields });

export interface BoardOptions {
  /** The name of the store, if there is one. */
  readonly keptAs?: string;
  readonly limits?: Partial<Limits>;
}

class BoardPage {
  readonly #db: Database<{ boards: typeof fields }>;
  readonly #board: Doc<typeof fields>;

  constructor(urls: readonly string[], { keptAs, limits = {} }: BoardOptions) {
    const storage = keptAs === undefined ? {} : { storage: indexedDb(keptAs) };
    this.#db = connect(urls, { schema, limits, ...storage });
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
    return (await write.acknowledged({ timeoutMs: 20_000 })).outcome;
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
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#board.votes.value < votes) return;
        stop();
        resolve(this.shown());
      };
      const stop = this.#board.subscribe(look);
      look();
    });
  }

  /** Resolves with the status once it has what is given. */
  untilStatus(wanted: Partial<Status>): Promise<Status> {
    return new Promise((resolve) => {
      const look = (): void => {
        const entries = Object.entries(wanted) as [keyof Status, unknown][];
        if (!entries.every(([name, value]) => this.#db.status[name] === value)) return;
        stop();
        resolve(this.#db.status);
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
