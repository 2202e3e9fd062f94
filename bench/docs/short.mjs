/**
 * The README's table: a few figures that decide, ours beside those of whichever peer is best at each. Both are of one
 * run, with durable storage; the whole tables, with every peer and floor, are in docs/performance.md.
 */
import { bestPeer } from "../server/report.mjs";
import { WORKS } from "../server/works/index.mjs";
import { figure } from "../statistics.mjs";
import { markdownTable } from "../table.mjs";

const ROWS = [
  ["fanout", "perSecond", "One writer, 50 readers: deliveries a second"],
  ["fanout", "cpu", "… server CPU for one, µs"],
  ["pairs", "perSecond", "100 documents, two clients each: writes a second"],
  ["latency", "p50", "Client to client at 100 writes a second, p50, ms"],
  ["catch-up", "ms", "A new client takes 100,000 ops on 10,000 keys, ms"],
  ["catch-up", "bytes", "… bytes received"],
  ["catch-up", "restarted", "… after kill -9 and restart, ms"],
];

/** In Markdown; rows that either side has no figure for are left out. */
export function shortTable(result) {
  const rows = ROWS.flatMap(([workName, metricName, label]) => {
    const work = WORKS.find(({ name }) => name === workName);
    const durable = Object.entries(result.parts[workName]?.found ?? {}).filter(([one]) =>
      one.endsWith(" durable"),
    );
    const metric = work.metrics[metricName];
    const ours = durable.find(([one]) => one.startsWith("syncline "))?.[1].metrics?.[metricName]?.median;
    const best = bestPeer(result, durable, metricName, metric);
    if (ours === undefined || best === undefined) return [];
    const [name] = durable.find(
      ([one, { metrics }]) => !one.startsWith("syncline ") && metrics?.[metricName]?.median === best,
    );
    const ratio = metric.better === "more" ? ours / best : best / ours;
    const peer = `${figure(best)} (${result.systems[name.split(" ")[0]].title})`;
    return [[label, figure(ours), peer, `${figure(ratio)} ×`]];
  });
  return markdownTable(["durable storage", "Syncline", "the best peer", "ratio, above 1 is better"], rows);
}
