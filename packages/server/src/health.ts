/**
 * What orchestrators ask: is the process alive, and is it of use to anybody at the moment.
 */
import type { SyncNode } from "@syncline/engine";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is missing. */
  readonly detail?: string;
}

/** Everything that must hold before a load balancer sends readers here. */
export function readiness(node: SyncNode | undefined, isDraining: boolean): readonly Check[] {
  const status = node?.status();
  const checks: Check[] = [
    check("started", status !== undefined, "the store is being opened"),
    check("staying", !isDraining, "the node is stopping"),
  ];
  if (node === undefined || status === undefined) return checks;
  checks.push(check("store", status.state !== "error", "the disk has failed"));
  if (status.role === "follower") checks.push(check("following", node.isReady(), "no upstream is connected"));
  else checks.push(check("writable", node.refusesWrites() === undefined, node.refusesWrites()?.reason ?? ""));
  return checks;
}

export const isReady = (checks: readonly Check[]): boolean => checks.every(({ ok }) => ok);

const check = (name: string, ok: boolean, detail: string): Check =>
  ok ? { name, ok } : { name, ok, detail };
