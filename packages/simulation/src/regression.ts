import { ACTION_KINDS, type History } from "./history.js";

/**
 * A history that once went wrong, kept as data to be played for ever.
 *
 * The text is read with suspicion, for people edit such files: what cannot be played is a reason, not an exception.
 */
export interface Regression {
  /** What was wrong, in one sentence. */
  readonly cause: string;
  readonly history: History;
}

export function writeRegression({ cause, history }: Regression): string {
  const { actions, ...cluster } = history;
  const lines = [
    `  "cause": ${JSON.stringify(cause)},`,
    `  "cluster": ${JSON.stringify(cluster)},`,
    `  "actions": [`,
    actions.map((action) => `    ${JSON.stringify(action)}`).join(",\n"),
    "  ]",
  ];
  return `{\n${lines.join("\n")}\n}\n`;
}

export function readRegression(text: string): Regression | { readonly reason: string } {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
  const { cause, cluster, actions } = (read ?? {}) as {
    cause?: unknown;
    cluster?: unknown;
    actions?: unknown;
  };
  if (typeof cause !== "string" || !isCluster(cluster) || !Array.isArray(actions)) {
    return { reason: "it must have a cause, a cluster and a list of actions" };
  }
  for (const [index, action] of actions.entries()) {
    const kind = (action as { kind?: unknown } | null)?.kind;
    if (ACTION_KINDS.every((known) => known !== kind)) {
      return { reason: `action ${index + 1} is of no known kind: ${JSON.stringify(action)}` };
    }
  }
  return { cause, history: { ...cluster, actions } };
}

function isCluster(cluster: unknown): cluster is Omit<History, "actions"> {
  if (typeof cluster !== "object" || cluster === null) return false;
  const { seed, generator, masters, followers, clients } = cluster as Partial<Record<keyof History, unknown>>;
  if (generator !== undefined && generator !== "mulberry32") return false;
  const named = (list: unknown): boolean =>
    Array.isArray(list) && list.every((each: { name?: unknown } | null) => typeof each?.name === "string");
  return Number.isInteger(seed) && named(masters) && named(followers) && named(clients);
}
