import type { Change, StreamId } from "@syncline/core";
import { decodeChange, headOfChange, Malformed, positionIn } from "@syncline/core";
import {
  fault,
  type Limits,
  type Opening,
  type Records,
  readRecord,
  type StreamProgress,
  type StreamRecord,
} from "@syncline/protocol";
import type { Clock, Logger } from "../ports.js";
import type { Log } from "./log.js";
import type { Members } from "./members.js";
import type { NodeLink, Peers } from "./peers.js";
import { Watch } from "./revision.js";

/**
 * Following: getting every stream that exists, each from one provider.
 *
 * For each stream that a connected upstream has, one link is chosen as provider: the stream's own master if it is
 * connected, else whoever has most of it. The stream is asked for from this node's own position on, so replacing
 * a provider that died or went silent costs nothing and loses nothing. A node follows the streams of its own
 * former starts as well (SPINE 2): what others hold of them is part of what this node once accepted.
 *
 * A record that arrives before what it depends on waits here, in memory, within a limit; it is not counted, not
 * reported and not served (SPINE 1). What does not fit is dropped and asked for again.
 */
interface Followed {
  readonly stream: StreamId;
  /** The link it comes from at present. */
  provider: NodeLink | undefined;
  /** Records beyond what is held, gapless, that wait for their dependencies. */
  readonly parked: StreamRecord[];
  /** Monotonic time since which the provider owes something. */
  owedSince: number | undefined;
  /** Monotonic time since which nobody who is connected has what waits here. */
  orphanedSince: number | undefined;
  /** Links that stalled; asked again only when nobody else has the stream. */
  readonly stalled: Set<NodeLink>;
  /** Links whose node has this stream only after a position. */
  readonly truncated: Map<NodeLink, number>;
  /** Somebody has sent another content for a place. */
  isForked: boolean;
  /** As it was when a provider was last chosen, if nothing but time or news can change the choice. */
  chosen: Chosen | undefined;
}

interface Chosen {
  readonly revision: number;
  readonly roles: number;
  readonly held: number;
  readonly parked: number;
  readonly provider: NodeLink | undefined;
}

export class Following {
  private readonly followed = new Map<StreamId, Followed>();
  private parkedBytes = 0;
  /** Streams that nobody had, or nobody here could give, before. */
  private readonly watch: Watch;
  private readonly membersWatch: Watch;
  /** Names of the followers, and how often those have been others: whose streams any node provides depends on it. */
  private followers = "";
  private roles = 0;
  /** Of what is known of closed streams, when that was last looked at. */
  private endsSeen = 0;
  /** This master's own stream when that was last looked for. */
  private own: StreamId | undefined;
  /** Per link of how many streams it spoke when all of them were followed: they still are. */
  private readonly discovered = new Map<NodeLink, number>();
  /** Streams whose records were dropped for lack of room; they are asked for when there is room again. */
  private readonly waitingForRoom = new Set<Followed>();

  constructor(
    private readonly self: string,
    private readonly log: Log,
    private readonly peers: Peers,
    private readonly members: Pick<Members, "others" | "revision">,
    private readonly clock: Clock,
    private readonly limits: Limits,
    private readonly logger: Logger,
    private readonly on: {
      /** Up to where records of a stream are taken, of which this node may have none yet. */
      limitOf(stream: StreamId, node: string, opening: Opening | undefined): number;
      /** A stream that nobody has named is closed before its beginning: this is what its opening says. */
      closedBefore(stream: StreamId, opening: Opening): void;
      /** Another number whenever streams may end elsewhere. */
      endsRevision(): number;
      /** Anybody may provide this stream of this node. */
      isWanted(node: string, stream: StreamId): boolean;
      /** This master's own current stream: never followed. */
      ownStream(): StreamId | undefined;
      /** The disk is too far behind to take more in. */
      overloaded(): boolean;
      stored(record: StreamRecord): void;
      /** What this node lacks of a stream nobody has as records any more, and this peer has in a snapshot. */
      lacking(link: NodeLink): void;
    },
  ) {
    this.watch = new Watch([log.revision, peers.revision]);
    this.membersWatch = new Watch([members.revision]);
  }

