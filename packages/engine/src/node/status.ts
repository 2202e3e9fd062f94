import type { StreamId } from "@syncline/core";
import { type Level, ruleText } from "@syncline/protocol";
import type { Commits } from "./commit.js";
import type { Lags } from "./lags.js";
import type { HeldStream, Log } from "./log.js";
import type { Member, Members } from "./members.js";
import type { Peers } from "./peers.js";
import type { Retention } from "./retention.js";
import type { Retirements } from "./retirements.js";

/**
 * What a node tells operators: one row per node that it knows, absent ones too, and one per stream.
 * What is not known is `null`, never 0.
 */
export interface NodeStatus {
  readonly cluster: string;
  readonly node: string;
  readonly role: "master" | "follower";
  readonly topology: "multi-master" | "single-master";
  /** With one master, its name, as far as it is known here. */
  readonly writer: string | null;
  readonly state: "joining" | "catchup" | "streaming" | "active" | "stopping" | "error";
  readonly url: string;
  readonly nodes: readonly MemberStatus[];
  readonly streams: readonly StreamStatus[];
  /** One row per node of which a stream was closed, or is being closed, retired ones among them. */
  readonly closings: readonly ClosingStatus[];
  /** How old what is shown here may be, in milliseconds; null when a master was never asked or never answered. */
  readonly stalenessMs: number | null;
  readonly clients: number;
  /** There is no room on its disk: it takes no writes and follows nobody until there is. */
  readonly isDiskFull: boolean;
  /** How far its clock is ahead of most others'; null when it hears none. */
  readonly clockAheadMs: number | null;
  readonly unflushedBytes: number;
  readonly parkedRecords: number;
  /** Records of all streams that are kept, for those who are behind, and their bytes. */
  readonly retained: { readonly records: number; readonly bytes: number };
  /** Writes whose callers' wish was degraded, as the operator allows, since this node has started. */
  readonly degradedWrites: number;
  /** Documents that are materialised, and what they are taken to need. */
  readonly documentsInMemory: number;
  readonly documentBytesInMemory: number;
}

/**
 * What a member gets from this node's streams: `streaming` and `catchup` are records, `snapshot` is one on its way to it,
 * `lost` needs one because what it lacks is gone here, `disconnected` is away, and what it lacks is kept for it.
 */
export type SlotStatus = "streaming" | "catchup" | "snapshot" | "lost" | "disconnected";

export interface MemberStatus {
  readonly node: string;
  readonly role: "master" | "follower";
  /** Whether it counts in `MAJORITY` and `ALL`. */
  readonly voter: boolean;
  readonly url: string;
  /** Two running processes call themselves by this name: each needs one, and a data folder, of its own. */
  readonly isContested: boolean;
  /** `heard`: not connected here, but others are with it. */
  readonly state: "self" | "connected" | "heard" | "disconnected";
  /**
   * What the rule of this master's stream makes of it, in PostgreSQL's words: `quorum` and `sync` may count, `potential`
   * is a spare, `async` never counts. Null for the node itself, and at a follower.
   */
  readonly syncState: SyncState | null;
  /** Null for the node itself. */
  readonly slot: SlotStatus | null;
  /** Bytes that wait for it to take them; null when it is not connected. */
  readonly queuedBytes: number | null;
  /** Milliseconds since its last message; null when it is not connected. */
  readonly lastHeardMs: number | null;
  /** Its present stream, a random number as text; null if it never had one. */
  readonly epoch: string | null;
  /** How far it is behind what this node holds, by level; null when unknown. */
  readonly lag: {
    readonly received: LevelLag | null;
    readonly durable: LevelLag | null;
    readonly applied: LevelLag | null;
  };
}

export type SyncState = "async" | "potential" | "sync" | "quorum";

export interface LevelLag {
  readonly records: number;
  /** Since the first of them came to this node. */
  readonly seconds: number;
}

export interface StreamStatus {
  /** Random number of the stream, as text. */
  readonly stream: string;
  readonly node: string;
  readonly rule: string;
  readonly received: number;
  readonly durable: number;
  readonly applied: number;
  /** Null where no rule of it ever counted anybody. */
  readonly committed: number | null;
  /** Records up to here are no longer kept. */
  readonly truncated: number;
  /** Where it ends, if it is closed: nothing is ever added to it any more. Null for an open one. */
  readonly end: number | null;
  readonly provider: string | null;
}

export interface ClosingStatus {
  readonly node: string;
  /** How often it was retired. */
  readonly retirements: number;
  /** It is a member: it was never retired, or has joined again since. */
  readonly isMember: boolean;
  /** Of its streams, how many are closed, and how many of those that this node holds are open. */
  readonly ended: number;
  readonly open: number;
  /** Who finds out at present where its streams end; null when nobody does. */
  readonly decidedBy: string | null;
}

/** What a row of a member is made from. */
export interface MemberSources {
  readonly self: { readonly name: string } & Member;
  readonly log: Log;
  readonly peers: Peers;
  readonly members: Pick<Members, "others">;
  readonly commits: Pick<Commits, "syncState">;
  readonly lags: Lags;
  readonly retention: Pick<Retention, "isLost">;
  /** Names of the nodes that are being sent a snapshot. */
  readonly receivers: ReadonlySet<string>;
  /** Monotonic time. */
  readonly now: number;
}

