import type { CommitRule, Limits, Opening } from "@syncline/protocol";
import type { Access, Inspector } from "../access.js";
import type { Clock, Dialer, Logger, Mac, Random, Scheduler, Storage } from "../ports.js";
import type { WritePolicy } from "./writes.js";

/** What a node is told when it is started. */
export interface NodeConfig {
  readonly name: string;
  readonly cluster: string;
  readonly role: "master" | "follower";
  /** The commit rule of this node's stream; masters only. */
  readonly rule: CommitRule;
  /** Whether readers see what is in this node's stream before it is committed (it is not, by default); masters only. */
  readonly visibility?: Opening["visibility"];
  /** URL under which others reach this node; empty if it has none. */
  readonly url: string;
  /** Whether this node counts in `MAJORITY` and `ALL`. */
  readonly voter: boolean;
  /** URLs of the upstreams. */
  readonly follow: readonly string[];
  /** Whether one member only is written to; a promotion moves that. As many as there are masters, by default. */
  readonly topology?: Topology;
  /** What the operator lets callers wait for; masters only. */
  readonly writes?: WritePolicy;
  readonly limits: Limits;
}

/** How many of a cluster's members take writes. */
export type Topology = "multi-master" | "single-master";

/** What a node is handed in: it does no I/O of its own. */
export interface NodePorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly storage: Storage;
  readonly dialer: Dialer;
  /** Present where the cluster has a secret. */
  readonly mac: Mac | undefined;
  readonly log: Logger;
  readonly access: Access;
  /** Looks into what clients offer, if there is more to know than the engine does. */
  readonly inspector?: Inspector;
  /** The disk has failed: the node has stopped, and the process should end with an error. */
  readonly failed: (error: Error) => void;
}
