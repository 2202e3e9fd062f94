import type { Action, History } from "./history.js";

/**
 * Makes a failing history smaller by leaving actions out, as long as it keeps failing (delta debugging: Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
 *
 * `fails` plays a history and says whether it still fails; it is asked at most `attempts` times. `progress` is told how
 * many actions are left.
 */
export function shrink(
  history: History,
  fails: (smaller: History) => boolean,
  attempts: number,
  progress: (actions: number) => void = () => {},
): History {
  let left = attempts;
  let actions: readonly Action[] = history.actions;
  for (let size = Math.ceil(actions.length / 2); size >= 1 && left > 0; ) {
    let removed = false;
    for (let from = 0; from < actions.length && left > 0; ) {
      const without = [...actions.slice(0, from), ...actions.slice(from + size)];
      left -= 1;
      if (fails({ ...history, actions: without })) {
        actions = without;
        removed = true;
        progress(actions.length);
      } else from += size;
    }
    if (size === 1 && !removed) break;
    size = removed && size === 1 ? 1 : Math.floor(size / 2);
    if (size === 0) break;
  }
  return { ...history, actions };
}
