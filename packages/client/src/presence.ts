/** Who is at a document, as an app sees it. */
import {
  ByteReader,
  ByteWriter,
  type Other,
  ownValue,
  readValue,
  type Value,
  writeValue,
} from "@syncline/core";
import type { OpenDocument } from "@syncline/engine";
import { CLIENT_LIMITS } from "@syncline/protocol";
import { SynclineError, translated } from "./errors.js";

export class LivePresence {
  readonly #open: OpenDocument;
  readonly #on: { show(state: Uint8Array | undefined): void; report(error: unknown): void };
  #others: readonly Other[] = [];
  /** What `#others` was made of. */
  #shown: OpenDocument["others"] | undefined;
  #mine: Value | undefined;
  #mineOf: Uint8Array | undefined;

  constructor(
    open: OpenDocument,
    on: { show(state: Uint8Array | undefined): void; report(error: unknown): void },
  ) {
    this.#open = open;
    this.#on = on;
  }

  get mine(): Value | undefined {
    const { presence } = this.#open;
    if (presence !== this.#mineOf) {
      this.#mineOf = presence;
      this.#mine = presence && decoded(presence);
    }
    return this.#mine;
  }

  get others(): readonly Other[] {
    const { others } = this.#open;
    if (others !== this.#shown) {
      this.#shown = others;
      this.#others = [...others.values()].flatMap(({ id, state }) => {
        const value = typeof state === "string" ? undefined : decoded(state);
        return value === undefined ? [] : [{ id: String(id), state: value }];
      });
    }
    return this.#others;
  }

  set(state: Value): void {
    const { value } = translated(() => ownValue(state));
    const out = new ByteWriter();
    writeValue(out, value);
    const bytes = out.finish();
    if (bytes.length > CLIENT_LIMITS.presenceBytesMax) {
      throw new SynclineError(
        "LIMIT_EXCEEDED",
        `presence has up to ${CLIENT_LIMITS.presenceBytesMax} bytes, not ${bytes.length}`,
      );
    }
    this.#on.show(bytes);
  }

  clear(): void {
    if (this.#open.presence !== undefined) this.#on.show(undefined);
  }

  subscribe(listener: () => void): () => void {
    let isActive = true;
    const stop = this.#open.onPresence(() => {
      if (!isActive) return;
      try {
        listener();
      } catch (error) {
        this.#on.report(error);
      }
    });
    return () => {
      isActive = false;
      stop();
    };
  }
}

/** Others may send what they like: what is no value is not shown. */
function decoded(bytes: Uint8Array): Value | undefined {
  try {
    const input = new ByteReader(bytes);
    const value = readValue(input);
    input.end();
    return value;
  } catch {
    return undefined;
  }
}
