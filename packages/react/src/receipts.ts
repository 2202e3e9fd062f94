/**
 * The last changes that were made here, and how far each has got: made, on a master's disk, at a quorum.
 *
 * A master's commit rule may ask for a quorum; then its receipt names who has the change. Where the rule does not, the
 * cluster is asked whether another node has it too, one change after the other, so that there is one question at a time.
 */
import type { Database, Write } from "@syncline/client";

/** A change that was made here. */
export interface ChangeReceipt {
  readonly id: number;
  readonly collection: string;
  readonly key: string;
  /** `local`: here. `durable`: on a master's disk. `quorum`: on that of another node, too. `rejected`: it is nowhere. */
  readonly stage: "local" | "durable" | "quorum" | "rejected";
  /** Whether it outlives this page: this device keeps it, or a master has it. */
  readonly isKept: boolean;
  /** The nodes known to have it on their disks. */
  readonly nodes: readonly string[];
  readonly write: Write;
}

/** How many are kept. */
export const RECEIPTS_MAX = 50;

interface Row extends Omit<ChangeReceipt, "stage" | "nodes" | "isKept"> {
  readonly end: () => void;
  isKept: boolean;
  /** What the cluster has said. */
  held?: readonly string[];
}

export class Receipts {
  /** The newest first; the same list until something changes. */
  list: readonly ChangeReceipt[] = [];
  private rows: Row[] = [];
  private made = 0;
  private isAsking = false;
  private readonly listeners = new Set<() => void>();

  constructor(database: Database) {
    database.onWrite(({ collection, key, write }) => {
      const end = write.onProgress(() => this.changed());
      const row: Row = { id: ++this.made, collection, key, write, end, isKept: false };
      this.rows.unshift(row);
      write.kept().then((isKept) => {
        row.isKept = isKept;
        this.changed();
      });
      for (const { end } of this.rows.splice(RECEIPTS_MAX)) end();
      this.changed();
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private changed(): void {
    this.list = this.rows.map(({ end: _, held, isKept, ...row }) => {
      const { stage, nodes } = reached(row.write, held);
      return { ...row, stage, nodes, isKept: isKept || stage === "durable" || stage === "quorum" };
    });
    for (const listener of [...this.listeners]) listener();
    this.ask();
  }

  private ask(): void {
    const row = [...this.rows].reverse().find((row) => row.write.stage === "committed" && !isAtQuorum(row));
    if (row === undefined || this.isAsking) return;
    this.isAsking = true;
    row.write.acknowledged({ sync: "ANY 1" }).then(({ outcome, nodes, error }) => {
      this.isAsking = false;
      if (outcome === "committed") row.held = nodes;
      // A closed database answers at once, for ever.
      if (error?.code !== "CLOSED") this.changed();
    });
  }
}

const isAtQuorum = ({ write, held }: Pick<Row, "write" | "held">): boolean =>
  held !== undefined || write.nodes.length > 1;

function reached(write: Write, held: Row["held"]): Pick<ChangeReceipt, "stage" | "nodes"> {
  const nodes = [...new Set([...write.nodes, ...(held ?? [])])];
  const { stage } = write;
  if (stage !== "committed") return { stage, nodes };
  return { stage: isAtQuorum({ write, ...(held && { held }) }) ? "quorum" : "durable", nodes };
}

const receiptsOf = new WeakMap<object, Receipts>();

/** The same for the same database. It begins when it is asked for first. */
export function sharedReceipts(database: Database): Receipts {
  let receipts = receiptsOf.get(database);
  if (receipts === undefined) receiptsOf.set(database, (receipts = new Receipts(database)));
  return receipts;
}
