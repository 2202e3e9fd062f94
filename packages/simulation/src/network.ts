import type { Dialer, Link, LinkHandler } from "@syncline/engine";
import type { SeededRandom } from "./random.js";
import type { VirtualTime } from "./time.js";

/**
 * A network of named processes: links with delays, which may be cut, swallow frames, stand still for a while, be
 * narrow, or lose and double some.
 *
 * Frames arrive in order. A frame that is lost or doubled is so behind the back of both ends, and it is theirs to
 * notice. A cut breaks the links that exist and lets no new one come up; a black hole does it silently.
 */
export interface NetworkFaults {
  /** Virtual milliseconds that a frame is under way, drawn from [min, max]. */
  delayMsMin: number;
  delayMsMax: number;
  /** Probability that a frame is lost. */
  loss: number;
  /** Probability that a frame arrives twice. */
  duplication: number;
}

/** What the network knows of a process: whether it runs, and who takes its links. */
export interface Endpoint {
  readonly name: string;
  readonly isUp: boolean;
  accept(link: Link): LinkHandler;
}

export class Network {
  readonly faults: NetworkFaults = { delayMsMin: 1, delayMsMax: 5, loss: 0, duplication: 0 };
  /** How often something happened, so that a test can insist that it did. */
  readonly counts = {
    frames: 0,
    bytes: 0,
    lost: 0,
    duplicated: 0,
    swallowed: 0,
    stalled: 0,
    throttled: 0,
    garbage: 0,
    broken: 0,
    dialed: 0,
    refused: 0,
  };
  /** Is shown every frame that is sent. */
  tap: ((from: string, to: string, frame: Uint8Array) => void) | undefined;
  /** Is told of every frame that is sent; what it returns is called when the frame has arrived. */
  follow: ((from: string, to: string) => (() => void) | undefined) | undefined;
  /** What a process really sends where its engine sends this: another version of it, say. */
  rewrite: ((from: string, frame: Uint8Array) => Uint8Array) | undefined;
  /** The most that any link had queued at once. */
  queuedBytesMax = 0;
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly pipes = new Set<Pipe>();
  /** Directions in which nothing passes: "from>to". */
  private readonly blocked = new Set<string>();
  /** Directions in which nothing arrives before this time: "from>to". */
  private readonly stalled = new Map<string, number>();
  /** Directions that carry so many bytes in a millisecond: "from>to". */
  private readonly narrowed = new Map<string, number>();

  constructor(
    readonly time: VirtualTime,
    readonly random: SeededRandom,
  ) {}

  register(endpoint: Endpoint): void {
    this.endpoints.set(endpoint.name, endpoint);
  }

  /** What a process dials with. Its own links end when it does. */
  dialer(from: string, isUp: () => boolean): Dialer {
    return {
      dial: (url, on) => {
        let cancelled = false;
        this.counts.dialed += 1;
        this.time.after(this.delay(), () => {
          if (cancelled || !isUp()) return;
          const target = this.endpoints.get(nameOf(url));
          if (target === undefined || !target.isUp || this.isBlocked(from, target.name)) {
            this.counts.refused += 1;
            on.failed("connection refused");
            return;
          }
          const pipe = new Pipe(this, from, target.name);
          this.pipes.add(pipe);
          pipe.accepted(target.accept(pipe.links[1]));
          pipe.dialed(on.opened(pipe.links[0]));
        });
        return () => {
          cancelled = true;
        };
      },
    };
  }

  /** Breaks what connects the two, and keeps it broken until `heal`. */
  cut(a: string, b: string): void {
    this.blackHole(a, b);
    for (const pipe of [...this.pipes]) if (pipe.connects(a, b)) pipe.break("connection reset");
  }

  /** Swallows everything between the two, silently: they find out by themselves. */
  blackHole(a: string, b: string): void {
    this.blocked.add(`${a}>${b}`).add(`${b}>${a}`);
  }

