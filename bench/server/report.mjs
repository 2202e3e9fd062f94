/** What a server run found: a table for each work, one row a server, one column a metric, and our ratio to the best peer. */
import { figure, spread } from "../statistics.mjs";
import { WORKS } from "./works/index.mjs";

const STORAGES = { memory: "in memory", durable: "durable storage" };

export function serverRows(result, { withSpread = true } = {}) {
  const tables = [];
  for (const work of WORKS) {
    const outcomes = result.parts[work.name]?.found;
    if (outcomes === undefined) continue;
    for (const [storage, said] of Object.entries(STORAGES)) {
      const mine = Object.entries(outcomes).filter(([one]) => one.endsWith(` ${storage}`));
      if (mine.length > 0) tables.push(tableOf(result, work, mine, `${work.title}, ${said}`, withSpread));
    }
  }
  return tables;
}

/** The best of the peers for a metric, undefined if none has it. */
export function bestPeer(result, outcomes, name, { better }) {
  const found = outcomes
    .filter(([one]) => !isOurs(one) && !result.systems[systemOf(one)].isFloor)
    .map(([, { metrics }]) => metrics?.[name]?.median)
    .filter((value) => value !== undefined);
  if (found.length === 0) return undefined;
  return better === "more" ? Math.max(...found) : Math.min(...found);
}

/** What each server's acknowledgement means, and how it stores. */
export function meanings(result) {
  return Object.values(result.systems)
    .filter(({ isFloor }) => !isFloor)
    .map(({ title, stores, acknowledges }) => {
      const says = acknowledges === undefined ? "acknowledges nothing" : `acknowledges: ${acknowledges}`;
      return `${title}: ${says}${stores === undefined ? "" : `; stores: ${stores}`}`;
    })
    .join("\n");
}

function tableOf(result, work, outcomes, title, withSpread) {
  const metrics = Object.entries(work.metrics);
  const head = ["", ...metrics.map(([, metric]) => `${metric.title}, ${metric.unit}`)];
  const rows = outcomes.map(([one, outcome]) => [
    result.systems[systemOf(one)].title,
    ...metrics.map(([name]) => cellOf(outcome, name, withSpread)),
  ]);
  const ours = outcomes.find(([one]) => isOurs(one))?.[1].metrics;
  rows.push([
    "ours to the best peer",
    ...metrics.map(([name, metric]) =>
      ratioText(ours?.[name], bestPeer(result, outcomes, name, metric), metric),
    ),
  ]);
  rows.push(["goal", ...metrics.map(([, metric]) => metric.goal ?? "")]);
  return { title, head, rows };
}

function cellOf(outcome, name, withSpread) {
  if (outcome.missing !== undefined) return "not installed";
  if (outcome.error !== undefined) return "failed";
  const value = outcome.metrics[name];
  if (value === undefined) return "–";
  return `${figure(value.median)}${withSpread && value.samples > 1 ? ` ${spread(value)}` : ""}`;
}

/** Above 1 we are better. */
function ratioText(ours, peer, { better }) {
  if (ours === undefined || peer === undefined || !(ours.median > 0) || !(peer > 0)) return "";
  return `${figure(better === "more" ? ours.median / peer : peer / ours.median)} ×`;
}

const isOurs = (one) => one.startsWith("syncline ");
const systemOf = (one) => one.split(" ")[0];
