import type { Vector } from "@syncline/core";
import { Malformed, readVector, writeVector } from "@syncline/core";
import { CLIENT_LIMITS } from "../client-limits.js";
import { codeByNumber, type ErrorCode, numberOf } from "../errors.js";
import type { MessageCodec } from "./codec.js";

/** What a refusal is about. */
export type About =
  | { readonly what: "link" }
  /** The document with this number of the client's. */
  | { readonly what: "document"; readonly number: number }
  /** The change with this number on this link, see `Offer`. */
  | { readonly what: "offer"; readonly number: number }
  | { readonly what: "handover" }
  /** The question with this number, see `Ask`. */
  | { readonly what: "ask"; readonly number: number };

/** "No, because." The code decides what follows, see `errors.ts`. */
export interface Refusal {
  readonly kind: "refusal";
  readonly code: ErrorCode;
  readonly about: About;
  /** For people. */
  readonly reason: string;
  /** URLs of the masters, when another node may help. */
  readonly masters: readonly string[];
  /** What the refusing node holds, when it lacks what was asked for. */
  readonly have: Vector;
}

const ABOUT = ["link", "document", "offer", "handover", "ask"] as const;

export const refusal: MessageCodec<Refusal> = {
  tag: 5,
  kind: "refusal",

  write(out, message) {
    out.uint(numberOf(message.code));
    out.byte(ABOUT.indexOf(message.about.what));
    out.uint("number" in message.about ? message.about.number : 0);
    out.text(cut(message.reason));
    out.uint(Math.min(message.masters.length, CLIENT_LIMITS.urlsMax));
    for (const url of message.masters.slice(0, CLIENT_LIMITS.urlsMax)) out.text(url);
    writeVector(out, message.have);
  },

  read(input) {
    const code = codeByNumber(input.uint());
    const what = ABOUT[input.byte()];
    const number = input.uint();
    const reason = input.text(CLIENT_LIMITS.reasonBytesMax);
    const count = input.count(CLIENT_LIMITS.urlsMax, 1);
    const masters: string[] = [];
    for (let i = 0; i < count; i++) masters.push(input.text(CLIENT_LIMITS.urlBytesMax));
    const have = readVector(input, CLIENT_LIMITS.vectorEntriesMax);
    if (what === undefined) throw new Malformed("a refusal of an unknown thing");
    const about: About = what === "link" || what === "handover" ? { what } : { what, number };
    // A code of a newer version is treated like the mildest one: the request may succeed later.
    return { kind: "refusal", code: code ?? "OVERLOADED", about, reason, masters, have };
  },
};

/** At most `reasonBytesMax` bytes of text; every character is at most three bytes per UTF-16 unit. */
const cut = (reason: string): string =>
  reason.slice(0, Math.floor(CLIENT_LIMITS.reasonBytesMax / 3)).replace(/\p{Surrogate}/gu, "\uFFFD");