export function memberStatus(sources: MemberSources): MemberStatus[] {
  const { self, log, members } = sources;
  const own = (level: Level) => (stream: StreamId) => ownPosition(log.stream(stream), level);
  const rows = [
    row(
      sources,
      self.name,
      self,
      { state: "self", lastHeardMs: 0, queuedBytes: null, syncState: null, slot: null },
      own,
    ),
  ];
  for (const [name, member] of members.others()) rows.push(otherRow(sources, name, member));
  return rows.sort((a, b) => (a.node < b.node ? -1 : 1));
}

function otherRow(sources: MemberSources, name: string, member: Member): MemberStatus {
  const { peers, commits, now } = sources;
  const links = [...peers.all()].filter((link) => link.peer.name === name);
  const heardAt = Math.max(...links.map((link) => link.channel.heardAt));
  const state = links.length > 0 ? "connected" : peers.isHeard(name) ? "heard" : "disconnected";
  const lastHeardMs = links.length > 0 ? Math.max(0, Math.round(now - heardAt)) : null;
  const queued = links.map(({ channel }) => channel.queuedBytes);
  const queuedBytes = links.length > 0 ? queued.reduce((sum, bytes) => sum + bytes, 0) : null;
  const reached = (level: Level) =>
    state === "disconnected" ? undefined : (stream: StreamId) => peers.position(name, stream, level);
  const slot = slotOf(sources, name, reached?.("received"));
  return row(
    sources,
    name,
    member,
    { state, lastHeardMs, queuedBytes, syncState: commits.syncState(name), slot },
    reached,
  );
}

/** More records than that are not under way: they are being caught up with. */
const CATCHUP_RECORDS = 1_000;

function slotOf(
  { log, retention, receivers }: MemberSources,
  name: string,
  reached: ((stream: StreamId) => number) | undefined,
): SlotStatus {
  if (receivers.has(name)) return "snapshot";
  if (reached === undefined) return retention.isLost(name) ? "lost" : "disconnected";
  for (const { id, truncated } of log.streams()) if (reached(id) < truncated) return "lost";
  return recordsBehind(log, reached) > CATCHUP_RECORDS ? "catchup" : "streaming";
}

function row(
  { log, lags, peers }: MemberSources,
  node: string,
  { role, url, voter }: Member,
  contact: Pick<MemberStatus, "state" | "lastHeardMs" | "queuedBytes" | "syncState" | "slot">,
  reached: (level: Level) => ((stream: StreamId) => number) | undefined,
): MemberStatus {
  const at = (level: Level): LevelLag | null => {
    const position = reached(level);
    if (position === undefined) return null;
    return { records: recordsBehind(log, position), seconds: lags.seconds(position) };
  };
  const epoch = epochOf(log, node);
  const lag = { received: at("received"), durable: at("durable"), applied: at("applied") };
  const isContested = peers.isContested(node);
  return {
    node,
    role,
    voter,
    url,
    isContested,
    ...contact,
    epoch: epoch === undefined ? null : String(epoch),
    lag,
  };
}

/** The present stream of a node: the one that no other one of it names as its previous. */
function epochOf(log: Log, node: string): StreamId | undefined {
  const streams = [...log.streams()].filter(({ opening }) => opening.node === node);
  const former = new Set(streams.map(({ opening }) => opening.previous));
  return streams.find(({ id }) => !former.has(id))?.id;
}

function ownPosition(stream: HeldStream | undefined, level: Level): number {
  if (stream === undefined) return 0;
  if (level === "received") return stream.held;
  return level === "durable" ? stream.durable : stream.visible;
}

function recordsBehind(log: Log, reached: (stream: StreamId) => number): number {
  let records = 0;
  for (const stream of log.streams()) records += Math.max(0, stream.held - reached(stream.id));
  return records;
}

export function closingStatus(
  retirements: Retirements,
  members: ReadonlySet<string>,
): readonly ClosingStatus[] {
  const rows = retirements.all().map(({ node, generation, ends, fence }) => ({
    node,
    retirements: generation,
    isMember: members.has(node),
    ended: ends.size,
    open: [...retirements.open(node)].length,
    decidedBy: fence === undefined || fence.coordinator === "" ? null : fence.coordinator,
  }));
  // An attempt that was given up leaves nothing to tell.
  const told = rows.filter(
    ({ retirements, ended, decidedBy }) => retirements + ended > 0 || decidedBy !== null,
  );
  return told.sort((a, b) => (a.node < b.node ? -1 : 1));
}

export function streamStatus(
  log: Log,
  retirements: Retirements,
  providers: ReadonlyMap<number, string>,
): StreamStatus[] {
  const byNode = (a: HeldStream, b: HeldStream) =>
    a.opening.node === b.opening.node ? a.id - b.id : a.opening.node < b.opening.node ? -1 : 1;
  return [...log.streams()].sort(byNode).map((stream) => ({
    stream: String(stream.id),
    node: stream.opening.node,
    rule: ruleText(stream.rule),
    received: stream.held,
    durable: stream.durable,
    applied: stream.visible,
    committed: stream.isLocal ? null : stream.committed,
    truncated: stream.truncated,
    end: retirements.endOf(stream.id, stream.opening) ?? null,
    provider: providers.get(stream.id) ?? null,
  }));
}
