import type { ClientLimits } from "@syncline/protocol";
import type { Dialer, Link, LinkHandler, Random, Scheduler } from "./ports.js";

/**
 * Keeps dialing until it is stopped: a new attempt after each failure and each end of a link.
 *
 * The wait doubles from `redialMsMin` to `redialMsMax`, each time taken at random from its upper half, so that the
 * clients of a node that died do not come back in step. It starts small again once a link that was said to be good
 * has lasted for `redialProofMs`, so a peer that lets one in and ends the link at once is not hammered.
 */
export interface RedialHandler {
  /** The URL of the next attempt; undefined ends the dialing. */
  nextUrl(): string | undefined;
  opened(link: Link, url: string): LinkHandler;
  failed(url: string, reason: string): void;
}

export interface RedialPorts {
  readonly dialer: Dialer;
  readonly scheduler: Scheduler;
  readonly random: Random;
}

export class Redialer {
  #cancel: () => void = () => {};
  #waitMs: number;
  #cancelProof: () => void = () => {};
  #stopped = false;

  readonly #ports: RedialPorts;
  readonly #limits: ClientLimits;
  readonly #handler: RedialHandler;

  constructor(ports: RedialPorts, limits: ClientLimits, handler: RedialHandler) {
    this.#ports = ports;
    this.#limits = limits;
    this.#handler = handler;
    this.#waitMs = limits.redialMsMin;
  }

  /** Dials now. */
  start(): void {
    if (this.#stopped) return;
    this.#cancel();
    const url = this.#handler.nextUrl();
    if (url === undefined) return;
    this.#cancel = this.#ports.dialer.dial(url, {
      opened: (link) => {
        const inner = this.#handler.opened(link, url);
        return {
          frame: (bytes) => inner.frame(bytes),
          drained: () => inner.drained(),
          closed: (reason) => {
            inner.closed(reason);
            this.#again();
          },
        };
      },
      failed: (reason) => {
        this.#handler.failed(url, reason);
        this.#again();
      },
    });
  }

  /** The link is good. When it has proved so, the next wait starts small again. */
  succeeded(): void {
    this.#cancelProof();
    this.#cancelProof = this.#ports.scheduler.after(this.#limits.redialProofMs, () => {
      this.#waitMs = this.#limits.redialMsMin;
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#cancelProof();
  }

  #again(): void {
    this.#cancelProof();
    if (this.#stopped) return;
    const upTo = Math.max(this.#waitMs, 1);
    const delayMs = Math.ceil(upTo / 2) + this.#ports.random.integer(Math.ceil(upTo / 2) + 1);
    this.#waitMs = Math.min(this.#limits.redialMsMax, Math.max(this.#limits.redialMsMin, this.#waitMs * 2));
    this.#cancel = this.#ports.scheduler.after(delayMs, () => this.start());
  }
}