  /** Swallows what goes from one to the other, silently. */
  blackHoleOneWay(from: string, to: string): void {
    this.blocked.add(`${from}>${to}`);
  }

  /** Nothing arrives between the two for a while, and then everything that was sent. */
  stall(a: string, b: string, ms: number): void {
    for (const way of [`${a}>${b}`, `${b}>${a}`]) this.stalled.set(way, this.time.now + ms);
  }

  /** The link between the two carries no more than this, in each direction. */
  narrow(a: string, b: string, bytesPerMs: number): void {
    for (const way of [`${a}>${b}`, `${b}>${a}`]) this.narrowed.set(way, bytesPerMs);
  }

  /** Bytes that nobody has sent arrive on the links between the two. Returns whether there is one. */
  disturb(a: string, b: string): boolean {
    let any = false;
    for (const pipe of [...this.pipes]) {
      if (!pipe.connects(a, b)) continue;
      this.counts.garbage += 1;
      pipe.disturb(this.random.bytes(1 + this.random.integer(64)));
      any = true;
    }
    return any;
  }

  heal(a: string, b: string): void {
    for (const way of [`${a}>${b}`, `${b}>${a}`]) {
      this.blocked.delete(way);
      this.stalled.delete(way);
      this.narrowed.delete(way);
    }
  }

  healAll(): void {
    this.blocked.clear();
    this.stalled.clear();
    this.narrowed.clear();
    Object.assign(this.faults, { loss: 0, duplication: 0 });
  }

  /** A process has died: its links break, as the others see it. */
  died(name: string): void {
    for (const pipe of [...this.pipes]) if (pipe.touches(name)) pipe.break("connection reset");
  }

  passes(from: string, to: string): boolean {
    return !this.blocked.has(`${from}>${to}`);
  }

  /** Milliseconds until something may arrive again. */
  stallMs(from: string, to: string): number {
    return Math.max(0, (this.stalled.get(`${from}>${to}`) ?? 0) - this.time.now);
  }

  /** Milliseconds that the link takes for these bytes. */
  transferMs(from: string, to: string, bytes: number): number {
    return bytes / (this.narrowed.get(`${from}>${to}`) ?? Number.POSITIVE_INFINITY);
  }

  delay(): number {
    const { delayMsMin, delayMsMax } = this.faults;
    return delayMsMin + this.random.float() * (delayMsMax - delayMsMin);
  }

  forget(pipe: Pipe): void {
    this.pipes.delete(pipe);
  }

  isUp(name: string): boolean {
    // Clients do not listen; they are up as long as their links are.
    return this.endpoints.get(name)?.isUp ?? true;
  }

  private isBlocked(a: string, b: string): boolean {
    return !this.passes(a, b) || !this.passes(b, a);
  }
}

/** The URL under which a simulated process is reached. */
export const urlOf = (name: string): string => `sim://${name}`;

const nameOf = (url: string): string => url.slice("sim://".length);

/** One connection: two ends, two directions. */
class Pipe {
  readonly links: readonly [PipeLink, PipeLink];

  constructor(
    private readonly network: Network,
    private readonly dialer: string,
    private readonly acceptor: string,
  ) {
    const ends: [PipeLink, PipeLink] = [
      new PipeLink(network, dialer, acceptor, () => this.over()),
      new PipeLink(network, acceptor, dialer, () => this.over()),
    ];
    ends[0].other = ends[1];
    ends[1].other = ends[0];
    this.links = ends;
  }

  dialed(handler: LinkHandler): void {
    this.links[0].handler = handler;
  }

  accepted(handler: LinkHandler): void {
    this.links[1].handler = handler;
  }

  connects(a: string, b: string): boolean {
    return this.touches(a) && this.touches(b);
  }

  touches(name: string): boolean {
    return this.dialer === name || this.acceptor === name;
  }

