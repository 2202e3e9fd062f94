import { onTestFinished } from "vitest";
import type { Server, Servers } from "./server.js";
import { Wire } from "./wire.js";

/**
 * Servers that follow each other as said, not started yet. Each link goes through a wire of its own, which the second
 * function gives. Who finds a node in the member list dials it past all wires, unless it says that it is `reachedBy` the
 * wire of some other one.
 */
export async function wired<Name extends string>(
  servers: Servers,
  nodes: Record<Name, { follow?: NoInfer<Name>[]; reachedBy?: NoInfer<Name>; flags?: string[] }>,
): Promise<[Record<Name, Server>, (from: Name, to: Name) => Wire]> {
  const all = {} as Record<Name, Server>;
  const wires = new Map<string, Wire>();
  const upstreams = {} as Record<Name, string[]>;
  for (const name of Object.keys(nodes) as Name[]) {
    upstreams[name] = [];
    for (const other of nodes[name].follow ?? []) {
      const wire = new Wire();
      await wire.open(() => all[other].port);
      onTestFinished(() => wire.close());
      wires.set(`${name} ${other}`, wire);
      upstreams[name].push("--follow", wire.url);
    }
  }
  for (const name of Object.keys(nodes) as Name[]) {
    const { reachedBy, flags = [] } = nodes[name];
    const advertised = reachedBy === undefined ? [] : ["--advertise", wireOf(reachedBy, name).url];
    all[name] = servers.server(name, ...upstreams[name], ...advertised, ...flags);
  }
  return [all, wireOf];

  function wireOf(from: Name, to: Name): Wire {
    const wire = wires.get(`${from} ${to}`);
    if (wire === undefined) throw new Error(`${from} does not follow ${to}`);
    return wire;
  }
}
