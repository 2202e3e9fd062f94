import type { Change, ChangeHead, StreamId, Vector } from "@syncline/core";
import { changeId, covers, crc32, documentId, positionIn, readChangeHead } from "@syncline/core";
import { type OwnChange, recordPlaceOf, type SyncNode } from "@syncline/engine";
import { type CommitRule, type Opening, readRecord, ruleText, type StreamRecord } from "@syncline/protocol";
import { Violation } from "./checks.js";
import type { Cluster, SimNode } from "./cluster.js";

/**
 * Looks into the nodes of a cluster and holds their logs against each other and against what is said of them.
 *
 * It remembers every record that any node has ever held. So it can tell when a place has two contents (I1), when a log
 * has a hole or goes back (I2), when something is held or shown before what it depends on (I3), when a node shows other
 * changes than its vector says (I5), and whether a receipt was true when it was given (I6). A look costs what has
 * happened since the last one.
 */
export class Inspection {
  private readonly streams = new Map<StreamId, KnownRecord[]>();
  /** Where each change stands, by its identity. */
  private readonly places = new Map<string, KnownRecord[]>();
  /** How far each process was looked through. A process that was started again is another one. */
  /** Before a disk was lost. */
  private readonly wereCommitted = new Set<KnownRecord>();
  private readonly looked = new WeakMap<
    SyncNode,
    { readonly held: Map<StreamId, number>; visible: Vector; runs: number }
  >();
  /** What what is visible of each process stood for, and how much that was. */
  private readonly counters = new WeakMap<
    SyncNode,
    { readonly upTo: Map<StreamId, number>; readonly all: Map<string, Map<number, number>> }
  >();
  private readonly rejected: Change[] = [];
  /** How often something was rightly called committed that only a later rule than its own had committed. */
  committedByLaterRule = 0;

  constructor(private readonly cluster: Cluster) {}

  /** Changes that stand at more than one place: their clients offered them to another master, too. */
  get changesTwice(): number {
    let count = 0;
    for (const places of this.places.values()) if (places.length > 1) count += 1;
    return count;
  }

  /** Names of the masters in whose streams a change stands. */
  mastersOf(change: Change): string[] {
    return (this.places.get(changeId(change)) ?? []).map(({ opening }) => opening.node);
  }

  /** Whether any running node keeps a record of this change, or has put one aside. */
  isKept(change: Change): boolean {
    const id = changeId(change);
    const places = this.places.get(id) ?? [];
    const isKeptBy = ({ engine }: SimNode): boolean =>
      places.some(
        ({ stream, position }) =>
          position <= positionIn(engine.heldVector(), stream) && engine.keeps(stream, position),
      );
    return this.isAside(id) || [...this.cluster.nodes.values()].some((node) => node.isUp && isKeptBy(node));
  }

  /** Every node says of every stream the rule that was said last in it, in whatever way it came by that. */
  checkRules(): void {
    for (const { isUp, name, engine } of this.cluster.nodes.values()) {
      if (!isUp) continue;
      for (const { stream, rule } of engine.status().streams) {
        const held = this.streams
          .get(Number(stream))
          ?.slice(0, positionIn(engine.heldVector(), Number(stream)));
        const must = ruleText(held!.at(-1)!.rule);
        if (rule !== must)
          throw new Violation(`I7: ${name} says that the rule of ${stream} is ${rule}, not ${must}`);
      }
    }
  }

  /** Looks at what is new. Throws `Violation`, as all of these do. */
  look(): void {
    for (const node of this.cluster.nodes.values()) if (node.isUp) node.examine(() => this.lookAt(node));
  }

  /** A disk is given something. Records are looked at as they come, since they may be gone before the next look. */
  stored(key: Uint8Array, value: Uint8Array): void {
    const place = recordPlaceOf(key);
    if (place !== undefined) this.note("a disk", readRecord(place.stream, place.position, value));
  }

  /** A client has heard of a change: what it was told must hold at this moment. */
  heard(own: OwnChange): void {
    if (own.rejected !== undefined) this.rejected.push(own.change);
    if (!own.durable) return;
    this.look();
    const id = changeId(own.change);
    const places = this.places.get(id) ?? [];
    if (!places.some((place) => this.holders(place).size > 0) && !this.isAside(id)) {
      throw new Violation(`I6: ${id} is said to be durable, and no disk has it`);
    }
    const isPromised = (place: KnownRecord): boolean =>
      this.isCommitted(place) ||
      this.isClosed(place) ||
      this.isClosedByLaterRule(place) ||
      // Said by a node that had not heard yet that it was retired: its own disk was all that it promised.
      ([place, ...this.changesOfRule(place)].some(({ rule }) => rule.kind === "local") && this.isAside(id));
    if (own.confirmed && !places.some(isPromised)) {
      throw new Violation(`I6: ${id} is said to be committed, and its rule does not hold`);
    }
  }

