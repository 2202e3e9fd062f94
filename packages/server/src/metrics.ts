/**
 * What a node measures, in the form that Prometheus scrapes.
 *
 * Everything is read from the node's status when it is asked for, so a scrape and `syncline status` never differ. What
 * is not known has no sample: an absent series can be alarmed on, a wrong 0 cannot.
 */
import type { NodeStatus, SyncNode } from "@syncline/engine";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { VERSION } from "./version.js";

const LEVELS = ["received", "durable", "applied"] as const;

export class Metrics {
  private readonly registry = new Registry();
  private readonly gauges: Gauges;

  constructor(
    private readonly node: SyncNode,
    private readonly isReady: () => boolean,
  ) {
    collectDefaultMetrics({ register: this.registry });
    this.gauges = gaugesIn(this.registry);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    this.read(this.node.status());
    return this.registry.metrics();
  }

  private read(status: NodeStatus): void {
    const { gauges } = this;
    for (const gauge of [
      gauges.lagSeconds,
      gauges.lagRecords,
      gauges.connected,
      gauges.position,
      gauges.slot,
      gauges.queued,
    ])
      gauge.reset();
    const { cluster, node, role } = status;
    gauges.info.reset();
    gauges.info.set({ version: VERSION, cluster, node, role }, 1);
    gauges.ready.set(this.isReady() ? 1 : 0);
    gauges.clients.set(status.clients);
    gauges.unflushed.set(status.unflushedBytes);
    gauges.full.set(status.isDiskFull ? 1 : 0);
    gauges.clock.reset();
    if (status.clockAheadMs !== null) gauges.clock.set(status.clockAheadMs / 1_000);
    gauges.parked.set(status.parkedRecords);
    gauges.retainedRecords.set(status.retained.records);
    gauges.degraded.set(status.degradedWrites);
    gauges.retainedBytes.set(status.retained.bytes);
    gauges.documents.set(status.documentsInMemory);
    gauges.documentBytes.set(status.documentBytesInMemory);
    gauges.staleness.reset();
    if (status.stalenessMs !== null) gauges.staleness.set(status.stalenessMs / 1_000);
    for (const { node: peer, role, state, syncState, slot, lag, queuedBytes } of status.nodes) {
      if (state === "self") continue;
      if (queuedBytes !== null) gauges.queued.set({ peer }, queuedBytes);
      gauges.slot.set({ peer, slot: slot ?? "" }, 1);
      gauges.connected.set({ peer, role, sync_state: syncState ?? "" }, state === "disconnected" ? 0 : 1);
      for (const level of LEVELS) {
        const behind = lag[level];
        if (behind === null) continue;
        gauges.lagSeconds.set({ peer, level }, behind.seconds);
        gauges.lagRecords.set({ peer, level }, behind.records);
      }
    }
    for (const { node: origin, stream, received, durable, applied, committed } of status.streams) {
      const positions = { received, durable, applied, ...(committed === null ? {} : { committed }) };
      for (const [level, position] of Object.entries(positions)) {
        gauges.position.set({ node: origin, stream, level }, position);
      }
    }
  }
}

type Gauges = ReturnType<typeof gaugesIn>;

function gaugesIn(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `syncline_${name}`, help, labelNames, registers: [registry] });
  return {
    info: gauge("build_info", "Always 1; says what runs here.", ["version", "cluster", "node", "role"]),
    ready: gauge("ready", "Whether this node is of use to readers: 1 or 0.", []),
    clients: gauge("clients", "Clients that are connected.", []),
    unflushed: gauge("unflushed_bytes", "Bytes that wait for the disk.", []),
    full: gauge("storage_full", "Whether the disk has no room, and nothing is taken: 1 or 0.", []),
    clock: gauge(
      "clock_ahead_seconds",
      "How far the clock is ahead of most others'; absent when none is heard.",
      [],
    ),
    parked: gauge("parked_records", "Records that arrived before what they depend on.", []),
    retainedRecords: gauge("retained_records", "Records that are kept, for those who are behind.", []),
    degraded: gauge(
      "degraded_writes_total",
      "Writes whose callers' wish was degraded, as --degrade-to allows.",
      [],
    ),
    retainedBytes: gauge("retained_bytes", "Bytes of those.", []),
    documents: gauge("documents_in_memory", "Documents that are in memory.", []),
    documentBytes: gauge("document_bytes_in_memory", "Memory that those are taken to need.", []),
    queued: gauge("queued_bytes", "Bytes that wait for a peer to take them.", ["peer"]),
    slot: gauge(
      "slot",
      "Always 1; says what a peer gets: streaming, catchup, snapshot, lost, disconnected.",
      ["peer", "slot"],
    ),
    staleness: gauge(
      "staleness_seconds",
      "How old what this node shows may be; absent until a read with maxStalenessMs has asked.",
      [],
    ),
    connected: gauge("peer_connected", "Whether a node is heard: 1 or 0.", ["peer", "role", "sync_state"]),
    lagSeconds: gauge(
      "replication_lag_seconds",
      "For how long this node has had the first record that the peer lacks at this level.",
      ["peer", "level"],
    ),
    lagRecords: gauge(
      "replication_lag_records",
      "Records that this node holds and the peer lacks at this level.",
      ["peer", "level"],
    ),
    position: gauge("stream_position", "How far this node is in a stream.", ["node", "stream", "level"]),
  };
}
