import type { StreamId } from "@syncline/core";
import type { Gossip, Hearsay, Limits, StreamProgress } from "@syncline/protocol";
import { type Heard, type NodeLink, type Peers, sameProgress } from "./peers.js";
import type { Retirements } from "./retirements.js";
import { Watch } from "./revision.js";

/**
 * Passing on what nodes say of their progress to those who are not connected with them.
 *
 * A node tells each link what it has heard of everybody whom the other end does not hear itself, with the path it
 * came by, and never to a node on that path, so no word goes round in a circle. What was heard over a link is void
 * when the link ends, and is taken back from those it was passed on to (SPINE 7). Upstreams are told at once, because
 * a quorum may wait for it; the others a few times a second.
 */
interface Told {
  readonly incarnation: number;
  readonly path: string;
  readonly streams: Map<StreamId, StreamProgress>;
  /** What it was when that was told: another one when there may be news. */
  version: unknown;
}

/** Stream entries in one message. */
const ENTRIES_MAX = 1_000;

export class Gossiping {
  /** Per link what was last told, by node. */
  private readonly told = new Map<NodeLink, Map<string, Told>>();
  /** Per link the names of those this node is connected with, as last told. */
  private readonly toldDirect = new Map<NodeLink, string>();
  /** Per link whether there may be news since it was last told. */
  private readonly watches = new Map<NodeLink, Watch>();

  constructor(
    private readonly self: string,
    private readonly peers: Peers,
    private readonly limits: Limits,
    private readonly retirements: Pick<Retirements, "isRetired">,
  ) {}

  /** A neighbour tells what it has heard. Returns whether it says of other nodes, or otherwise of them, who they are. */
  receive(link: NodeLink, message: Gossip): boolean {
    let isNews = false;
    if (message.direct !== undefined) link.meets(message.direct);
    for (const hearsay of message.heard) if (this.take(link, hearsay)) isNews = true;
    for (const name of message.gone) if (link.unhear(name)) isNews = true;
    return isNews;
  }

  lost(link: NodeLink): void {
    this.told.delete(link);
    this.toldDirect.delete(link);
    this.watches.delete(link);
  }

  /** Tells the upstreams, or everybody, what is new. */
  pump(everybody: boolean): void {
    for (const link of this.peers.all()) if (everybody || link.dialed) this.tell(link);
  }

  private take(link: NodeLink, hearsay: Hearsay): boolean {
    const { node, incarnation, path, isWhole, streams } = hearsay;
    if (node === this.self || path.includes(this.self)) return false;
    const known = link.heard.get(node);
    const isSame = known !== undefined && known.incarnation === incarnation && !isWhole;
    // What has changed is of no use to who does not know what it was before.
    if (!isSame && !isWhole) return false;
    const progress = new Map(isSame ? known.progress : []);
    for (const entry of streams) {
      if (progress.size < this.limits.vectorEntriesMax) progress.set(entry.stream, entry);
    }
    if (known === undefined && link.heard.size >= this.limits.membersMax) return false;
    const { role, url, voter, promoted = false, generation = 0, claim } = hearsay;
    // Whoever was retired, and does not know it, has no voice.
    if (this.retirements.isRetired(node, generation)) return false;
    const way = [link.peer.name, ...path];
    link.hear({
      node,
      role,
      incarnation,
      url,
      voter,
      promoted,
      generation,
      claim,
      path: way,
      progress,
      version: progress,
    });
    return !(
      known !== undefined &&
      known.role === role &&
      known.url === url &&
      known.voter === voter &&
      known.promoted === promoted &&
      known.generation === generation &&
      known.claim?.term === claim?.term &&
      known.claim?.since === claim?.since
    );
  }