  /** Records that wait for their dependencies, for the status. */
  get parkedCount(): number {
    let count = 0;
    for (const followed of this.followed.values()) count += followed.parked.length;
    return count;
  }

  /** Whether a provider owes something, or something waits for room or for nobody: time may decide what comes of it. */
  get isWaiting(): boolean {
    if (this.waitingForRoom.size > 0) return true;
    for (const { owedSince, orphanedSince } of this.followed.values())
      if (owedSince !== undefined || orphanedSince !== undefined) return true;
    return false;
  }

  /** Names of the providers by stream, for the status. */
  providers(): Map<StreamId, string> {
    const names = new Map<StreamId, string>();
    for (const [stream, { provider }] of this.followed) {
      if (provider !== undefined) names.set(stream, provider.peer.name);
    }
    return names;
  }

  /** Records have arrived. Those of a stream that now comes from elsewhere, or that are known, are dropped. */
  receive(link: NodeLink, message: Records): void {
    const followed = this.followed.get(message.stream);
    if (followed === undefined || followed.provider !== link) return;
    let position = message.first;
    for (const bytes of message.records) {
      if (!this.take(followed, link, position, bytes)) return;
      position += 1;
    }
  }

  /** A provider has let go of what it was asked for. */
  truncated(link: NodeLink, stream: StreamId, upTo: number): void {
    const followed = this.followed.get(stream);
    if (followed === undefined || !this.mayProvide(link, stream)) return;
    followed.truncated.set(link, upTo);
    followed.chosen = undefined;
    if (followed.provider === link) followed.provider = undefined;
  }

  /** A snapshot is held now: what was on its way before it is asked for again, from there. */
  jumped(): void {
    for (const followed of this.followed.values()) this.letGo(followed);
  }

  /** Stores what no longer has to wait. Returns whether anything was stored. */
  unpark(): boolean {
    let any = false;
    for (let progress = true; progress; ) {
      progress = false;
      for (const followed of this.followed.values()) {
        for (let next = followed.parked[0]; next !== undefined; next = followed.parked[0]) {
          const known = next.position <= positionIn(this.log.held, next.stream);
          if (!known && this.isBeyond(next)) {
            // What has come after it goes with it: without it that would wait for ever.
            this.closedBefore(next);
            this.letGo(followed);
            break;
          }
          if (!known && !this.log.accepts(next)) break;
          followed.parked.shift();
          this.parkedBytes -= next.bytes.length;
          if (known) continue;
          this.store(next);
          progress = any = true;
        }
      }
    }
    return any;
  }

  /** A link has ended: its streams come from elsewhere. */
  lost(link: NodeLink): void {
    this.discovered.delete(link);
    for (const followed of this.followed.values()) {
      followed.stalled.delete(link);
      followed.truncated.delete(link);
      if (followed.provider === link) followed.provider = undefined;
    }
  }

  /** Chooses providers. Called once per turn, and from a timer so that a stalled provider is noticed. */
  choose(): void {
    const own = this.on.ownStream();
    const isNews = this.watch.hasMoved();
    const haveEndsChanged = this.haveEndsChanged();
    // A master that steps down follows what was its own stream.
    if (this.haveRolesChanged() || haveEndsChanged || isNews || own !== this.own) this.discover(own);
    const room = this.parkedBytes < this.limits.parkedRecordBytesMax / 2 && !this.on.overloaded();
    for (const followed of this.followed.values()) {
      if (this.waitingForRoom.has(followed)) {
        if (!room) continue;
        this.waitingForRoom.delete(followed);
      }
      if (this.isChosen(followed)) continue;
      this.judge(followed);
      this.judgeParked(followed);
      const revision = this.peers.revision.number;
      const { best, isFinal } = this.best(followed);
      if (best !== undefined && best !== followed.provider) this.ask(followed, best);
      const { parked, provider } = followed;
      const held = positionIn(this.log.held, followed.stream);
      followed.chosen = isFinal
        ? { revision, roles: this.roles, held, parked: parked.length, provider }
        : undefined;
    }
  }

