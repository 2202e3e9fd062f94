/**
 * What a link takes, on every platform.
 *
 * The engine has limits of its own and says why when one is passed; these are a little wider and only see to it that
 * nobody can make the transport hold more than it should before the engine has had a look.
 */
import { CLIENT_LIMITS } from "@syncline/protocol";

/** One frame. A larger one that is sent is a mistake of ours and throws; one that arrives ends the link with 1009. */
export const FRAME_BYTES_MAX = CLIENT_LIMITS.frameBytesMax + (4 << 10);

/** From the dialing to the end of the WebSocket's handshake. Then the attempt has failed. */
export const HANDSHAKE_MS_MAX = 10_000;

/** How long a peer may take to answer a close. Then the connection is cut. */
export const CLOSE_MS_MAX = 5_000;

/** Parts in which one frame may arrive: of the WebSocket protocol, and of the system that delivers them. */
export const FRAGMENTS_MAX = 64;
export const CHUNKS_MAX = 16_384;

/** The reason in a close frame, in UTF-8. Longer ones are cut. */
export const CLOSE_REASON_BYTES_MAX = 123;

/** A ping is not answered while more than this waits to be sent: the peer does not read, and would have it grow. */
export const PONG_QUEUE_BYTES_MAX = 64 << 10;

/** How often a browser is asked how much is queued, while something is. It has no event for it. */
export const DRAIN_POLL_MS = 25;