  private tell(link: NodeLink): void {
    let watch = this.watches.get(link);
    if (watch === undefined) this.watches.set(link, (watch = new Watch([this.peers.revision])));
    if (!watch.hasMoved()) return;
    const direct = this.peers.names().filter((name) => name !== link.peer.name);
    let told = this.told.get(link);
    if (told === undefined) this.told.set(link, (told = new Map()));
    const heard: Hearsay[] = [];
    const sources = this.sources(link);
    for (const source of sources.values()) {
      const news = this.news(source, told);
      if (news !== undefined) heard.push(news);
    }
    const gone = [...told.keys()].filter((name) => !sources.has(name));
    for (const name of gone) told.delete(name);
    const names = direct.join("\n");
    const isNew = this.toldDirect.get(link) !== names;
    this.toldDirect.set(link, names);
    if (isNew || heard.length > 0 || gone.length > 0) {
      this.send(link, { kind: "gossip", direct: isNew ? direct : undefined, heard, gone });
    }
  }

  /** The best word on each node that the other end of this link does not hear itself. */
  private sources(link: NodeLink): Map<string, Heard> {
    const best = new Map<string, Heard>();
    for (const other of this.peers.all()) {
      if (other.peer.name === link.peer.name) continue;
      for (const heard of [directly(other), ...other.heard.values()]) {
        if (heard === undefined || !this.mayTell(link, heard)) continue;
        const known = best.get(heard.node);
        if (known === undefined || heard.path.length < known.path.length) best.set(heard.node, heard);
      }
    }
    return best;
  }

  private mayTell(link: NodeLink, { node, path }: Heard): boolean {
    const { name } = link.peer;
    if (node === name || node === this.self || link.direct.has(node)) return false;
    return !path.includes(name) && path.length < this.limits.gossipHopsMax;
  }

  /** What is new of this node for somebody who was told this much. */
  private news(heard: Heard, told: Map<string, Told>): Hearsay | undefined {
    let before = told.get(heard.node);
    // Whatever else is said of a node, it comes with another version.
    if (before !== undefined && before.version === heard.version) return undefined;
    // Whoever has another role is told of anew.
    const path = [heard.role, heard.promoted, heard.generation, heard.claim?.term, ...heard.path].join("\n");
    const isWhole = before?.incarnation !== heard.incarnation || before.path !== path;
    if (before === undefined || isWhole) {
      before = { incarnation: heard.incarnation, path, streams: new Map(), version: undefined };
      told.set(heard.node, before);
    }
    before.version = heard.version;
    const streams: StreamProgress[] = [];
    for (const entry of heard.progress.values()) {
      const last = before.streams.get(entry.stream);
      if (last !== undefined && sameProgress(last, entry)) continue;
      before.streams.set(entry.stream, entry);
      streams.push(entry);
    }
    if (streams.length === 0 && !isWhole) return undefined;
    const { progress: _, version: __, promoted, generation, claim, ...rest } = heard;
    return {
      ...rest,
      ...(promoted && { promoted }),
      ...(generation > 0 && { generation }),
      ...(claim && { claim }),
      isWhole,
      streams,
    };
  }

  /** In messages that fit into a frame. */
  private send(link: NodeLink, { direct, heard, gone }: Gossip): void {
    let batch: Hearsay[] = [];
    let entries = 0;
    const flush = (isLast: boolean): void => {
      link.channel.send({
        kind: "gossip",
        direct: isLast ? direct : undefined,
        heard: batch,
        gone: isLast ? gone : [],
      });
      batch = [];
      entries = 0;
    };
    for (const hearsay of heard) {
      for (let from = 0; from === 0 || from < hearsay.streams.length; from += ENTRIES_MAX) {
        if (entries >= ENTRIES_MAX) flush(false);
        const streams = hearsay.streams.slice(from, from + ENTRIES_MAX);
        batch.push({ ...hearsay, isWhole: hearsay.isWhole && from === 0, streams });
        entries += streams.length + 1;
      }
    }
    flush(true);
  }
}

/** What a neighbour says of itself, as others are told of it. */
function directly({ peer, url, progress, version, topology }: NodeLink): Heard | undefined {
  if (peer.peer === "client") return undefined;
  const { name: node, peer: role, incarnation, voter, promoted = false, generation = 0 } = peer;
  const { claim } = topology;
  return { node, role, incarnation, url, voter, promoted, generation, claim, path: [], progress, version };
}
