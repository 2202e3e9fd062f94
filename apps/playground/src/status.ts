/** What the node that serves this tab knows of its cluster, asked again and again while somebody looks. */
import { useEffect, useState } from "react";
import { facts } from "./page.js";
import { useStatus } from "./schema.js";

export interface Lag {
  readonly records: number;
  readonly seconds: number;
}

export interface NodeStatus {
  readonly node: string;
  readonly role: "master" | "follower";
  readonly state: "self" | "connected" | "heard" | "disconnected";
  readonly syncState: string | null;
  readonly url: string;
  readonly lag: { readonly applied: Lag | null };
}

/** The parts of `GET /v1/status` that are shown. */
export interface ClusterStatus {
  readonly node: string;
  readonly nodes: readonly NodeStatus[];
  readonly streams: readonly { readonly node: string; readonly rule: string }[];
}

const PERIOD_MS = 1_000;
const ANSWER_MS_MAX = 3_000;

/** The last answer, and whether it is of now. */
export function useCluster(): { readonly status: ClusterStatus | undefined; readonly isLost: boolean } {
  const provider = useStatus(({ provider }) => provider);
  const [status, setStatus] = useState<ClusterStatus>();
  const [isLost, setLost] = useState(false);
  // Where the node is that this tab reads from: another one than sent the page, once that has died.
  const url = provider === facts.node ? undefined : status?.nodes.find(({ node }) => node === provider)?.url;
  const server = url?.replace(/^ws/, "http").replace(/\/$/, "") ?? "";

  useEffect(
    () =>
      repeatedly(PERIOD_MS, async () => {
        const answer = await askJson(`${server}/v1/status`).catch(() => undefined);
        setLost(answer === undefined);
        if (answer !== undefined) setStatus(answer as ClusterStatus);
      }),
    [server],
  );
  return { status, isLost };
}

export async function askJson(url: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), ...init });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return await answer.json();
}

/** Does something now, and again after each time, while the page is to be seen. Returns a function that ends this. */
export function repeatedly(periodMs: number, task: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout>;
  let isOver = false;
  const run = async (): Promise<void> => {
    if (!document.hidden) await task();
    if (!isOver) timer = setTimeout(run, periodMs);
  };
  void run();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