  /** Whether choosing again would change nothing: neither what there is nor what was asked for has changed, and nothing is owed. */
  private isChosen({ chosen, stream, owedSince, orphanedSince, parked, provider }: Followed): boolean {
    return (
      chosen !== undefined &&
      owedSince === undefined &&
      orphanedSince === undefined &&
      chosen.roles === this.roles &&
      chosen.provider === provider &&
      chosen.parked === parked.length &&
      chosen.held === positionIn(this.log.held, stream) &&
      !this.peers.hasMoved(stream, chosen.revision)
    );
  }

  /** Begins to follow what was not there before. */
  private discover(own: StreamId | undefined): void {
    if (own !== this.own) this.discovered.clear();
    this.own = own;
    for (const link of this.peers.all()) {
      if (this.discovered.get(link) === link.progress.size) continue;
      let isAll = true;
      for (const [stream, progress] of link.progress) {
        if (stream === own || this.followed.has(stream)) continue;
        if (this.received(progress) === 0 || !this.mayProvide(link, stream)) {
          isAll = false;
          continue;
        }
        this.followed.set(stream, {
          stream,
          provider: undefined,
          parked: [],
          owedSince: undefined,
          orphanedSince: undefined,
          stalled: new Set(),
          truncated: new Map(),
          isForked: false,
          chosen: undefined,
        });
      }
      if (isAll) this.discovered.set(link, link.progress.size);
    }
  }

  private take(followed: Followed, link: NodeLink, position: number, bytes: Uint8Array): boolean {
    const next = positionIn(this.log.held, followed.stream) + followed.parked.length + 1;
    if (position < next) {
      this.compare(followed, link, position, bytes);
      return true;
    }
    if (position > next) {
      // A gap: it was dropped on the way. Ask again from where this node is.
      this.ask(followed, link);
      return false;
    }
    let record: StreamRecord;
    try {
      record = readRecord(followed.stream, position, bytes);
      if (record.body.kind === "change") record.head = headOfChange(mustDecode(record.body.change));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      link.channel.end(fault("MALFORMED_MESSAGE", `record ${followed.stream}:${position}: ${error.message}`));
      return false;
    }
    followed.owedSince = undefined;
    followed.stalled.clear();
    if (this.isBeyond(record)) {
      this.closedBefore(record);
      link.channel.send({ kind: "unfollow", stream: followed.stream });
      followed.provider = undefined;
      return false;
    }
    if (followed.parked.length === 0 && this.log.accepts(record) && !this.on.overloaded()) {
      this.store(record);
      return true;
    }
    if (this.parkedBytes + bytes.length > this.limits.parkedRecordBytesMax || this.on.overloaded()) {
      link.channel.send({ kind: "unfollow", stream: followed.stream });
      followed.provider = undefined;
      this.waitingForRoom.add(followed);
      return false;
    }
    followed.parked.push(record);
    this.parkedBytes += bytes.length;
    return true;
  }

  /**
   * What is held comes again: a place has one content (I1), and it is said, once, if this is another. What is here stays.
   * It can only come of a stream that two processes have written, or of a disk that returns what nobody wrote.
   */
  private compare(followed: Followed, link: NodeLink, position: number, bytes: Uint8Array): void {
    const { stream } = followed;
    const held = this.log.stream(stream);
    if (followed.isForked || held === undefined || position > held.held) return;
    if (position > 1 && position <= held.truncated) return;
    if (sameBytes(this.log.record(stream, position).bytes, bytes)) return;
    followed.isForked = true;
    const remedy = "compare the nodes: syncline verify";
    this.logger.error("position-taken-twice", { stream, position, provider: link.peer.name, remedy });
  }

