/** The buttons of `syncline demo`: they ask the process that has started the nodes. Elsewhere there are none. */
import { useCallback, useEffect, useState } from "react";
import { facts } from "./page.js";
import { askJson, repeatedly } from "./status.js";

interface DemoState {
  readonly nodes: readonly { readonly name: string; readonly isUp: boolean }[];
  readonly links: readonly { readonly id: string; readonly isCut: boolean }[];
}

export interface Demo {
  /** Undefined for a node that is none of the demo's. */
  isUp(node: string): boolean | undefined;
  readonly links: DemoState["links"];
  /** Something that was asked for is under way. */
  readonly isBusy: boolean;
  kill(node: string): void;
  restart(node: string): void;
  cut(link: string): void;
  heal(link: string): void;
  /** Two halves, each with a master and a follower. */
  split(): void;
  healAll(): void;
}

const PERIOD_MS = 1_000;
/** A node takes a moment to start. */
const ORDER_MS_MAX = 30_000;

export function useDemo(): Demo | undefined {
  const [state, setState] = useState<DemoState>();
  const [isBusy, setBusy] = useState(false);
  const { demo: url } = facts;

  useEffect(
    () =>
      url === undefined
        ? undefined
        : repeatedly(PERIOD_MS, async () => {
            const state = await askJson(url).catch(() => undefined);
            setState(state as DemoState | undefined);
          }),
    [url],
  );

  const order = useCallback(
    async (what: "kill" | "restart" | "cut" | "heal" | "split", whom: string) => {
      setBusy(true);
      const request = {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ what, whom }),
        signal: AbortSignal.timeout(ORDER_MS_MAX),
      };
      const state = await askJson(url ?? "", request).catch(() => undefined);
      if (state !== undefined) setState(state as DemoState);
      setBusy(false);
    },
    [url],
  );

  if (state === undefined) return undefined;
  return {
    isUp: (node) => state.nodes.find(({ name }) => name === node)?.isUp,
    links: state.links,
    isBusy,
    kill: (node) => void order("kill", node),
    restart: (node) => void order("restart", node),
    cut: (link) => void order("cut", link),
    heal: (link) => void order("heal", link),
    split: () => void order("split", "halves"),
    healAll: () => void order("heal", "all"),
  };
}
