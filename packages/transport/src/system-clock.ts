/** The clocks of a process. */
import type { Clock } from "@syncline/engine";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