  /** Each node shows exactly the changes that stand in what is visible to it, and none that was rejected is anywhere. */
  checkContents(): void {
    this.look();
    for (const node of this.cluster.nodes.values()) if (node.isUp) this.checkNode(node);
    for (const change of this.rejected) {
      const id = changeId(change);
      if (this.places.has(id)) throw new Violation(`I6: ${id} was rejected, and it is there`);
    }
  }

  private lookAt(node: SimNode): void {
    const { engine, name } = node;
    let looked = this.looked.get(engine);
    if (looked === undefined)
      this.looked.set(engine, (looked = { held: new Map(), visible: new Map(), runs: -1 }));
    if (looked.runs === node.runs) return;
    const [held, durable, visible] = [engine.heldVector(), engine.durableVector(), engine.visibleVector()];
    for (const [stream, last] of held) {
      for (let position = (looked.held.get(stream) ?? 0) + 1; position <= last; position++) {
        if (engine.keeps(stream, position)) {
          const record = engine.recordAt(stream, position);
          if (!covers(held, record.deps))
            throw new Violation(`I3: ${name} holds ${stream}:${position} without what it depends on`);
          this.note(name, record);
        } else if (this.streams.get(stream)?.[position - 1] === undefined)
          throw new Violation(`I2: ${name} says that it holds ${stream}:${position}, which nobody ever had`);
      }
      looked.held.set(stream, last);
    }
    if (!covers(held, visible)) throw new Violation(`I2: ${name} shows more than it holds`);
    if (!covers(held, durable)) throw new Violation(`I2: ${name} has more on its disk than it holds`);
    for (const [stream, before] of looked.visible) {
      if (positionIn(visible, stream) >= before) continue;
      // What was cut off at the end of a closed stream, and is handed in.
      if (positionIn(visible, stream) > (engine.endOf(stream) ?? -1))
        throw new Violation(`I8: ${name} shows less than before`);
      this.counters.delete(engine);
    }
    for (const stream of looked.held.keys())
      looked.held.set(stream, Math.min(positionIn(held, stream), positionIn(looked.held, stream)));
    for (const [stream, last] of visible) {
      for (let position = positionIn(looked.visible, stream) + 1; position <= last; position++) {
        const record = this.streams.get(stream)?.[position - 1];
        if (record !== undefined && covers(visible, record.deps)) continue;
        throw new Violation(`I3: ${name} shows ${stream}:${position} without what it depends on`);
      }
    }
    looked.visible = new Map(visible);
    looked.runs = node.runs;
  }

  private note(node: string, record: StreamRecord): void {
    const { stream, position, deps } = record;
    const where = `${stream}:${position}`;
    let known = this.streams.get(stream);
    if (known === undefined) this.streams.set(stream, (known = []));
    const checksum = crc32(record.bytes);
    const before = known[position - 1];
    if (before !== undefined) {
      if (before.checksum !== checksum) throw new Violation(`I1: ${node} holds another ${where}`);
      return;
    }
    if (known.length !== position - 1) throw new Violation(`I2: ${node} holds ${where} and not all before`);
    const entry: KnownRecord = {
      stream,
      position,
      deps,
      checksum,
      head: headOf(record),
      opening: openingOf(record, known),
      rule: ruleOf(record, known),
      saysRule: record.body.kind === "rule",
    };
    known.push(entry);
    if (entry.head === undefined) return;
    const id = changeId(entry.head);
    const places = this.places.get(id);
    if (places === undefined) this.places.set(id, [entry]);
    else places.push(entry);
  }

  /** A node has cut it off, and keeps it until it stands elsewhere. */
  private isAside(id: string): boolean {
    for (const { engine } of this.cluster.nodes.values())
      for (const change of engine.changesAside()) if (changeId(change) === id) return true;
    return false;
  }

  /**
   * It stands before the end of a stream that a retirement closed, of its node or of one that counted for it: that counts as
   * committed, since nobody is left to ask.
   */
  private isClosed({ stream, position, opening, rule }: KnownRecord): boolean {
    const concerned = new Set([opening.node, ...("names" in rule ? rule.names : [])]);
    return [...this.cluster.nodes.values()].some(
      ({ engine }) =>
        position <= (engine.endOf(stream) ?? 0) &&
        engine.status().closings.some(({ node, retirements }) => retirements > 0 && concerned.has(node)),
    );
  }

  /**
   * Its own node has closed its stream, and was started with another rule since, under which this is committed (decision
   * 0080). If the rule is the same, it was committed before.
   */
  private isClosedByLaterRule(place: KnownRecord): boolean {
    const { stream, position, opening } = place;
    const nodes = [...this.cluster.nodes.values()];
    if (!nodes.some(({ engine }) => position <= (engine.endOf(stream) ?? 0))) return false;
    // Streams stand in the order in which they were begun.
    const later = [...this.streams.values()].slice([...this.streams.keys()].indexOf(stream) + 1);
    const rules = later
      .filter(([first]) => first?.opening.node === opening.node)
      .flatMap((records) => records.map(({ rule }) => rule));
    return rules.some((rule) => this.isHeldByRule({ ...place, rule }));
  }

