/**
 * Who is at a document, as an app sees it.
 *
 * A client can show it if `connect` was given `presence`: an app that shows nobody ships nothing of this.
 */
import {
  ByteReader,
  ByteWriter,
  type Other,
  ownValue,
  type Presence,
  readValue,
  type Value,
  writeValue,
} from "@syncline/core";
import { type OpenDocument, type PresencePart, presencePart } from "@syncline/engine";
import { CLIENT_LIMITS } from "@syncline/protocol";
import { SynclineError, translated } from "./errors.js";

/** What shows who is there. Apps give it to `connect` as it is. */
export interface PresenceSupport {
  readonly part: PresencePart;
  /** Who is at an open document. */
  at(open: OpenDocument, on: PresenceHandler): Presence;
}

/** For `connect`: documents show who is at them, with what each of them says of himself. */
export const presence: PresenceSupport = {
  part: presencePart,
  at: (open, on) => new LivePresence(open, on),
};

/** What a document that shows who is there needs of its handle. */
export interface PresenceHandler {
  /** Shows others what `state` says, or nothing. */
  show(state: Uint8Array | undefined): void;
  /** A listener has thrown. */
  report(error: unknown): void;
}

class LivePresence implements Presence {
  readonly error = undefined;
  readonly #open: OpenDocument;
  readonly #on: PresenceHandler;
  #others: readonly Other[] = [];
  /** What `#others` was made of. */
  #shown: OpenDocument["others"] | undefined;
  #mine: Value | undefined;
  #mineOf: Uint8Array | undefined;

  constructor(open: OpenDocument, on: PresenceHandler) {
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
    const listeners = this.#open.presenceListeners;
    const told = (): void => {
      // Others that are told of the same thing may have ended it.
      if (!listeners.has(told)) return;
      try {
        listener();
      } catch (error) {
        this.#on.report(error);
      }
    };
    listeners.add(told);
    return () => listeners.delete(told);
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
