import type { MutableVector, StreamId, Vector } from "@syncline/core";
import { positionIn } from "@syncline/core";
import { type Age, type Fault, fault, type Limits } from "@syncline/protocol";
import type { Clock, Scheduler } from "../ports.js";
import type { HeldStream } from "./log.js";
import type { Members } from "./members.js";
import type { NodeLink, Peers } from "./peers.js";

/**
 * How old what this node shows may be: the age of the oldest word of any master (I8).
 *
 * No clock of another node is believed. A node asks its upstreams and remembers when it asked: whatever a master says
 * in its answer was true after that moment. An upstream that is no master passes on what it knows, older by as long as
 * it has known it. So an age is never too small; how much too large it is depends on the way to the masters. Nobody
 * asks unless a reader waits, here or at a node that follows this one: every question begins with a reader, is passed on
 * when it comes and at no other time, and each node that passes it on takes one from the number of those that still may.
 * Nodes that follow one another would else ask each other for ever.
 */
interface Word {
  /** Monotonic time here, before which this was not yet said. */
  readonly asOf: number;
  readonly stream: StreamId;
  readonly position: number;
  /**
   * Of the master's former streams: how much of them whoever passed the word on was showing by then. A stream that has
   * just been opened depends on none of it: what was committed before may have been told to be so only afterwards.
   */
  readonly former: Vector;
}

interface Heard {
  /** The latest word whose position is shown here. */
  shown: Word | undefined;
  /** Words whose position is not shown yet, the oldest first. */
  readonly ahead: Word[];
}

/** What an upstream was asked last. */
interface Question {
  readonly number: number;
  readonly hops: number;
  readonly sentAt: number;
  isOpen: boolean;
}

interface Reader {
  readonly maxMs: number;
  answer(failed: Fault | undefined): void;
}

/** The streams of this node itself. */
export interface OwnStreams {
  /** A master's current one. */
  current(): HeldStream | undefined;
  /**
   * Whether some former one is not shown to its end. What this node had said to be committed there before it was
   * started again may be among it: until that is known again, the node cannot vouch for itself.
   */
  hasHiddenPast(): boolean;
  /** Where a stream that is closed ends. Beyond that nobody shows anything for long. */
  limitOf(stream: StreamId, node: string): number;
}

/**
 * The number of a question says in its lowest bits through how many nodes it may still go on: whoever answers repeats the
 * number as it is, also a node of a version that does not know this.
 */
const HOPS = 32;

/** Words that are kept for a master until their positions are shown. Later ones are not needed then. */
const WORDS_AHEAD_MAX = 8;

export class Freshness {
  private readonly heard = new Map<string, Heard>();
  private readonly waiting = new Set<Reader>();
  private readonly asked = new Map<NodeLink, Question>();
  private questions = 0;
  private isAsking = false;
  /** Whether any upstream has said which masters it knows of, since this node has started. */
  private wasAnswered = false;
  private cancelAsking: () => void = () => {};

  constructor(
    private readonly self: {
      readonly name: string;
      readonly role: "master" | "follower";
      readonly follow: readonly string[];
    },
    private readonly members: Pick<Members, "others">,
    private readonly peers: Peers,
    private readonly visible: Vector,
    private readonly ports: { readonly clock: Clock; readonly scheduler: Scheduler },
    private readonly limits: Limits,
    private readonly own: OwnStreams,
  ) {}

  /** Milliseconds that what is shown here lags behind some master at most; Infinity if one was never heard. */
  stalenessMs(): number {
    return this.oldest().ageMs;
  }