  /** A disk is about to be lost: what is committed stays so, with a copy less. */
  diskGoes(): void {
    for (const records of this.streams.values())
      for (const record of records) if (this.isCommitted(record)) this.wereCommitted.add(record);
  }

  /**
   * By the rule that it came under; or by a later one of its stream, as soon as the record that says that one is committed
   * under it (decision 0055).
   */
  private isCommitted(place: KnownRecord): boolean {
    if (this.wereCommitted.has(place) || this.isHeldByRule(place)) return true;
    const isByLater = this.changesOfRule(place).some((record) => this.isHeldByRule(record));
    if (isByLater) this.committedByLaterRule += 1;
    return isByLater;
  }

  /** The records after it that say another rule. */
  private changesOfRule({ stream, position }: KnownRecord): KnownRecord[] {
    const after = this.streams.get(stream)?.slice(position) ?? [];
    return after.filter((record) => record.saysRule);
  }

  /** Its own rule, naively: so many of the named nodes, and the origin or one more (SPINE 6). */
  private isHeldByRule(place: KnownRecord): boolean {
    const { node } = place.opening;
    const { rule } = place;
    const holders = this.holders(place);
    if (rule.kind === "local") return holders.size > 0;
    if (rule.kind !== "any" && rule.kind !== "first") return true; // Histories have no other rule.
    const named = rule.names.filter((name) => name !== node && holders.has(name));
    return named.length >= rule.needed && (holders.has(node) || holders.size > rule.needed);
  }

  /** Names of the nodes whose disk has this. Those that are down have it still. */
  private holders({ stream, position }: KnownRecord): Set<string> {
    const holders = new Set<string>();
    for (const { name, engine } of this.cluster.nodes.values()) {
      if (positionIn(engine.durableVector(), stream) >= position) holders.add(name);
    }
    return holders;
  }

  private checkNode(node: SimNode): void {
    const must = this.countersOf(node);
    for (const id of this.cluster.ledger.documents()) {
      const document = node.document(id);
      if (!node.isUp) return; // Its disk has turned out to be damaged.
      const counters = must.get(id) ?? new Map<number, number>();
      const shown = [...(document?.seen() ?? [])];
      const isSame = shown.every(({ author, counter }) => counters.get(author) === counter);
      if (isSame && shown.length === counters.size) continue;
      throw new Violation(`I5: ${node.name} shows other changes of ${id} than its vector says`);
    }
  }

  /**
   * By document, the author counters that what is visible stands for. As long as its process runs a node shows more and
   * more (`lookAt` sees to it), so what stood for less is added to; a cut has it counted anew.
   */
  private countersOf({ engine, visible }: SimNode): Map<string, Map<number, number>> {
    let known = this.counters.get(engine);
    if (known === undefined) this.counters.set(engine, (known = { upTo: new Map(), all: new Map() }));
    const { upTo, all } = known;
    for (const [stream, last] of visible) {
      for (const { head } of this.streams.get(stream)?.slice(upTo.get(stream) ?? 0, last) ?? []) {
        if (head === undefined) continue;
        const id = documentId(head.document);
        let counters = all.get(id);
        if (counters === undefined) all.set(id, (counters = new Map()));
        counters.set(head.author, Math.max(counters.get(head.author) ?? 0, head.last));
      }
      upTo.set(stream, last);
    }
    return all;
  }
}

interface KnownRecord {
  readonly stream: StreamId;
  readonly position: number;
  readonly deps: Vector;
  readonly checksum: number;
  readonly head: ChangeHead | undefined;
  readonly opening: Opening;
  /** What it came under: the rule that was said last, in its own place or before. */
  readonly rule: CommitRule;
  readonly saysRule: boolean;
}

function ruleOf({ body }: StreamRecord, before: readonly KnownRecord[]): CommitRule {
  if (body.kind === "rule") return body.rule;
  return body.kind === "opening" ? body.opening.rule : before.at(-1)!.rule;
}

function headOf({ body }: StreamRecord): ChangeHead | undefined {
  if (body.kind !== "change") return undefined;
  const head = readChangeHead(body.change);
  if (!head.ok) throw new Violation(`I12: a node holds what is no change: ${head.fault.reason}`);
  return head.value;
}

function openingOf({ body, stream }: StreamRecord, before: readonly KnownRecord[]): Opening {
  const opening = body.kind === "opening" ? body.opening : before[0]?.opening;
  if (opening === undefined) throw new Violation(`I2: ${stream} does not begin with its opening`);
  return opening;
}
