/**
 * What a client does around each attempt to connect: it asks the app for a token, which may take a while, and turns
 * the URL of a server into the URL to dial. So a token is as fresh as its connection, and an app that cannot get one
 * is an attempt that failed, like any other.
 */
import { toUtf8 } from "@syncline/core";
import type { Dialer, Scheduler } from "@syncline/engine";
import type { ClientLimits } from "@syncline/protocol";
import { dialedUrl } from "./urls.js";

/** What is shown to servers to be let in, or where to get it; a function is asked before every attempt. */
export type TokenSource = string | (() => string | Promise<string>);

export interface Dialing {
  readonly dialer: Dialer;
  /** The token of the last attempt. */
  readonly token: () => string;
}

export function dialing(
  inner: Dialer,
  source: TokenSource | undefined,
  scheduler: Scheduler,
  limits: ClientLimits,
): Dialing {
  let current = typeof source === "string" ? source : "";

  const dialer: Dialer = {
    dial(text, on) {
      const url = dialedUrl(text);
      let isOver = false;
      let cancel = (): void => {};
      const fail = (reason: string): void => {
        if (isOver) return;
        isOver = true;
        stopWaiting();
        on.failed(reason);
      };
      const go = (url: string): void => {
        stopWaiting();
        cancel = inner.dial(url, on);
        isOver = true;
      };
      const stopWaiting =
        typeof source === "function"
          ? scheduler.after(limits.greetingMsMax, () => fail(`no token within ${limits.greetingMsMax} ms`))
          : () => {};

      if (url === undefined) scheduler.turn(() => fail("this is no URL of a server"));
      else if (typeof source !== "function") go(url);
      else {
        fetchToken(source, limits).then(
          (token) => {
            if (isOver) return;
            current = token;
            go(url);
          },
          (error: unknown) => fail(`no token: ${error instanceof Error ? error.message : String(error)}`),
        );
      }
      return () => {
        isOver = true;
        stopWaiting();
        cancel();
      };
    },
  };
  return { dialer, token: () => current };
}

/** Why this cannot be a token, or undefined if it can. */
export function checkToken(token: unknown, limits: ClientLimits): string | undefined {
  if (typeof token !== "string") return `a token is a string, not ${typeof token}`;
  // Letters of a token are ASCII in every known form; others count as what they take in UTF-8.
  const bytes = toUtf8(token).length;
  return bytes > limits.tokenBytesMax
    ? `a token has up to ${limits.tokenBytesMax} bytes, not ${bytes}`
    : undefined;
}

async function fetchToken(source: () => string | Promise<string>, limits: ClientLimits): Promise<string> {
  const token = await source();
  const reason = checkToken(token, limits);
  if (reason !== undefined) throw new Error(reason);
  return token;
}
