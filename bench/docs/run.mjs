/**
 * `pnpm bench docs`: draws the charts of docs/charts and writes the tables of docs/performance.md and the short one of
 * the README, between their marks, from the results that are there. What a person wrote around them stays.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bestPeer as bestCorePeer, coreRows } from "../core/report.mjs";
import { WORKS as CORE_WORKS } from "../core/works/index.mjs";
import { flagsOf } from "../flags.mjs";
import { growthRows } from "../growth/report.mjs";
import { root } from "../machine.mjs";
import { circumstances } from "../results.mjs";
import { serverRows } from "../server/report.mjs";
import { WORKS as SERVER_WORKS } from "../server/works/index.mjs";
import { figure } from "../statistics.mjs";
import { markdownTable } from "../table.mjs";
import { barChart, ratioChart, themes } from "./chart.mjs";
import { shortTable } from "./short.mjs";

flagsOf("docs");
const results = join(import.meta.dirname, "..", "results");
const charts = join(root, "docs", "charts");
const page = join(root, "docs", "performance.md");
const readme = join(root, "README.md");

const TABLES = { core: coreTables, server: serverTables, growth: growthTables };
const CHARTS = { core: drawCore, server: drawServer };

mkdirSync(charts, { recursive: true });
let text = readFileSync(page, "utf8");
for (const [name, tablesOf] of Object.entries(TABLES)) {
  const file = join(results, `${name}.json`);
  if (!existsSync(file)) {
    console.log(`${name}: no results, so its tables stay as they are; run pnpm bench ${name}`);
    continue;
  }
  const result = JSON.parse(readFileSync(file, "utf8"));
  text = between(text, name, `${circumstances(result)}\n\n${tablesOf(result)}`);
  CHARTS[name]?.(result);
  if (name === "server") {
    writeFileSync(readme, between(readFileSync(readme, "utf8"), "short", shortTable(result)));
  }
  console.log(`${name}: written`);
}
writeFileSync(page, text);

function coreTables(result) {
  const { head, rows } = coreRows(result, { withSpread: false });
  return markdownTable(
    head,
    rows.map(([first, ...rest]) => [first.startsWith("  ") ? first.trim() : `**${first}**`, ...rest]),
  );
}

function serverTables(result) {
  return serverRows(result)
    .map(({ title, head, rows }) => `**${title}**\n\n${markdownTable(head, rows)}`)
    .join("\n\n");
}

function growthTables(result) {
  return growthRows(result)
    .map(({ title, head, rows }) => `**${title}**\n\n${markdownTable(head, rows)}`)
    .join("\n\n");
}

/** Every figure of the core that has a goal, as a ratio to the best peer. */
function drawCore(result) {
  const rows = [];
  for (const work of CORE_WORKS) {
    const outcomes = result.parts[work.name]?.found;
    for (const [name, metric] of Object.entries(outcomes === undefined ? {} : work.metrics)) {
      const ours = outcomes.syncline?.metrics?.[name]?.median;
      const peer = bestCorePeer(outcomes, name, metric);
      if (metric.goal === undefined || !(ours > 0) || !(peer > 0)) continue;
      const ratio = metric.better === "more" ? ours / peer : peer / ours;
      rows.push({ label: `${work.short}: ${metric.title}`, ratio, text: `${figure(ratio)} ×` });
    }
  }
  const note =
    "Right of the line: so many times better than the best peer. Left of it: the best peer is better.";
  draw("core", (theme) =>
    ratioChart({ title: "Core: Syncline to the best of six peers", note, rows }, theme),
  );
}

/** What servers are asked for most: deliveries to many, and what one costs. */
function drawServer(result) {
  const work = SERVER_WORKS.find(({ name }) => name === "fanout");
  const outcomes = result.parts[work.name]?.found;
  if (outcomes === undefined) return;
  const barsOf = (name) =>
    Object.entries(outcomes)
      .filter(([, { metrics }]) => metrics?.[name] !== undefined)
      .map(([one, { metrics }]) => {
        const [system, storage] = one.split(" ");
        const { title, isFloor } = result.systems[system];
        const value = metrics[name].median;
        const kind = system === "syncline" ? "ours" : isFloor ? "floor" : "peer";
        return { label: `${title}${isFloor ? "" : `, ${storage}`}`, value, text: figure(value), kind };
      });
  const most = barsOf("perSecond").sort((a, b) => b.value - a.value);
  draw("fanout", (theme) =>
    barChart({ title: work.title, note: "Deliveries per second on one core", bars: most }, theme),
  );
  const least = barsOf("cpu").sort((a, b) => a.value - b.value);
  draw("fanout-cpu", (theme) =>
    barChart({ title: work.title, note: "µs of the server's CPU for one delivery", bars: least }, theme),
  );
}

function draw(name, chartIn) {
  for (const theme of themes) writeFileSync(join(charts, `${name}-${theme}.svg`), chartIn(theme));
}

function between(all, name, inside) {
  const [open, close] = [`<!-- bench ${name} -->`, `<!-- bench ${name} end -->`];
  const [from, to] = [all.indexOf(open), all.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`there are no marks ${open} and ${close} to write between`);
  return `${all.slice(0, from + open.length)}\n${inside}\n${all.slice(to)}`;
}
