import type { Change, ChangeHead, MutableVector, StreamId, Vector } from "@syncline/core";
import { BrokenInvariant, documentId, headOfChange, positionIn } from "@syncline/core";
import {
  type CommitRule,
  createRecord,
  type NewBody,
  type Opening,
  type StreamRecord,
} from "@syncline/protocol";
import { type AuthorCounters, changeChecksum, isOf, type PendingCounters } from "./counters.js";
import type { Documents } from "./documents.js";
import type { Log } from "./log.js";

/**
 * A master's acceptance of changes into its stream.
 *
 * Everything is judged by the *admission view*: what is visible here, and this master's whole current stream,
 * whether visible or not (SPINE 4). That view is also what the record says it depends on, so `deps` never names a
 * position that this master lacks, and a stream that waits for its quorum never holds up another master's.
 */
export type Judgement =
  | { readonly kind: "admit" }
  /** The view has this change already. */
  | { readonly kind: "duplicate" }
  /** Another change has the same identity. */
  | { readonly kind: "reused"; readonly reason: string }
  /** Not now: the view lacks what the change or its session has seen. */
  | { readonly kind: "wait"; readonly lacks: "session" | "causes"; readonly reason: string };

export class Admission {
  /** The stream was closed, or its node is no master any more: nothing more is accepted into it. */
  isOver = false;
  /** Full dependencies of the last record of the own stream; the next one names what is new beyond them. */
  private readonly lastDeps: MutableVector = new Map();

  constructor(
    readonly stream: StreamId,
    private readonly log: Log,
    private readonly visible: Vector,
    private readonly counters: AuthorCounters,
    private readonly pending: PendingCounters,
    private readonly documents: Documents,
    /** Where a stream ends that is closed. */
    private readonly endOf: (stream: StreamId) => number | undefined,
  ) {}

  /** Writes the first record of the stream. */
  open(opening: Opening): StreamRecord {
    return this.append({ kind: "opening", opening });
  }

  /** A copy of the admission view. */
  view(): MutableVector {
    const view = new Map(this.visible);
    const head = positionIn(this.log.held, this.stream);
    if (head > 0) view.set(this.stream, head);
    return view;
  }

  /** A copy of what is visible. */
  shown(): MutableVector {
    return new Map(this.visible);
  }

  /** The vector without what lies beyond the ends of closed streams: nobody will ever have that. */
  clipped(vector: Vector): Vector {
    const clipped: MutableVector = new Map();
    for (const [stream, position] of vector)
      clipped.set(stream, Math.min(position, this.endOf(stream) ?? position));
    return clipped;
  }

  covers(vector: Vector): boolean {
    for (const [stream, position] of vector) {
      const have = positionIn(stream === this.stream ? this.log.held : this.visible, stream);
      if (have < position) return false;
    }
    return true;
  }

  /** Greatest counter of an author in a document, in the admission view. */
  counter(document: Change["document"], author: number): { counter: number; checksum: number } {
    const inStream = this.pending.get(documentId(document), author);
    const entry = this.documents.find(document);
    const visible =
      entry === undefined ? { counter: 0, checksum: 0 } : this.counters.get(entry.number, author);
    return inStream !== undefined && inStream.counter > visible.counter ? inStream : visible;
  }

  /** What to do with an offered change. `session` is undefined where causality holds per document only (SPINE 14). */
  judge(change: Change, session: Vector | undefined): Judgement {
    if (this.isOver) return { kind: "wait", lacks: "session", reason: "this node's stream is over" };
    const known = this.counter(change.document, change.author);
    if (known.counter >= change.last) {
      return known.counter === change.last && !isOf(known, change)
        ? { kind: "reused", reason: "another change with these dots was accepted before" }
        : { kind: "duplicate" };
    }
    if (known.counter >= change.first) {
      return { kind: "reused", reason: `dots up to ${known.counter} belong to another change` };
    }
    if (session !== undefined && !this.covers(session)) {
      return {
        kind: "wait",
        lacks: "session",
        reason: "this node has not seen yet what the session has seen",
      };
    }
    if (known.counter !== change.first - 1) {
      return {
        kind: "wait",
        lacks: "causes",
        reason: `the author's change before it is missing: ${known.counter} held, ${change.first} offered`,
      };
    }
    for (const dot of change.observed) {
      if (this.counter(change.document, dot.author).counter < dot.counter) {
        return { kind: "wait", lacks: "causes", reason: "a change that it builds on is missing" };
      }
    }
    return { kind: "admit" };
  }

  /** Appends a change that was judged fit. */
  admit(change: Change): StreamRecord {
    const record = this.append({ kind: "change", change: change.bytes }, headOfChange(change));
    this.pending.add(change, { counter: change.last, checksum: changeChecksum(change) });
    return record;
  }

  /** Gives the stream another commit rule, from this record on. */
  changeRule(rule: CommitRule): StreamRecord {
    return this.append({ kind: "rule", rule });
  }

  /** What is visible of other streams, and was not when the record before was made: mostly nothing. */
  private newDeps(): Vector {
    let deps: MutableVector | undefined;
    for (const [stream, visible] of this.visible) {
      if (stream === this.stream || visible <= positionIn(this.lastDeps, stream)) continue;
      deps ??= new Map();
      deps.set(stream, visible);
      this.lastDeps.set(stream, visible);
    }
    return deps ?? NO_DEPS;
  }

  private append(body: NewBody, head?: ChangeHead): StreamRecord {
    const position = positionIn(this.log.held, this.stream) + 1;
    const deps = this.newDeps();
    const record = createRecord(this.stream, position, deps, body, head);
    if (!this.log.accepts(record)) throw new BrokenInvariant("an own record depends on what is not held");
    this.log.store(record);
    return record;
  }
}

/** Most records have none, and are kept for a while. */
const NO_DEPS: Vector = new Map();
