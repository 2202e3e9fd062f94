/**
 * Tells on the terminal what the masters of the demo notice: whom they are connected to, and whether somebody is left to
 * confirm their writes. Each is said when it changes, by what `/v1/status` answers.
 */
import type { StatusAnswer } from "@syncline/server";
import type { DemoNode } from "./nodes.js";

const LOOK_MS = 500;
const ANSWER_MS_MAX = 2_000;

/** Begins; returns a function that ends it. */
export function narrate(nodes: readonly DemoNode[], say: (line: string) => void): () => void {
  /** What was true of a node when it was looked at last. */
  const known = new Map<string, ReadonlyMap<string, string>>();
  let isOver = false;

  const look = async (node: DemoNode): Promise<void> => {
    if (!node.isUp) return;
    const status = await statusOf(node).catch(() => undefined);
    if (status?.role !== "master" || isOver) return;
    const before = known.get(node.name);
    const now = noticed(status);
    known.set(node.name, now);
    if (before === undefined) return;
    for (const [about, words] of now) if (before.get(about) !== words) say(`${node.name}: ${words}`);
  };
  const timer = setInterval(() => void Promise.all(nodes.map(look)), LOOK_MS);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

/** Sentences, by what they are about. */
function noticed({ nodes }: StatusAnswer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let isConfirmed = false;
  for (const { node, state, syncState } of nodes) {
    if (state === "connected") found.set(node, `connected to ${node}`);
    else if (state === "heard") found.set(node, `hears of ${node} through others only`);
    else if (state === "disconnected") found.set(node, `${node} is gone`);
    isConfirmed ||= (syncState === "quorum" || syncState === "sync") && state !== "disconnected";
  }
  found.set(
    "the quorum",
    isConfirmed ? "its writes are confirmed" : "nobody is left to confirm its writes: they wait",
  );
  return found;
}

async function statusOf({ http }: DemoNode): Promise<StatusAnswer> {
  const answer = await fetch(`${http}/v1/status`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  return (await answer.json()) as StatusAnswer;
}