  /** Calls back once: when what is shown is at most this old, or when the wait is over. */
  whenFresh(maxMs: number, waitMs: number, answer: (failed: Fault | undefined) => void): void {
    if (this.stalenessMs() <= maxMs) {
      answer(undefined);
      return;
    }
    if (this.waiting.size >= this.limits.waitingReadsMax) {
      answer(fault("OVERLOADED", `more than ${this.limits.waitingReadsMax} reads wait`));
      return;
    }
    const reader: Reader = {
      maxMs,
      answer: (failed) => {
        this.waiting.delete(reader);
        cancel();
        answer(failed);
      },
    };
    const cancel = this.ports.scheduler.after(waitMs, () => {
      const { name, ageMs } = this.oldest();
      const age =
        name === this.self.name
          ? "does not know yet what of its own was committed before it was started again"
          : Number.isFinite(ageMs)
            ? `was heard ${ageMs} ms ago`
            : "was never heard";
      reader.answer(
        fault("STALENESS_EXCEEDED", `master ${name} ${age}, and at most ${maxMs} ms are allowed`),
      );
    });
    this.waiting.add(reader);
    this.startAsking();
  }

  /** Something has become visible, or was heard. */
  settle(): void {
    if (this.waiting.size === 0 && this.heard.size === 0) return;
    for (const [node, heard] of this.heard) if (heard.ahead.length > 0) this.catchUp(node, heard);
    if (this.waiting.size === 0) return;
    const staleness = this.stalenessMs();
    for (const reader of this.waiting) if (staleness <= reader.maxMs) reader.answer(undefined);
  }

  /** A node that follows this one asks. It is told what is known, and asks again; until then this node asks the others. */
  probed(link: NodeLink, number: number): void {
    link.channel.send({ kind: "ages", number, ages: this.ages() });
    const hops = number % HOPS;
    if (hops > 0) this.passOn(hops - 1, link.peer.name);
  }

  /** An upstream answers. */
  told(link: NodeLink, number: number, ages: readonly Age[]): void {
    const asked = this.asked.get(link);
    if (asked === undefined || asked.number !== number || !asked.isOpen) return;
    asked.isOpen = false;
    this.wasAnswered = true;
    for (const { node, stream, position, ageMs } of ages) {
      if (node === this.self.name) continue;
      this.hear(node, {
        asOf: asked.sentAt - ageMs,
        stream,
        position,
        former: this.formerOf(node, stream, link),
      });
    }
  }

  /** What the other end of a link shows of a master's other streams, and is not shown here: it has said so before. */
  private formerOf(node: string, current: StreamId, { progress }: NodeLink): Vector {
    const former: MutableVector = new Map();
    for (const { stream, node: origin, visible } of progress.values())
      if (origin === node && stream !== current && visible > positionIn(this.visible, stream))
        former.set(stream, visible);
    return former;
  }

  lost(link: NodeLink): void {
    this.asked.delete(link);
  }

  /** The node stops, or its disk has failed: nobody waits any longer. */
  stop(why: Fault): void {
    for (const reader of this.waiting) reader.answer(why);
    this.cancelAsking();
  }

  private hear(node: string, word: Word): void {
    let heard = this.heard.get(node);
    if (heard === undefined) {
      if (this.heard.size >= this.limits.membersMax) return;
      this.heard.set(node, (heard = { shown: undefined, ahead: [] }));
    }
    if (word.asOf <= (heard.shown?.asOf ?? Number.NEGATIVE_INFINITY)) return;
    if (heard.ahead.length < WORDS_AHEAD_MAX) heard.ahead.push(word);
    this.catchUp(node, heard);
  }

  private catchUp(node: string, heard: Heard): void {
    const isShown = ({ stream, position, former }: Word): boolean =>
      positionIn(this.visible, stream) >= position &&
      [...former].every(
        ([other, shown]) => positionIn(this.visible, other) >= Math.min(shown, this.own.limitOf(other, node)),
      );
    for (const word of heard.ahead.filter(isShown)) {
      heard.ahead.splice(heard.ahead.indexOf(word), 1);
      if (word.asOf > (heard.shown?.asOf ?? Number.NEGATIVE_INFINITY)) heard.shown = word;
    }
  }

