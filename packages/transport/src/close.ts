/**
 * How links end: the codes of close frames, and reasons that fit into them.
 */
import { CLOSE_REASON_BYTES_MAX, FRAME_BYTES_MAX } from "./limits.js";

/** Of the WebSocket protocol. */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_BROKEN = 1002;
export const CLOSE_NOT_UNDERSTOOD = 1003;
export const CLOSE_NO_UTF8 = 1007;
export const CLOSE_REFUSED = 1008;
export const CLOSE_TOO_LARGE = 1009;
/** Browsers may only say 1000 and what is above 3000, so they say it with these. */
export const CLOSE_NOT_UNDERSTOOD_BY_BROWSER = 4003;
export const CLOSE_TOO_LARGE_FOR_BROWSER = 4009;

export const TEXT_FRAME = "a text frame came; frames are binary";
export const FRAME_TOO_LARGE = `a frame of more than ${FRAME_BYTES_MAX} bytes came`;

/** The beginning of `reason` that fits, never half a character. */
export function fittingReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(CLOSE_REASON_BYTES_MAX));
  return reason.slice(0, read);
}

/** What a close frame of the peer, or its absence, says to people. */
export function reasonOf(code: number, reason: string): string {
  if (reason !== "") return reason;
  if (code === CLOSE_NORMAL || code === NO_CODE) return "closed by the peer";
  if (code === NO_CLOSE_FRAME) return "the connection was lost";
  return `closed by the peer with code ${code}`;
}

/** Not on the wire: what platforms report when there was no code, and no close frame. */
export const NO_CODE = 1005;
export const NO_CLOSE_FRAME = 1006;
