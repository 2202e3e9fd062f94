import type { Limits } from "@syncline/protocol";
import type { Dialer, Link, LinkHandler, Logger, Random, Scheduler } from "../ports.js";
import { Redialer } from "../redial.js";

/**
 * The links that a node opens: one for each upstream in its list, dialed again whenever it ends, and one for each master
 * that was promoted since the list was written.
 */
export class Upstreams {
  private readonly redialers = new Map<string, Redialer>();
  private readonly failures = new Map<string, string>();

  constructor(
    private readonly urls: readonly string[],
    private readonly ports: { dialer: Dialer; scheduler: Scheduler; random: Random; log: Logger },
    private readonly limits: Limits,
    private readonly opened: (link: Link, url: string) => LinkHandler,
  ) {}

  start(): void {
    for (const url of new Set(this.urls)) this.dial(url);
  }

  /** Dials these besides those of the list, and no others. */
  also(urls: ReadonlySet<string>): void {
    for (const url of urls) if (!this.redialers.has(url)) this.dial(url);
    for (const [url, redialer] of this.redialers) {
      if (urls.has(url) || this.urls.includes(url)) continue;
      redialer.stop();
      this.redialers.delete(url);
      this.failures.delete(url);
    }
  }

  /** Whether it is dialed without standing in the list. */
  dialsAlso(url: string): boolean {
    return this.redialers.has(url) && !this.urls.includes(url);
  }

  private dial(url: string): void {
    const redialer = new Redialer(this.ports, this.limits, {
      nextUrl: () => url,
      opened: this.opened,
      failed: (_url, reason) => this.failed(url, reason),
    });
    this.redialers.set(url, redialer);
    redialer.start();
  }

  /** The link to this URL is good. */
  succeeded(url: string): void {
    this.failures.delete(url);
    this.redialers.get(url)?.succeeded();
  }

  /** An attempt has failed. Said once per reason: an upstream that is down for a week does not fill the log. */
  failed(url: string, reason: string): void {
    if (this.failures.get(url) !== reason) this.ports.log.warn("upstream-unreachable", { url, reason });
    this.failures.set(url, reason);
  }

  /** It will never be good: do not dial it again. */
  giveUp(url: string): void {
    this.redialers.get(url)?.stop();
  }

  stop(): void {
    for (const redialer of this.redialers.values()) redialer.stop();
  }
}
