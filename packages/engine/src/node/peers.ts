import type { StreamId } from "@syncline/core";
import {
  type Claim,
  type Hello,
  type Level,
  readTopology,
  type SaidOfTopology,
  type StreamProgress,
} from "@syncline/protocol";
import type { Channel } from "../channel.js";
import { Revision } from "./revision.js";

/**
 * The nodes that are connected, and what each has said of its progress.
 *
 * Progress belongs to a link: it is what the peer said on it, replaced by what it says next, and gone with the
 * link (SPINE 7). A node that came back without its disk therefore counts for what it has now, not for what it
 * once had.
 */
export class NodeLink {
  private readonly reported = new Map<StreamId, StreamProgress>();
  private readonly hearsay = new Map<string, Heard>();
  private neighbours: ReadonlySet<string> = new Set();
  private word: object = {};
  /** What the peer says of the topology of its cluster. */
  readonly topology: SaidOfTopology;

  constructor(
    readonly channel: Channel,
    readonly peer: Hello,
    /** This node opened the link because the peer stands in its list of upstreams. */
    readonly dialed: boolean,
    /** Under which it is reached: what it says, else what was dialed; empty if neither. */
    readonly url: string,
    private readonly peers: Peers,
  ) {
    this.topology = readTopology(peer.token);
  }

  /** What the peer has reported on this link. */
  get progress(): ReadonlyMap<StreamId, StreamProgress> {
    return this.reported;
  }

  /** What the peer says of nodes that are not connected here, by name. */
  get heard(): ReadonlyMap<string, Heard> {
    return this.hearsay;
  }

  /** Names of the nodes that the peer is connected with. */
  get direct(): ReadonlySet<string> {
    return this.neighbours;
  }

  /** Another one whenever `progress` has changed, and one that no other link has. */
  get version(): unknown {
    return this.word;
  }

  report(entry: StreamProgress): void {
    this.reported.set(entry.stream, entry);
    this.word = {};
    this.peers.moved(entry.stream);
  }

  hear(word: Heard): void {
    this.hearsay.set(word.node, word);
    this.peers.moved();
  }

  /** Returns whether the node had been heard. */
  unhear(node: string): boolean {
    if (!this.hearsay.delete(node)) return false;
    this.peers.moved();
    return true;
  }

  meets(names: readonly string[]): void {
    this.neighbours = new Set(names);
    this.peers.moved();
  }
}

/** What is known of a node that is heard through others. */
export interface Heard {
  readonly node: string;
  readonly role: "master" | "follower";
  readonly incarnation: number;
  readonly url: string;
  readonly voter: boolean;
  /** A master that was a follower when others were started. */
  readonly promoted: boolean;
  /** How many retirements of itself it knows of. */
  readonly generation: number;
  /** A master's, where there is to be one. */
  readonly claim: Claim | undefined;
  /** Names of the nodes it came through, the nearest first; empty for the neighbour itself. */
  readonly path: readonly string[];
  readonly progress: ReadonlyMap<StreamId, StreamProgress>;
  /** Another one whenever `progress` may say something else. */
  readonly version: unknown;
}

/** Processes of one node that are remembered as superseded. */
const SUPERSEDED_MAX = 8;

export class Peers {
  /** Moves with every link that comes or goes, and with everything that is said on one. */
  readonly revision = new Revision();
  private readonly links = new Set<NodeLink>();
  /** The revision at which a link came or went last. */
  private linksMovedAt = 0;
  /** The revision at which something was said of a stream last, since then. */
  private readonly movedAt = new Map<StreamId, number>();
  private sorted: readonly string[] | undefined;
  private readonly superseded = new Map<string, number[]>();
  private readonly contested = new Set<string>();

  get isEmpty(): boolean {
    return this.links.size === 0;
  }

  all(): Iterable<NodeLink> {
    return this.links;
  }

  /** Something was said on a link, by the peer of its own progress in a stream or of others. */
  moved(stream?: StreamId): void {
    const number = this.revision.next();
    if (stream !== undefined) this.movedAt.set(stream, number);
  }

  /** Whether a link has come or gone, or its peer has said something of its own progress in this stream, since this revision. */
  hasMoved(stream: StreamId, since: number): boolean {
    return this.linksMovedAt > since || (this.movedAt.get(stream) ?? 0) > since;
  }