  private store(record: StreamRecord): void {
    this.log.store(record);
    this.on.stored(record);
  }

  /** Whether streams may end elsewhere than when providers were last chosen. */
  private haveEndsChanged(): boolean {
    const revision = this.on.endsRevision();
    if (revision === this.endsSeen) return false;
    this.endsSeen = revision;
    this.roles += 1;
    this.discovered.clear();
    return true;
  }

  /** Whether other nodes are followers than when that was last looked at. */
  private haveRolesChanged(): boolean {
    if (!this.membersWatch.hasMoved()) return false;
    const names = [...this.members.others()].flatMap(([name, { role }]) =>
      role === "follower" ? [name] : [],
    );
    const followers = names.sort().join("\n");
    if (followers === this.followers) return false;
    this.followers = followers;
    this.roles += 1;
    return true;
  }

  /**
   * What waits here, and nobody has who is connected, goes after a while: its stream may have lost its end, and what it
   * waits for, before any disk had it. Whoever comes back with it is asked for it again.
   */
  private judgeParked(followed: Followed): void {
    const { stream, parked } = followed;
    const after = positionIn(this.log.held, stream);
    if (parked.length === 0 || this.exists(stream, after + 1)) {
      followed.orphanedSince = undefined;
      return;
    }
    const now = this.clock.monotonic();
    followed.orphanedSince ??= now;
    if (now - followed.orphanedSince < this.limits.parkedAloneMsMax) return;
    this.logger.warn("parked-let-go", { stream, after, count: parked.length });
    this.letGo(followed);
  }

  /** Forgets what waits here; what comes next is asked for anew. */
  private letGo(followed: Followed): void {
    for (const { bytes } of followed.parked.splice(0)) this.parkedBytes -= bytes.length;
    followed.provider?.channel.send({ kind: "unfollow", stream: followed.stream });
    followed.provider = undefined;
    followed.owedSince = undefined;
    followed.orphanedSince = undefined;
  }

  /** Marks the provider as stalled when somebody has more and it has sent nothing for too long. */
  private judge(followed: Followed): void {
    const { provider } = followed;
    if (provider === undefined) return;
    const have = positionIn(this.log.held, followed.stream) + followed.parked.length;
    if (!this.exists(followed.stream, have + 1)) {
      followed.owedSince = undefined;
      return;
    }
    const now = this.clock.monotonic();
    followed.owedSince ??= now;
    if (now - followed.owedSince < this.limits.providerStallMs) return;
    this.logger.warn("provider-stalled", { stream: followed.stream, provider: provider.peer.name, have });
    provider.channel.send({ kind: "unfollow", stream: followed.stream });
    followed.stalled.add(provider);
    followed.provider = undefined;
    followed.owedSince = undefined;
  }

  /** The link that should provide this stream: its own master's, else the one that has most, else any at all. */
  private best(followed: Followed): { readonly best: NodeLink | undefined; readonly isFinal: boolean } {
    let best: NodeLink | undefined;
    let lacking: NodeLink | undefined;
    let isThereMore = false;
    let bestRank = Number.NEGATIVE_INFINITY;
    const after = positionIn(this.log.held, followed.stream) + followed.parked.length;
    const opening = this.log.stream(followed.stream)?.opening;
    // All of it is here: nobody need provide more, unless it turns out to end elsewhere.
    if (opening !== undefined && after >= this.on.limitOf(followed.stream, opening.node, opening))
      return { best: undefined, isFinal: true };
    for (const link of this.peers.all()) {
      const progress = link.progress.get(followed.stream);
      if (progress === undefined || this.received(progress) === 0 || !this.mayProvide(link, followed.stream))
        continue;
      if ((followed.truncated.get(link) ?? 0) > after) {
        lacking = link;
        continue;
      }
      isThereMore ||= this.received(progress) > after;
      const rank =
        (followed.stalled.has(link) ? -4 : 0) +
        (progress.node !== "" && progress.node === link.peer.name ? 2 : 0) +
        (this.hasMost(link, followed.stream) ? 1 : 0) +
        (link.dialed ? 0.5 : 0) +
        (link === followed.provider ? 1.5 : 0);
      if (rank > bestRank) {
        best = link;
        bestRank = rank;
      }
    }
    if (isThereMore || lacking === undefined) return { best, isFinal: true };
    // It may have to be wanted again.
    this.on.lacking(lacking);
    return { best, isFinal: false };
  }

