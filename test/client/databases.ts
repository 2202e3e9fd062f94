/** Databases over the clients of an in-memory cluster: the library as an app uses it, on virtual time. */
import type { Collections, Database, Schema } from "@syncline/client";
import type { Scheduler } from "@syncline/engine";
import { type Cluster, type SimClient, VirtualTime } from "@syncline/simulation";
import { createDatabase } from "../../packages/client/src/database.js";
import { presence } from "../../packages/client/src/presence.js";

export interface TestDatabase<C extends Collections> {
  readonly db: Database<C>;
  readonly sim: SimClient;
  /** What listeners have thrown. */
  readonly reported: unknown[];
}

export function database<C extends Collections = Collections>(
  cluster: Cluster,
  name: string,
  nodes: readonly string[],
  schema?: Schema<C>,
  { isShowing = true } = {},
): TestDatabase<C> {
  const sim = cluster.client(name, nodes);
  const reported: unknown[] = [];
  const report = (error: unknown): void => {
    reported.push(error);
  };
  const parts = { scheduler: sim.process, report, ...(isShowing && { presence }), ...(schema && { schema }) };
  const db = createDatabase(sim.engine, parts);
  return { db, sim, reported };
}

/** Counts the timers that are set: one left behind keeps a process running. */
export class CountedTimers implements Scheduler {
  readonly time = new VirtualTime();
  set = 0;

  after(delayMs: number, task: () => void): () => void {
    let isSet = true;
    const unset = (): void => {
      if (isSet) this.set -= 1;
      isSet = false;
    };
    this.set += 1;
    const cancel = this.time.after(delayMs, () => {
      unset();
      task();
    });
    return () => {
      unset();
      cancel();
    };
  }

  turn(task: () => void): void {
    this.time.turn(task);
  }
}

/** What a function throws, or undefined. */
export function thrown(task: () => unknown): unknown {
  try {
    task();
    return undefined;
  } catch (error) {
    return error;
  }
}
