/** What the person who reads a refusal can do, for every code. A client ships it only where an app asks for it. */
import type { ErrorCode } from "./errors.js";

export const REMEDIES: { readonly [Name in ErrorCode]: string } = {
  MALFORMED_MESSAGE: "The peer sent bytes that are no message. Check that both ends run a released version.",
  UNEXPECTED_MESSAGE:
    "The peer sent a message that has no place here. Check that both ends run a released version.",
  PROTOCOL_VERSION: "Upgrade the older end.",
  CLUSTER_MISMATCH: "Check --cluster: the two nodes belong to different clusters.",
  PROOF_FAILED: "Give both nodes the same --cluster-secret-file.",
  SELF_LINK: "A node follows itself. Remove its own URL from --follow.",
  GREETING_TIMEOUT: "The peer did not greet in time. It is tried again by itself.",
  SILENCE: "Nothing was heard for long. The link is opened again by itself.",
  FRAME_SEQUENCE: "A frame was lost under way. The link is opened again by itself.",
  SLOW_PEER: "The peer does not read fast enough. It may come back and goes on where it was.",
  SHUTTING_DOWN: "Use another node, or try again in a moment.",
  SUPERSEDED: "A newer process has this node name. Each node needs a data folder and a name of its own.",
  UNREACHABLE: "Check the URL, and that a server listens there. It is tried again by itself.",
  OFFLINE_UNAVAILABLE: "Nothing can be kept on this device, as in private windows. Stay until all is saved.",
  OFFLINE_FULL: "Free space on this device, or close documents of this app.",
  OFFLINE_DAMAGED:
    "What this device had kept cannot be read. What servers have comes from there; what was not sent is lost.",
  UNAUTHORIZED: "Connect with a valid token.",
  FORBIDDEN: "Ask for the right to do this.",
  READ_ONLY_FOLLOWER: "Send writes to one of the masters named in this answer.",
  MALFORMED_OP: "Correct the op that is named.",
  LIMIT_EXCEEDED: "Send less at once: the limit is named.",
  OVERLOADED: "Try again in a moment, more slowly.",
  NOT_FOUND: "Check collection and key.",
  CAUSAL_WAIT_TIMEOUT: "This node has not seen yet what the reader has seen. Try again, or ask another node.",
  CAUSES_MISSING: "The node lacks what the change builds on. The client hands it over by itself.",
  IDENTITY_REUSED: "Two different changes carry one identity. Never copy a running client or its storage.",
  WRITE_CONCERN_UNSATISFIABLE: "Too few nodes are there for this write concern. See `syncline status`.",
  STORAGE_FAILED: "The node cannot write to its disk and stops. See its log.",
  INVALID_TOKEN: "Send a Syncline-Token header exactly as an earlier answer gave it.",
  QUORUM_WAIT_TIMEOUT:
    "Not enough nodes have what was read on their disks yet. Try again; see `syncline status`.",
  STORAGE_FULL: "Free some room on the disk of the node: it goes on by itself. Meanwhile use another master.",
  CLOCK_AHEAD: "Set the clock of the device. A client makes the change again by itself.",
  NODE_CLOCK_AHEAD:
    "Set the clock of the node. It takes writes again by itself; meanwhile use another master.",
  STALENESS_EXCEEDED: "Ask another node, or allow more staleness.",
  PROMOTION_WOULD_LOSE: "Connect the nodes that are named, or force it.",
  LAST_MASTER: "Connect or promote another master first, or force it.",
  ROLE_CHANGED: "It is dialed again by itself.",
  RETIREMENT_WOULD_LOSE: "Connect the nodes that are named, or force it.",
  NODE_RETIRED: "This node was retired. Let it join again as a new node.",
  SCHEMA_CONFLICT:
    "The cluster's schema stands against it: `syncline schema show` prints it. Do what the reason names.",
  SCHEMA_VERSION: "Update the app: what it has not sent is kept.",
};
