/**
 * The clock, the timers and the randomness of a browser.
 */
import type { Clock, Random, Scheduler } from "@syncline/engine";
import { FewTimers } from "./few-timers.js";
import { uniformInteger } from "./uniform.js";

export const browserClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

const timers = new FewTimers(browserClock.monotonic);

export const browserScheduler: Scheduler = {
  after: (delayMs, task) => timers.after(delayMs, task),
  turn: (task) => takeTurn(task),
};

export const browserRandom: Random = {
  integer: (below) => uniformInteger(below, randomBytes),
  bytes: randomBytes,
};

/** A call of the platform fills no more than this. */
const RANDOM_BYTES_MAX = 65_536;

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return bytes;
}

/**
 * A microtask would come too early: each message of a WebSocket is a task of its own, so the turn would end after every
 * one of them. A timer would come too late: browsers stretch short ones to 4 ms, and to a second in tabs that are not
 * seen. A message from a channel to itself is a task that queues behind what has arrived, without delay. Node has a
 * function for just that, which, unlike an open channel, lets the process end.
 */
const takeTurn: (task: () => void) => void =
  typeof setImmediate === "function"
    ? (task) => void setImmediate(task)
    : typeof MessageChannel === "function"
      ? turnsByChannel(new MessageChannel())
      : (task) => void setTimeout(task, 0);

function turnsByChannel({ port1, port2 }: MessageChannel): (task: () => void) => void {
  /** One message for each, so that a task that throws does not take the others with it. */
  const tasks: (() => void)[] = [];
  port1.onmessage = () => tasks.shift()?.();
  return (task) => {
    tasks.push(task);
    port2.postMessage(undefined);
  };
}