  /**
   * Takes up a link. Links to an earlier process of the same node are returned: they are dead or dying, and what
   * was said on them must not count any more.
   */
  add(link: NodeLink): NodeLink[] {
    const superseded = [...this.links].filter(
      (other) => other.peer.name === link.peer.name && other.peer.incarnation !== link.peer.incarnation,
    );
    for (const other of superseded) this.links.delete(other);
    this.links.add(link);
    this.linksMoved();
    this.judgeName(link, superseded);
    return superseded;
  }

  /** Whether two running processes have been seen to call themselves by this name. */
  isContested(name: string): boolean {
    return this.contested.has(name);
  }

  /** Another process has been met that calls itself so. */
  contest(name: string): void {
    this.contested.add(name);
  }

  remove(link: NodeLink): void {
    this.links.delete(link);
    this.linksMoved();
  }

  /** Whether a node is connected, or others are with it. */
  isHeard(name: string): boolean {
    for (const { peer, heard } of this.links) if (peer.name === name || heard.has(name)) return true;
    return false;
  }

  /** Whether a node is heard, and has said what it holds: a greeting alone says nothing of that. */
  hasSpoken(name: string): boolean {
    for (const { peer, progress, heard } of this.links) {
      if (peer.name === name && progress.size > 0) return true;
      if ((heard.get(name)?.progress.size ?? 0) > 0) return true;
    }
    return false;
  }

  /** How far a node has a stream at a level, as far as it is heard and has said so; else 0. */
  position(name: string, stream: StreamId, level: Level): number {
    const direct = this.ownWord(name, stream, level);
    if (direct !== undefined) return direct;
    // Through others. Those who speak of different processes of that node count for what all of them have.
    const byProcess = new Map<number, number>();
    for (const { heard } of this.links) {
      const word = heard.get(name);
      if (word === undefined) continue;
      const position = word.progress.get(stream)?.[level] ?? 0;
      byProcess.set(word.incarnation, Math.max(position, byProcess.get(word.incarnation) ?? 0));
    }
    return byProcess.size === 0 ? 0 : Math.min(...byProcess.values());
  }

  /** Names of all nodes that are connected here or heard through others, each once. */
  heardNodes(): Set<string> {
    const names = new Set<string>();
    for (const { peer, heard } of this.links) {
      names.add(peer.name);
      for (const name of heard.keys()) names.add(name);
    }
    return names;
  }

  private linksMoved(): void {
    this.sorted = undefined;
    this.linksMovedAt = this.revision.next();
    this.movedAt.clear();
  }

  /** A process that comes back after another one has taken its place was never gone: both run. */
  private judgeName({ peer }: NodeLink, superseded: readonly NodeLink[]): void {
    const known = this.superseded.get(peer.name) ?? [];
    if (known.includes(peer.incarnation)) this.contested.add(peer.name);
    const gone = superseded.map((link) => link.peer.incarnation);
    if (gone.length > 0)
      this.superseded.set(peer.name, [...new Set([...known, ...gone])].slice(-SUPERSEDED_MAX));
  }

  /** What a node says itself; undefined if it is not connected. */
  private ownWord(name: string, stream: StreamId, level: Level): number | undefined {
    let position: number | undefined;
    for (const link of this.links) {
      if (link.peer.name !== name) continue;
      position = Math.max(position ?? 0, link.progress.get(stream)?.[level] ?? 0);
    }
    return position;
  }

  /** Names of the connected nodes, each once, in their order. */
  names(): readonly string[] {
    this.sorted ??= [...this.nodes().keys()].sort();
    return this.sorted;
  }

  /** Names and roles of the connected nodes, each once. */
  nodes(): Map<string, "master" | "follower"> {
    const nodes = new Map<string, "master" | "follower">();
    for (const { peer } of this.links) if (peer.peer !== "client") nodes.set(peer.name, peer.peer);
    return nodes;
  }
}

export const sameProgress = (a: StreamProgress, b: StreamProgress): boolean =>
  a.received === b.received &&
  a.durable === b.durable &&
  a.applied === b.applied &&
  a.visible === b.visible &&
  a.committed === b.committed &&
  a.safe === b.safe;
