/** What a core run found, as rows: each metric of each work, with every system, our ratio to the best peer, and the goal. */

import { figure, spread } from "../statistics.mjs";
import { OWN_SYSTEMS, SYSTEM_NAMES } from "./systems/index.mjs";
import { WORKS } from "./works/index.mjs";

export function coreRows(result, { withSpread = true } = {}) {
  const systems = SYSTEM_NAMES.filter((system) =>
    Object.values(result.parts).some(({ found }) => system in found),
  );
  const head = ["", ...systems, "to the best peer", "to the floor", "goal"];
  const rows = [];
  for (const work of WORKS) {
    const outcomes = result.parts[work.name]?.found;
    if (outcomes === undefined) continue;
    rows.push([work.title, ...head.slice(1).map(() => "")]);
    for (const [name, metric] of Object.entries(work.metrics)) {
      const cells = systems.map((system) => cellOf(outcomes[system], name, withSpread));
      rows.push([
        `  ${metric.title}${metric.unit === "" ? "" : `, ${metric.unit}`}`,
        ...cells,
        ratioText(outcomes, name, metric, bestPeer(outcomes, name, metric)),
        ratioText(outcomes, name, metric, outcomes.floor?.metrics?.[name]?.median),
        metric.goal ?? "",
      ]);
    }
  }
  return { head, rows };
}

/** The best of those that are not ours; what was scaled because it took too long counts as it was scaled. */
export function bestPeer(outcomes, name, metric) {
  const peers = Object.entries(outcomes)
    .filter(([system]) => !OWN_SYSTEMS.includes(system))
    .map(([, outcome]) => outcome.metrics?.[name]?.median)
    .filter((value) => value !== undefined);
  if (peers.length === 0) return undefined;
  return metric.better === "more" ? Math.max(...peers) : Math.min(...peers);
}

function cellOf(outcome, name, withSpread) {
  if (outcome === undefined) return "";
  if (outcome.lacks !== undefined) return "lacks";
  if (outcome.missing !== undefined) return "not installed";
  if (outcome.error !== undefined) return "failed";
  const value = outcome.metrics[name];
  if (value === undefined) return "lacks";
  return `${outcome.boxed ? "~" : ""}${figure(value.median)}${withSpread && value.samples > 1 ? ` ${spread(value)}` : ""}`;
}

/** Above 1 we are better: as many times as fast, or as many times smaller. */
function ratioText(outcomes, name, metric, other) {
  const ours = outcomes.syncline?.metrics?.[name]?.median;
  if (ours === undefined || other === undefined || !(ours > 0) || !(other > 0)) return "";
  return `${figure(metric.better === "more" ? ours / other : other / ours)} ×`;
}
