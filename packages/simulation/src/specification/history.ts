/** What specifications read: the ops of a history, each with its identity. Their order says nothing. */
import type { Dot } from "@syncline/core";

export interface Placed<Op> {
  readonly dot: Dot;
  readonly stamp: number;
  readonly op: Op;
}

export function sameDot(a: Dot, b: Dot): boolean {
  return a.author === b.author && a.counter === b.counter;
}