  /** The master whose word is the oldest. */
  private oldest(): { readonly name: string; readonly ageMs: number } {
    let oldest = { name: this.self.name, ageMs: this.own.hasHiddenPast() ? Number.POSITIVE_INFINITY : 0 };
    const others = this.otherMasters();
    if (oldest.ageMs === 0) {
      const name = this.lackingOf(others);
      if (name !== undefined) oldest = { name, ageMs: Number.POSITIVE_INFINITY };
    }
    for (const name of others) {
      const ageMs = this.ageOf(this.heard.get(name)?.shown);
      if (ageMs > oldest.ageMs) oldest = { name, ageMs };
    }
    const isAlone = this.self.role === "master" && (this.self.follow.length === 0 || this.wasAnswered);
    return others.length > 0 || isAlone ? oldest : { name: "of any name", ageMs: Number.POSITIVE_INFINITY };
  }

  /** As the member list has it; where that is still to come, on a new or empty disk, those that were heard. */
  private otherMasters(): readonly string[] {
    const listed = [...this.members.others()].flatMap(([name, { role }]) =>
      role === "master" ? [name] : [],
    );
    return listed.length > 0 ? listed : [...this.heard.keys()];
  }

  /**
   * Somebody who is no master any more, and of whose stream others show what is not shown here. Nobody speaks for that stream
   * from then on, and no master need have written anything that depends on its end.
   */
  private lackingOf(masters: readonly string[]): string | undefined {
    for (const { progress, heard } of this.peers.all()) {
      for (const word of [progress, ...Array.from(heard.values(), (other) => other.progress)]) {
        for (const { stream, node, visible } of word.values()) {
          if (node === "" || node === this.self.name || masters.includes(node)) continue;
          const shown = Math.min(visible, this.own.limitOf(stream, node));
          if (shown > positionIn(this.visible, stream)) return node;
        }
      }
    }
    return undefined;
  }

  private ages(): Age[] {
    const ages: Age[] = [];
    const own = this.own.current();
    if (own !== undefined && !this.own.hasHiddenPast()) {
      ages.push({ node: this.self.name, stream: own.id, position: own.visible, ageMs: 0 });
    }
    for (const [node, { shown }] of this.heard) {
      if (shown === undefined) continue;
      ages.push({ node, stream: shown.stream, position: shown.position, ageMs: this.ageOf(shown) });
    }
    return ages;
  }

  private ageOf(word: Word | undefined): number {
    return word === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Math.ceil(this.ports.clock.monotonic() - word.asOf));
  }

  private startAsking(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    this.ask();
  }

  /** For the readers of this node, as long as one waits. */
  private ask(): void {
    if (this.waiting.size === 0) {
      this.isAsking = false;
      return;
    }
    const hops = Math.min(this.limits.gossipHopsMax, HOPS - 1);
    for (const link of this.peers.all()) {
      if (!link.dialed) continue;
      const last = this.asked.get(link);
      // What was passed on does not go as far.
      if (last === undefined || !last.isOpen || last.hops < hops) this.put(link, hops);
    }
    this.cancelAsking = this.ports.scheduler.after(this.limits.probeMs, () => this.ask());
  }

  /** For somebody who follows this node. However many do, an upstream is not asked more often than one of them would ask. */
  private passOn(hops: number, asker: string): void {
    const since = this.ports.clock.monotonic() - this.limits.probeMs;
    for (const link of this.peers.all()) {
      if (!link.dialed || link.peer.name === asker) continue;
      const last = this.asked.get(link);
      // A question that may go further is not held up by one that may not.
      const isAsked = last !== undefined && (last.isOpen || last.sentAt > since) && last.hops >= hops;
      if (!isAsked) this.put(link, hops);
    }
  }

  private put(link: NodeLink, hops: number): void {
    this.questions += 1;
    const number = this.questions * HOPS + hops;
    this.asked.set(link, { number, hops, sentAt: this.ports.clock.monotonic(), isOpen: true });
    link.channel.send({ kind: "probe", number });
  }
}
