/**
 * Every refusal: its code for ever, its number on the wire, and whether to ask again.
 *
 * A refusal is part of the interface: it says what happened (`code` and a reason), to what (`about`), and what follows
 * from it. Programs need no more than this file; what people and HTTP need besides stands in `codes.ts`, which clients do
 * not ship. On the wire for ever: never renumber, never reuse.
 */

/** Final: the same request never succeeds. */
const NEVER = {
  MALFORMED_MESSAGE: 1,
  UNEXPECTED_MESSAGE: 2,
  PROTOCOL_VERSION: 3,
  CLUSTER_MISMATCH: 4,
  PROOF_FAILED: 5,
  SELF_LINK: 6,
  SUPERSEDED: 12,
  OFFLINE_DAMAGED: 16,
  UNAUTHORIZED: 20,
  FORBIDDEN: 21,
  MALFORMED_OP: 30,
  NOT_FOUND: 33,
  IDENTITY_REUSED: 36,
  INVALID_TOKEN: 39,
  CLOCK_AHEAD: 42,
  NODE_RETIRED: 52,
  SCHEMA_CONFLICT: 53,
  SCHEMA_VERSION: 60,
} as const;

/** The same request may succeed here unchanged. */
const LATER = {
  GREETING_TIMEOUT: 7,
  SILENCE: 8,
  FRAME_SEQUENCE: 9,
  SLOW_PEER: 10,
  /** Never sent: what an end finds that reaches nobody. */
  UNREACHABLE: 13,
  /** Never sent either, like all that begin so: what a device cannot keep. */
  OFFLINE_UNAVAILABLE: 14,
  OFFLINE_FULL: 15,
  LIMIT_EXCEEDED: 31,
  OVERLOADED: 32,
  CAUSAL_WAIT_TIMEOUT: 34,
  CAUSES_MISSING: 35,
  WRITE_CONCERN_UNSATISFIABLE: 37,
  QUORUM_WAIT_TIMEOUT: 40,
  STALENESS_EXCEEDED: 50,
  PROMOTION_WOULD_LOSE: 51,
  LAST_MASTER: 54,
  ROLE_CHANGED: 55,
  RETIREMENT_WOULD_LOSE: 56,
} as const;

/** Another node may take it. */
const ELSEWHERE = {
  SHUTTING_DOWN: 11,
  READ_ONLY_FOLLOWER: 22,
  STORAGE_FAILED: 38,
  STORAGE_FULL: 41,
  NODE_CLOCK_AHEAD: 43,
} as const;

const NUMBERS = { ...NEVER, ...LATER, ...ELSEWHERE };

export type ErrorCode = keyof typeof NUMBERS;

export const ERROR_CODES = Object.keys(NUMBERS) as readonly ErrorCode[];

/** What stands for a code on the wire. */
export const numberOf = (code: ErrorCode): number => NUMBERS[code];

/** The code with this number, or undefined when a newer peer uses one that this version does not know. */
export const codeByNumber = (number: number): ErrorCode | undefined =>
  ERROR_CODES.find((code) => NUMBERS[code] === number);

/** What a machine may do after it: ask again, ask another node, or neither. */
export const retryOf = (code: ErrorCode): "later" | "elsewhere" | "never" =>
  code in NEVER ? "never" : code in LATER ? "later" : "elsewhere";

/** A refusal as data: what the engine hands out and what travels in a refusal message or an HTTP answer. */
export interface Fault {
  readonly code: ErrorCode;
  /** What happened, to what, for people. No secrets, no contents. */
  readonly reason: string;
  /** URLs of the masters, when the code sends the caller to one of them. */
  readonly masters?: readonly string[];
}

export const fault = (code: ErrorCode, reason: string, masters?: readonly string[]): Fault =>
  masters === undefined ? { code, reason } : { code, reason, masters };
