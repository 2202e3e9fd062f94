import { onTestFinished } from "vitest";
import type { Server, Servers } from "./server.js";
import { Wire } from "./wire.js";

/**
 * Servers that follow each other as said, not started yet. Each link goes through a wire of its own, which the second
 * function gives.
 */
export async function wired<Name extends string>(
  servers: Servers,
  nodes: Record<Name, { follow?: NoInfer<Name>[]; flags?: string[] }>,
): Promise<[Record<Name, Server>, (from: Name, to: Name) => Wire]> {
  const all = {} as Record<Name, Server>;
  const wires = new Map<string, Wire>();
  for (const name of Object.keys(nodes) as Name[]) {
    const { follow = [], flags = [] } = nodes[name];
    const upstreams: string[] = [];
    for (const other of follow) {
      const wire = new Wire();
      await wire.open(() => all[other].port);
      onTestFinished(() => wire.close());
      wires.set(`${name} ${other}`, wire);
      upstreams.push("--follow", wire.url);
    }
    all[name] = servers.server(name, ...upstreams, ...flags);
  }
  const wireOf = (from: Name, to: Name): Wire => {
    const wire = wires.get(`${from} ${to}`);
    if (wire === undefined) throw new Error(`${from} does not follow ${to}`);
    return wire;
  };
  return [all, wireOf];
}
