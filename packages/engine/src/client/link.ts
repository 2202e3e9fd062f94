import {
  type ClientLimits,
  clientMessages,
  type Fault,
  type Hello,
  type Message,
  type MessageTable,
} from "@syncline/protocol";
import type { Channel } from "../channel.js";
import type { Self } from "../introduction.js";
import type { Clock, Dialer, Link, LinkHandler, Random, Scheduler } from "../ports.js";
import { Redialer } from "../redial.js";
import { greetServer } from "./greeting.js";
import type { PresencePart } from "./presence.js";

/**
 * A client's connection to one server at a time, out of a list: dialed again, at the next one, when it ends.
 */
export interface ServerPorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly dialer: Dialer;
  /** Shows who is there; without it nobody is shown. */
  readonly presence?: PresencePart | undefined;
}

export interface ServerHandler {
  /** URLs to try, in this order; asked before each attempt. */
  urls(): readonly string[];
  self(): Self;
  /** The server has greeted. Returns false to go on to the next one. */
  attached(channel: Channel, server: Hello): boolean;
  message(message: Message): void;
  drained(): void;
  /** The link that was attached has ended, or an attempt has failed. */
  detached(wasAttached: boolean, reason: string, fault: Fault | undefined): void;
}

export class ServerLink {
  #next = 0;
  readonly #redialer: Redialer;
  #current: Channel | undefined;
  #opening: { readonly link: Link; readonly greeting: LinkHandler } | undefined;

  readonly #ports: ServerPorts;
  readonly #messages: MessageTable;
  readonly #limits: ClientLimits;
  readonly #handler: ServerHandler;

  constructor(ports: ServerPorts, limits: ClientLimits, handler: ServerHandler) {
    this.#ports = ports;
    this.#messages = ports.presence?.messages() ?? clientMessages();
    this.#limits = limits;
    this.#handler = handler;
    this.#redialer = new Redialer(ports, limits, {
      nextUrl: () => {
        const urls = handler.urls();
        return urls[this.#next++ % Math.max(1, urls.length)];
      },
      opened: (link) => this.#open(link),
      failed: (url, reason) => handler.detached(false, `${url}: ${reason}`, undefined),
    });
  }

  get channel(): Channel | undefined {
    return this.#current;
  }

  start(): void {
    this.#redialer.start();
  }

  /** Ends the link and goes on to the next server. */
  leave(reason: string): void {
    this.#current?.close(reason);
  }

  stop(reason: string): void {
    this.#redialer.stop();
    this.#current?.close(reason);
    this.#opening?.link.close(reason);
    this.#opening?.greeting.closed(reason);
  }

  #open(link: Link): LinkHandler {
    const handler = this.#handler;
    const ports = { ...this.#ports, messages: this.#messages };
    const greeting = greetServer(link, handler.self(), ports, this.#limits, {
      greeted: (channel, server) => {
        this.#opening = undefined;
        this.#current = channel;
        if (handler.attached(channel, server)) this.#redialer.succeeded();
        else this.#ports.scheduler.turn(() => channel.close("another server is wanted"));
        return {
          message: (message) => handler.message(message),
          drained: () => handler.drained(),
          closed: (reason, fault) => {
            this.#current = undefined;
            handler.detached(true, reason, fault);
          },
        };
      },
      failed: (reason, fault) => {
        this.#opening = undefined;
        handler.detached(false, reason, fault);
      },
    });
    this.#opening = { link, greeting };
    return greeting;
  }
}
