import { changeId } from "@syncline/core";
import { Violation } from "../checks.js";
import type { Cluster } from "../cluster.js";
import { documentJson } from "../specification/document.js";
import { checkSessions } from "./check.js";
import type { Specification } from "./rule.js";

/** Throws `Violation` unless a cluster that has settled has kept what it promised to every session of its history. */
export function judgeSessions(cluster: Cluster): void {
  const { ledger, recorder } = cluster;
  for (const id of ledger.documents()) {
    for (const node of cluster.nodes.values())
      if (node.isUp) recorder.final(node.name, id, node.document(id));
  }
  for (const client of cluster.clients.values()) {
    if (!client.isClosed) client.watching.look();
  }
  const specification: Specification = (document, changes) => {
    const ids = new Set(changes);
    return documentJson(ledger.of(document).filter((change) => ids.has(changeId(change))));
  };
  const breaches = checkSessions(recorder.recording(cluster.losesDisks ? "safe" : "durable"), specification);
  if (breaches.length > 0) throw new Violation(breaches.map(({ line }) => line).join("\n"));
}
