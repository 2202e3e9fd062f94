/**
 * How a server says no: over HTTP, and at its start.
 *
 * Every refusal over HTTP has one shape, `{"error":{"code","message","remedy", …}}`. Its codes are those of the
 * protocol, and the few below that only HTTP can need. Handlers throw `Refused`; one place turns it into an answer.
 */
import type { TextFault } from "@syncline/engine";
import { CODES, type ErrorCode, type Fault } from "@syncline/protocol";

/** Codes that only HTTP has. */
export const HTTP_CODES = {
  BAD_REQUEST: {
    http: 400,
    remedy: "Correct the part of the request that is named.",
  },
  METHOD_NOT_ALLOWED: {
    http: 405,
    remedy: "Use one of the methods named in the Allow header.",
  },
  COUNTER_OVERFLOW: {
    http: 409,
    remedy:
      "Reset the counters of this document: one lies outside ±(2^53 - 1), which JSON cannot say exactly.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    http: 415,
    remedy: "Send the body as JSON with the header Content-Type: application/json.",
  },
  UPGRADE_REQUIRED: {
    http: 426,
    remedy: "This is where WebSockets connect. Use a Syncline client, or the HTTP API under /v1.",
  },
  INTERNAL: {
    http: 500,
    remedy: "This is a fault of the server. Its log says more.",
  },
} as const;

export type HttpErrorCode = ErrorCode | keyof typeof HTTP_CODES;

/** What an answer may say beyond code and message. */
export interface RefusalDetails {
  /** URLs of the masters, for `READ_ONLY_FOLLOWER`. */
  readonly masters?: readonly string[];
  /** For `MALFORMED_OP`: which op of the list, which field, and why. */
  readonly op?: number;
  readonly field?: string;
  readonly reason?: string;
  /** For the text of a schema: what is wrong, with its line and column. */
  readonly faults?: readonly TextFault[];
  /** Instead of the remedy in the table. */
  readonly remedy?: string;
}

/** A request is refused. Thrown by handlers, answered in one place. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: HttpErrorCode;
  readonly details: RefusalDetails;
  /** More headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: HttpErrorCode,
    message: string,
    details: RefusalDetails = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.headers = headers;
  }

  static by(fault: Fault): Refused {
    return new Refused(
      fault.code,
      fault.reason,
      fault.masters === undefined ? {} : { masters: fault.masters },
    );
  }
}

/** Status, headers and body of a refusal. */
export function refusalAnswer(refused: Refused): {
  status: number;
  headers: Record<string, string>;
  body: string;
} {
  const { code, message, details } = refused;
  const known = isProtocolCode(code) ? CODES[code] : HTTP_CODES[code];
  const headers: Record<string, string> = {
    ...ANSWER_HEADERS,
    "content-type": "application/json; charset=utf-8",
    ...refused.headers,
  };
  if (known.http === 429 || known.http === 503) headers["retry-after"] = "1";
  const { remedy = known.remedy, ...rest } = details;
  return {
    status: known.http,
    headers,
    body: `${JSON.stringify({ error: { code, message, remedy, ...rest } })}\n`,
  };
}

/** An answer in JSON; it ends with a newline, for those who look at it in a terminal. */
export const jsonAnswer = (body: object, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
  });

/** On every answer: nothing is cached, guessed, framed or read by other sites. */
export const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
};

export type StartErrorCode =
  | "HOST_UNKNOWN"
  | "HOST_EXPOSED"
  | "PORT_TAKEN"
  | "PORT_REFUSED"
  | "FOLDER_UNUSABLE"
  | "NAME_MISMATCH"
  | "CLUSTER_MISMATCH"
  | "RULE_NAMES_ITSELF"
  | "FOLLOWS_ITSELF"
  | "STORE_DAMAGED"
  | "STOPPED";

/**
 * The server cannot start. The message is one line that names the setting and says what to do instead.
 * Nothing was left behind.
 */
export class CannotStart extends Error {
  override readonly name = "CannotStart";
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const isProtocolCode = (code: HttpErrorCode): code is ErrorCode => Object.hasOwn(CODES, code);
