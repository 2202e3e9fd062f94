/** A handler of links that writes down what it was told and lets tests wait for it. */
import type { Link, LinkHandler } from "@syncline/engine";

export class Recorder implements LinkHandler {
  readonly frames: Uint8Array[] = [];
  readonly reasons: string[] = [];
  drains = 0;
  /** Set while a call of the link is under way, in which nothing may be told. */
  isCalling = false;
  readonly #waiting = new Set<() => void>();
  #onFrame: ((frame: Uint8Array) => void) | undefined;

  frame(bytes: Uint8Array): void {
    this.#note();
    if (this.reasons.length > 0) throw new Error("a frame after the end");
    this.frames.push(bytes);
    this.#onFrame?.(bytes);
    this.#wake();
  }

  drained(): void {
    this.#note();
    if (this.reasons.length > 0) throw new Error("drained after the end");
    this.drains++;
    this.#wake();
  }

  closed(reason: string): void {
    this.#note();
    this.reasons.push(reason);
    this.#wake();
  }

  onFrame(listener: (frame: Uint8Array) => void): void {
    this.#onFrame = listener;
  }

  /** Resolves when the test holds, which is tried after every event. */
  async until(test: () => boolean): Promise<void> {
    while (!test()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async closing(): Promise<string> {
    await this.until(() => this.reasons.length > 0);
    // A second call would come in the turns after the first.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (this.reasons.length !== 1) throw new Error(`closed ${this.reasons.length} times`);
    return this.reasons[0] ?? "";
  }

  /** Calls the link, during which nothing may be told. */
  calling<T>(call: () => T): T {
    this.isCalling = true;
    try {
      return call();
    } finally {
      this.isCalling = false;
    }
  }

  #note(): void {
    if (this.isCalling) throw new Error("told from within a call");
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** One end of a link, with what it was told. */
export interface End {
  readonly link: Link;
  readonly told: Recorder;
}
