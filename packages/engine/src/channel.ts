import type { ClientLimits, Message, MessageTable } from "@syncline/protocol";
import { encodeFrom, type Fault, FrameWriter, fault, TableReader } from "@syncline/protocol";
import type { Clock, Link, LinkHandler, Scheduler } from "./ports.js";

/**
 * A link as the engine uses it: messages instead of bytes.
 *
 * It sends what a turn of the event loop has collected in as few frames as fit, answers pings, notices silence,
 * and ends the link with a typed refusal on anything malformed. What waits for a slow peer is bounded twice: feeds
 * look at `writable` and pause; whatever is queued beyond the hard limit ends the link.
 */
export interface ChannelHandler {
  message(message: Message): void;
  /** The queue has drained: feeds may go on. */
  drained(): void;
  /** Called once, also when this side ended the link. `fault` is what ended it, when either side said so. */
  closed(reason: string, fault: Fault | undefined): void;
}

export interface ChannelPorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** What the link may carry. */
  readonly messages: MessageTable;
}

export class Channel implements LinkHandler {
  readonly #writer = new FrameWriter();
  readonly #reader: TableReader;
  #flushDue = false;
  #lastHeard: number;
  #stopHeartbeat: () => void;
  #open = true;
  #endedBy: Fault | undefined;
  /** The largest frame accepted at the moment; smaller until the peer has greeted. */
  #frameBytesMax: number;

  readonly #link: Link;
  readonly #ports: ChannelPorts;
  readonly #limits: ClientLimits;
  #handler: ChannelHandler;

  constructor(link: Link, ports: ChannelPorts, limits: ClientLimits, handler: ChannelHandler) {
    this.#link = link;
    this.#ports = ports;
    this.#limits = limits;
    this.#handler = handler;
    this.#reader = new TableReader(ports.messages);
    this.#frameBytesMax = limits.greetingBytesMax;
    this.#lastHeard = ports.clock.monotonic();
    this.#stopHeartbeat = this.#scheduleHeartbeat();
  }

  /** Monotonic time at which the peer last sent anything. */
  get heardAt(): number {
    return this.#lastHeard;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** The peer has greeted: frames of full size from now on, and they are for this handler. */
  greeted(handler: ChannelHandler): void {
    this.#frameBytesMax = this.#limits.frameBytesMax;
    this.#handler = handler;
  }

  /** Bytes that wait for the peer to take them. */
  get queuedBytes(): number {
    return this.#writer.pendingBytes + this.#link.queuedBytes();
  }

  /** Whether a feed may add more. What is not written now is not lost: feeds go on from the log when it drains. */
  get writable(): boolean {
    return this.#open && this.queuedBytes < this.#limits.sendQueuePauseBytes;
  }

  send(message: Message): void {
    this.sendEncoded(encodeFrom(this.#ports.messages, message));
  }

  /** Sends a message that was encoded before, for those that go to many peers. */
  sendEncoded(encoded: Uint8Array): void {
    if (!this.#open) return;
    this.#writer.add(encoded);
    if (this.queuedBytes > this.#limits.sendQueueBytesMax) {
      const slow = fault("SLOW_PEER", `more than ${this.#limits.sendQueueBytesMax} bytes wait for this peer`);
      this.#endedBy = slow;
      this.#link.terminate(slow.reason);
      this.closed(slow.reason);
      return;
    }
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#ports.scheduler.turn(() => this.flush());
  }

  /** Says why, and ends the link. */
  end(why: Fault): void {
    if (!this.#open) return;
    this.#endedBy = why;
    this.send({
      kind: "refusal",
      code: why.code,
      about: { what: "link" },
      reason: why.reason,
      masters: why.masters ?? [],
      have: new Map(),
    });
    this.flush();
    this.#link.close(`${why.code}: ${why.reason}`);
    this.closed(why.reason);
  }

  /** Ends the link without a word of the protocol: nothing is wrong. */
  close(reason: string): void {
    if (!this.#open) return;
    this.flush();
    this.#link.close(reason);
    this.closed(reason);
  }

  /** Writes what was collected. Called at the end of the turn, and before the link is closed. */
  flush(): void {
    this.#flushDue = false;
    if (!this.#open) return;
    const pausing = !this.writable;
    for (const frame of this.#writer.take()) this.#link.send(frame);
    // A link that takes everything at once never has a queue, and so none to report as drained.
    if (pausing && this.writable) this.#ports.scheduler.turn(() => this.drained());
  }

  frame(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#lastHeard = this.#ports.clock.monotonic();
    if (bytes.length > this.#frameBytesMax) {
      this.end(
        fault("MALFORMED_MESSAGE", `a frame of ${bytes.length} bytes, at most ${this.#frameBytesMax}`),
      );
      return;
    }
    const result = this.#reader.read(bytes);
    if (!result.ok) {
      this.end(result.fault);
      return;
    }
    for (const message of result.messages) {
      if (!this.#open) return;
      if (message.kind === "ping") this.send({ kind: "pong" });
      else if (message.kind !== "pong") this.#deliver(message);
    }
  }

  drained(): void {
    if (this.#open) this.#handler.drained();
  }

  closed(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stopHeartbeat();
    this.#handler.closed(reason, this.#endedBy);
  }

  #deliver(message: Message): void {
    if (message.kind === "refusal" && message.about.what === "link") {
      this.#endedBy = fault(message.code, message.reason, message.masters);
      this.#link.close(`refused: ${message.code}`);
      this.closed(message.reason);
      return;
    }
    this.#handler.message(message);
  }

  /** Asks after `heartbeatMs` of silence, gives up after `silenceMsMax`, and never without having asked: timers may be late. */
  #scheduleHeartbeat(delayMs = this.#limits.heartbeatMs, wasAsked = false): () => void {
    return this.#ports.scheduler.after(delayMs, () => {
      const silentMs = this.#ports.clock.monotonic() - this.#lastHeard;
      if (wasAsked && silentMs >= this.#limits.silenceMsMax) {
        this.#endedBy = fault("SILENCE", `nothing heard for ${Math.round(silentMs)} ms`);
        this.#link.terminate(this.#endedBy.reason);
        this.closed(this.#endedBy.reason);
        return;
      }
      const { heartbeatMs } = this.#limits;
      const asks = silentMs >= heartbeatMs;
      // In whole milliseconds: what is less need not move a clock on.
      if (asks) this.send({ kind: "ping" });
      this.#stopHeartbeat = this.#scheduleHeartbeat(
        asks ? heartbeatMs : Math.ceil(heartbeatMs - silentMs),
        asks,
      );
    });
  }
}