  /** Whether some link has this position. */
  private exists(stream: StreamId, position: number): boolean {
    for (const link of this.peers.all()) {
      const progress = link.progress.get(stream);
      if (progress !== undefined && this.received(progress) >= position && this.mayProvide(link, stream))
        return true;
    }
    return false;
  }

  /** How much a peer has of a stream, as far as this node takes it. */
  private received({ stream, node, received }: StreamProgress): number {
    return Math.min(received, this.on.limitOf(stream, node, this.log.stream(stream)?.opening));
  }

  private isBeyond({ stream, position, body }: StreamRecord): boolean {
    const opening = body.kind === "opening" ? body.opening : this.log.stream(stream)?.opening;
    return opening !== undefined && position > this.on.limitOf(stream, opening.node, opening);
  }

  /** Its stream was closed, or is about to be. Should it end later after all, this is asked for again. */
  private closedBefore({ stream, body }: StreamRecord): void {
    if (body.kind === "opening") this.on.closedBefore(stream, body.opening);
  }

  private hasMost(link: NodeLink, stream: StreamId): boolean {
    const received = link.progress.get(stream)?.received ?? 0;
    for (const other of this.peers.all()) {
      if (this.mayProvide(other, stream) && (other.progress.get(stream)?.received ?? 0) > received)
        return false;
    }
    return true;
  }

  /**
   * Upstreams provide everything; any other connected node what this node itself once wrote, what was accepted by one that
   * is a follower by now (it is nobody's upstream), and of what this one has begun to follow, more than is here: the end of
   * a chain may be the last to have what its relay and the origin have lost in a crash. A stream's own master provides it
   * whether it has more or not: in a ring, where it is connected and no upstream, it has more for a moment only with each
   * record, and the stream would come from it and from the upstream by turns, and each record several times.
   */
  private mayProvide(link: NodeLink, stream: StreamId): boolean {
    if (link.dialed) return true;
    const progress = link.progress.get(stream);
    if (progress === undefined) return false;
    const held = positionIn(this.log.held, stream);
    // What a follower accepted nobody has it as an upstream for: it takes no writes.
    const isOfFollower = this.members.others().get(progress.node)?.role === "follower";
    if (progress.node === this.self || isOfFollower || this.on.isWanted(progress.node, stream)) return true;
    return held > 0 && (progress.received > held || progress.node === link.peer.name);
  }

  private ask(followed: Followed, link: NodeLink): void {
    if (followed.provider !== undefined && followed.provider !== link) {
      followed.provider.channel.send({ kind: "unfollow", stream: followed.stream });
    }
    const after = positionIn(this.log.held, followed.stream) + followed.parked.length;
    this.logger.debug("follow", { stream: followed.stream, provider: link.peer.name, after });
    followed.provider = link;
    followed.owedSince = this.exists(followed.stream, after + 1) ? this.clock.monotonic() : undefined;
    link.channel.send({ kind: "follow", stream: followed.stream, after });
  }
}

/** What is stored will be read one day, by others too: it is looked through at the door. Throws `Malformed`. */
function mustDecode(bytes: Uint8Array): Change {
  const change = decodeChange(bytes);
  if (!change.ok) throw new Malformed(change.fault.reason);
  return change.value;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
