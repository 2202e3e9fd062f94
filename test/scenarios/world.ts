import { Cluster, type ClusterOptions, type SimNode } from "@syncline/simulation";
import { memoryStorage } from "@syncline/storage";

/** A cluster on memory disks; the seed decides delays and whatever else is drawn. */
export function world(seed: number, options: Partial<ClusterOptions> = {}): Cluster {
  const log = process.env.SYNCLINE_LOG === undefined ? {} : { log: (line: string) => console.log(line) };
  return new Cluster({ seed, disk: (scheduler) => memoryStorage({ scheduler }), ...log, ...options });
}

/** The tags of boards/a, as this node shows them, sorted. */
export const tags = (node: SimNode): string[] | undefined =>
  (node.json("boards/a") as { tags?: string[] } | undefined)?.tags?.sort();