  disturb(bytes: Uint8Array): void {
    this.links[0].receive(bytes);
  }

  break(reason: string): void {
    this.network.counts.broken += 1;
    for (const link of this.links) link.broken(reason);
    this.over();
  }

  private over(): void {
    this.network.forget(this);
  }
}

class PipeLink implements Link {
  other: PipeLink | undefined;
  handler: LinkHandler | undefined;
  private open = true;
  private queued = 0;
  private peak = 0;
  private lastDeparture = 0;
  private lastArrival = 0;

  constructor(
    private readonly network: Network,
    private readonly from: string,
    private readonly to: string,
    private readonly over: () => void,
  ) {}

  send(made: Uint8Array): void {
    if (!this.open) return;
    const { network } = this;
    const frame = network.rewrite?.(this.from, made) ?? made;
    network.tap?.(this.from, this.to, frame);
    network.counts.frames += 1;
    network.counts.bytes += frame.length;
    if (network.random.chance(network.faults.loss)) {
      network.counts.lost += 1;
      return;
    }
    this.queued += frame.length;
    this.peak = Math.max(this.peak, this.queued);
    network.queuedBytesMax = Math.max(network.queuedBytesMax, this.queued);
    this.carry(frame, true);
    if (!network.random.chance(network.faults.duplication)) return;
    network.counts.duplicated += 1;
    this.carry(frame, false);
  }

  queuedBytes(): number {
    return this.queued;
  }

  close(reason: string): void {
    this.end(reason, true);
  }

  terminate(reason: string): void {
    this.end(reason, false);
  }

  /** The connection is gone, for this end. */
  broken(reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.network.time.after(0, () => this.tell(reason));
  }

  /** Bytes arrive at this end. */
  receive(frame: Uint8Array, then?: () => void): void {
    if (!this.open || !this.network.isUp(this.from)) return;
    this.handler?.frame(frame);
    then?.();
  }

  private carry(frame: Uint8Array, counted: boolean): void {
    const { network, from, to } = this;
    const { time } = network;
    const then = network.follow?.(from, to);
    const transferMs = network.transferMs(from, to, frame.length);
    if (transferMs > 0) network.counts.throttled += 1;
    this.lastDeparture = Math.max(this.lastDeparture, time.now) + transferMs;
    // In order: never before the frame that was sent before it.
    this.lastArrival = Math.max(this.lastArrival, this.lastDeparture + network.delay());
    time.after(this.lastArrival - time.now, () =>
      this.whenMoving(() => {
        if (counted) this.arrived(frame.length);
        if (network.passes(from, to)) this.other?.receive(frame, then);
        else network.counts.swallowed += 1;
      }),
    );
  }

  /** Runs now, or when the link no longer stands still. What waits keeps its order. */
  private whenMoving(run: () => void): void {
    const { network, from, to } = this;
    const stallMs = network.stallMs(from, to);
    if (stallMs === 0) {
      run();
      return;
    }
    network.counts.stalled += 1;
    network.time.after(stallMs, () => this.whenMoving(run));
  }

  private arrived(bytes: number): void {
    this.queued -= bytes;
    if (!this.open || this.queued > this.peak / 4) return;
    this.peak = this.queued;
    if (this.network.isUp(this.from)) this.handler?.drained();
  }

  private end(reason: string, gracefully: boolean): void {
    if (!this.open) return;
    this.open = false;
    const { time } = this.network;
    time.after(0, () => this.tell(reason));
    const delay = gracefully ? Math.max(0, this.lastArrival - time.now) : 0;
    time.after(delay + this.network.delay(), () =>
      this.whenMoving(() => {
        // A silent hole swallows the end of a connection too.
        if (this.network.passes(this.from, this.to)) this.other?.broken(reason);
        this.over();
      }),
    );
  }

  private tell(reason: string): void {
    if (this.network.isUp(this.from)) this.handler?.closed(reason);
  }
}
