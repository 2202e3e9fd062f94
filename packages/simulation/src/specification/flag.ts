/** What flags must show. */
import type { DisableWinsFlagOp, Dot, FlagOp } from "@syncline/core";
import { type Placed, sameDot } from "./history.js";

/** On if there is an enabling that no op of the history says it replaced or removed. */
export function flagValue(history: readonly Placed<FlagOp>[]): boolean {
  const gone = history.flatMap(({ op }) => (op.act === "enable" ? op.replaces : op.removes));
  return history.some(({ dot, op }) => op.act === "enable" && !isAmong(gone, dot));
}

/** On if all votes that no op of the history says it replaced are for it, and there is one. */
export function disableWinsFlagValue(history: readonly Placed<DisableWinsFlagOp>[]): boolean {
  const votes = standing(history);
  return votes.length > 0 && votes.every(({ op }) => op.act === "allow");
}

/** True if a vote stands, for it or against. */
export function hasVotes(history: readonly Placed<DisableWinsFlagOp>[]): boolean {
  return standing(history).length > 0;
}

function standing(history: readonly Placed<DisableWinsFlagOp>[]): Placed<DisableWinsFlagOp>[] {
  const gone = history.flatMap(({ op }) => op.replaces);
  return history.filter(({ dot, op }) => op.act !== "withdraw" && !isAmong(gone, dot));
}

function isAmong(dots: readonly Dot[], dot: Dot): boolean {
  return dots.some((each) => sameDot(each, dot));
}
