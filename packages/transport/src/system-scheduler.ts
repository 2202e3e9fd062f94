/**
 * The timers and turns of a Node process.
 *
 * The end of a round is the check phase: after all sockets that had something have been read, before the next wait.
 * Timers keep the process running until they have fired or were cancelled.
 */
import type { Scheduler } from "@syncline/engine";
import { systemClock } from "./system-clock.js";
import { Timers } from "./timers.js";
import { Turns } from "./turns.js";

const timers = new Timers(systemClock.monotonic);
const turns = new Turns(
  systemClock.monotonic,
  (task) => process.nextTick(task),
  (task) => void setImmediate(task),
);

export const systemScheduler: Scheduler = {
  after: (delayMs, task) => timers.after(delayMs, task),
  turn: (task) => turns.ask(task),
};
