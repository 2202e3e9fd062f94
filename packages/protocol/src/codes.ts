/**
 * What follows from every refusal: one table of all codes, for nodes and for whoever answers people.
 *
 * Numbers and what machines do stand in `errors.ts`, which is all that a client needs of this to run.
 */
import { ERROR_CODES, type ErrorCode, numberOf, retryOf } from "./errors.js";
import { REMEDIES } from "./remedies.js";

export interface Code {
  /** On the wire, for ever. */
  readonly number: number;
  readonly retry: "later" | "elsewhere" | "never";
  /** Status of an HTTP answer that carries this code. */
  readonly http: number;
  /** Whether the link ends when it is sent. */
  readonly closes: boolean;
  /** What the person who reads it can do. */
  readonly remedy: string;
}

/** Statuses of HTTP answers. */
const HTTP: { readonly [Name in ErrorCode]: number } = {
  MALFORMED_MESSAGE: 400,
  UNEXPECTED_MESSAGE: 400,
  PROTOCOL_VERSION: 426,
  CLUSTER_MISMATCH: 403,
  PROOF_FAILED: 403,
  SELF_LINK: 400,
  GREETING_TIMEOUT: 408,
  SILENCE: 408,
  FRAME_SEQUENCE: 400,
  SLOW_PEER: 503,
  SHUTTING_DOWN: 503,
  SUPERSEDED: 409,
  UNREACHABLE: 503,
  OFFLINE_UNAVAILABLE: 503,
  OFFLINE_FULL: 507,
  OFFLINE_DAMAGED: 500,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  READ_ONLY_FOLLOWER: 403,
  MALFORMED_OP: 400,
  LIMIT_EXCEEDED: 413,
  OVERLOADED: 429,
  NOT_FOUND: 404,
  CAUSAL_WAIT_TIMEOUT: 504,
  CAUSES_MISSING: 409,
  IDENTITY_REUSED: 409,
  WRITE_CONCERN_UNSATISFIABLE: 503,
  STORAGE_FAILED: 503,
  INVALID_TOKEN: 400,
  QUORUM_WAIT_TIMEOUT: 504,
  STORAGE_FULL: 507,
  CLOCK_AHEAD: 400,
  NODE_CLOCK_AHEAD: 503,
  STALENESS_EXCEEDED: 503,
  PROMOTION_WOULD_LOSE: 409,
  LAST_MASTER: 409,
  ROLE_CHANGED: 503,
  RETIREMENT_WOULD_LOSE: 409,
  NODE_RETIRED: 410,
  SCHEMA_CONFLICT: 409,
  SCHEMA_VERSION: 426,
};

/** Those after which a link ends. */
const CLOSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "MALFORMED_MESSAGE",
  "UNEXPECTED_MESSAGE",
  "PROTOCOL_VERSION",
  "CLUSTER_MISMATCH",
  "PROOF_FAILED",
  "SELF_LINK",
  "GREETING_TIMEOUT",
  "SILENCE",
  "FRAME_SEQUENCE",
  "SLOW_PEER",
  "SHUTTING_DOWN",
  "SUPERSEDED",
  "UNREACHABLE",
  "UNAUTHORIZED",
  "STORAGE_FAILED",
  "ROLE_CHANGED",
  "NODE_RETIRED",
  "SCHEMA_VERSION",
]);

export const CODES = Object.fromEntries(
  ERROR_CODES.map((code): [ErrorCode, Code] => [
    code,
    {
      number: numberOf(code),
      retry: retryOf(code),
      http: HTTP[code],
      closes: CLOSING.has(code),
      remedy: REMEDIES[code],
    },
  ]),
) as { readonly [Name in ErrorCode]: Code };
