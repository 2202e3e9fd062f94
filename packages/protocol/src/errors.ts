/**
 * Every refusal, in one table: its code for ever, its number on the wire, and what follows from it.
 *
 * A refusal is part of the interface: it says what happened (`code` and a reason), to what (`about`), and the
 * table says what to do next. `retry` is for machines: `later` means that the same request may succeed here
 * unchanged, `elsewhere` that another node may take it, `never` that it is final.
 */
export interface Code {
  /** On the wire, for ever: never renumber, never reuse. */
  readonly number: number;
  readonly retry: "later" | "elsewhere" | "never";
  /** Status of an HTTP answer that carries this code. */
  readonly http: number;
  /** Whether the link ends when it is sent. */
  readonly closes: boolean;
  /** What the person who reads it can do. */
  readonly remedy: string;
}

const code = (number: number, retry: Code["retry"], http: number, closes: boolean, remedy: string): Code => ({
  number,
  retry,
  http,
  closes,
  remedy,
});

export const CODES = {
  // The link.
  MALFORMED_MESSAGE: code(
    1,
    "never",
    400,
    true,
    "The peer sent bytes that are no message. Check that both ends run a released version.",
  ),
  UNEXPECTED_MESSAGE: code(
    2,
    "never",
    400,
    true,
    "The peer sent a message that has no place here. Check that both ends run a released version.",
  ),
  PROTOCOL_VERSION: code(3, "never", 426, true, "Upgrade the older end."),
  CLUSTER_MISMATCH: code(
    4,
    "never",
    403,
    true,
    "Check --cluster: the two nodes belong to different clusters.",
  ),
  PROOF_FAILED: code(5, "never", 403, true, "Give both nodes the same --cluster-secret-file."),
  SELF_LINK: code(6, "never", 400, true, "A node follows itself. Remove its own URL from --follow."),
  GREETING_TIMEOUT: code(
    7,
    "later",
    408,
    true,
    "The peer did not greet in time. It is tried again by itself.",
  ),
  SILENCE: code(8, "later", 408, true, "Nothing was heard for long. The link is opened again by itself."),
  FRAME_SEQUENCE: code(
    9,
    "later",
    400,
    true,
    "A frame was lost under way. The link is opened again by itself.",
  ),
  SLOW_PEER: code(
    10,
    "later",
    503,
    true,
    "The peer does not read fast enough. It may come back and goes on where it was.",
  ),
  SHUTTING_DOWN: code(11, "elsewhere", 503, true, "Use another node, or try again in a moment."),
  SUPERSEDED: code(
    12,
    "never",
    409,
    true,
    "A newer process has this node name. Each node needs a data folder and a name of its own.",
  ),
  // Never sent: what an end finds that reaches nobody.
  UNREACHABLE: code(
    13,
    "later",
    503,
    true,
    "Check the URL, and that a server listens there. It is tried again by itself.",
  ),

  OFFLINE_UNAVAILABLE: code(
    14,
    "later",
    503,
    false,
    "Nothing can be kept on this device, as in private windows. Stay until all is saved.",
  ),
  OFFLINE_FULL: code(15, "later", 507, false, "Free space on this device, or close documents of this app."),
  OFFLINE_DAMAGED: code(
    16,
    "never",
    500,
    false,
    "What this device had kept cannot be read. What servers have comes from there; what was not sent is lost.",
  ),

  // Access.
  UNAUTHORIZED: code(20, "never", 401, true, "Connect with a valid token."),
  FORBIDDEN: code(21, "never", 403, false, "Ask for the right to do this."),
  READ_ONLY_FOLLOWER: code(
    22,
    "elsewhere",
    403,
    false,
    "Send writes to one of the masters named in this answer.",
  ),

  // Requests.
  MALFORMED_OP: code(30, "never", 400, false, "Correct the op that is named."),
  LIMIT_EXCEEDED: code(31, "later", 413, false, "Send less at once: the limit is named."),
  OVERLOADED: code(32, "later", 429, false, "Try again in a moment, more slowly."),
  NOT_FOUND: code(33, "never", 404, false, "Check collection and key."),
  CAUSAL_WAIT_TIMEOUT: code(
    34,
    "later",
    504,
    false,
    "This node has not seen yet what the reader has seen. Try again, or ask another node.",
  ),
  CAUSES_MISSING: code(
    35,
    "later",
    409,
    false,
    "The node lacks what the change builds on. The client hands it over by itself.",
  ),
  IDENTITY_REUSED: code(
    36,
    "never",
    409,
    false,
    "Two different changes carry one identity. Never copy a running client or its storage.",
  ),
  WRITE_CONCERN_UNSATISFIABLE: code(
    37,
    "later",
    503,
    false,
    "Too few nodes are there for this write concern. See `syncline status`.",
  ),
  STORAGE_FAILED: code(
    38,
    "elsewhere",
    503,
    true,
    "The node cannot write to its disk and stops. See its log.",
  ),
  INVALID_TOKEN: code(
    39,
    "never",
    400,
    false,
    "Send a Syncline-Token header exactly as an earlier answer gave it.",
  ),
  QUORUM_WAIT_TIMEOUT: code(
    40,
    "later",
    504,
    false,
    "Not enough nodes have what was read on their disks yet. Try again; see `syncline status`.",
  ),
  STORAGE_FULL: code(
    41,
    "elsewhere",
    507,
    false,
    "Free some room on the disk of the node: it goes on by itself. Meanwhile use another master.",
  ),
  CLOCK_AHEAD: code(
    42,
    "never",
    400,
    false,
    "Set the clock of the device. A client makes the change again by itself.",
  ),
  NODE_CLOCK_AHEAD: code(
    43,
    "elsewhere",
    503,
    false,
    "Set the clock of the node. It takes writes again by itself; meanwhile use another master.",
  ),
  STALENESS_EXCEEDED: code(50, "later", 503, false, "Ask another node, or allow more staleness."),

  // Members.
  PROMOTION_WOULD_LOSE: code(51, "later", 409, false, "Connect the nodes that are named, or force it."),
  LAST_MASTER: code(54, "later", 409, false, "Connect or promote another master first, or force it."),
  ROLE_CHANGED: code(55, "later", 503, true, "It is dialed again by itself."),
  NODE_RETIRED: code(52, "never", 410, true, "This node was retired. Let it join again as a new node."),
  SCHEMA_CONFLICT: code(
    53,
    "never",
    409,
    false,
    "The cluster's schema stands against it: `syncline schema show` prints it. Do what the reason names.",
  ),
  SCHEMA_VERSION: code(60, "never", 426, true, "Update the app: what it has not sent is kept."),
} as const satisfies Record<string, Code>;

export type ErrorCode = keyof typeof CODES;

const byNumber = new Map<number, ErrorCode>(
  (Object.keys(CODES) as ErrorCode[]).map((name) => [CODES[name].number, name]),
);

/** The code with this number, or undefined when a newer peer uses one that this version does not know. */
export const codeByNumber = (number: number): ErrorCode | undefined => byNumber.get(number);

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
