import type { MessageCodec } from "./codec.js";

/** "Are you there?" Sent when nothing else was, so that a dead link is noticed and a lost frame is found. */
export interface Ping {
  readonly kind: "ping";
}

export const ping: MessageCodec<Ping> = {
  tag: 3,
  kind: "ping",
  write() {},
  read: () => ({ kind: "ping" }),
};

/** "I am here." */
export interface Pong {
  readonly kind: "pong";
}

export const pong: MessageCodec<Pong> = {
  tag: 4,
  kind: "pong",
  write() {},
  read: () => ({ kind: "pong" }),
};
