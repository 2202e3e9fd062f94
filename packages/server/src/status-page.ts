/**
 * The page at `/status`: what this node knows of its cluster, refreshed by itself.
 *
 * It loads nothing from anywhere and shows what it got as text, never as markup; its policy names the one style and
 * the one script by their hashes, so that nothing else could run if it ever came in.
 */
import { createHash } from "node:crypto";

const STYLE = `
:root {
  color-scheme: light dark;
  --ink: #1c2024; --soft: #60646c; --line: #e4e6ea; --paper: #fcfcfd; --card: #ffffff;
  --good: #1a7f4b; --warn: #9a6700; --bad: #c62a2f; --accent: #3a5bc7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #edeef0; --soft: #a0a6b0; --line: #2b2f36; --paper: #111316; --card: #181a1e;
    --good: #4cc38a; --warn: #f0c000; --bad: #ff8a8a; --accent: #9eb1ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem .9rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: .8rem; font-weight: 600; letter-spacing: .05em; text-transform: uppercase; color: var(--soft); margin: 2.2rem 0 .6rem; }
p { margin: .35rem 0; color: var(--soft); }
.state { font-weight: 600; }
.state::before, td.is::before { content: ""; display: inline-block; width: .55em; height: .55em; border-radius: 50%; margin-right: .45em; background: currentColor; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.frame { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .5rem .9rem; white-space: nowrap; }
th { font-weight: 500; font-size: .85rem; color: var(--soft); border-bottom: 1px solid var(--line); }
tbody tr + tr td { border-top: 1px solid var(--line); }
th.n, td.n { text-align: right; }
td.quiet { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .8rem 2.4rem; margin: 1.4rem 0 0; }
dt { font-size: .85rem; color: var(--soft); }
dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--ink); }
footer { margin-top: 2.6rem; font-size: .9rem; }
#lost { margin: 1.2rem 0 0; padding: .6rem .9rem; border: 1px solid currentColor; border-radius: 8px; color: var(--bad); }
[hidden] { display: none; }
`;

const SCRIPT = `
"use strict";
const at = (id) => document.getElementById(id);
const PERIOD_MS = 2000;

function put(id, text) { at(id).textContent = text; }

function rows(id, columns, list) {
  at(id).replaceChildren(...list.map((item) => {
    const row = document.createElement("tr");
    for (const [value, look] of columns(item)) {
      const cell = document.createElement("td");
      cell.textContent = value === null || value === undefined || value === "" ? "-" : String(value);
      if (look) cell.className = look;
      row.append(cell);
    }
    return row;
  }));
}

const count = (n) => n === null ? "-" : n.toLocaleString("en");
const ago = (ms) => ms === null ? "-" : ms < 1000 ? "now" : (ms / 1000).toFixed(0) + " s ago";
const lag = (l) => l === null ? "-" : l.records === 0 ? "0" : count(l.records) + " (" + l.seconds.toFixed(1) + " s)";
const size = (n) => n < 1024 ? n + " B" : n < 1048576 ? (n / 1024).toFixed(1) + " KiB" : (n / 1048576).toFixed(1) + " MiB";
const how = (c) => c.retirements === 0 ? c.ended === 0 ? "-" : "former starts"
  : "retired " + (c.retirements === 1 ? "once" : c.retirements + " times") + (c.isMember ? ", has joined again" : "");
const LOOKS = { active: "good", streaming: "good", self: "good", connected: "good", heard: "good", joining: "warn", catchup: "warn", stopping: "warn" };
const look = (state) => LOOKS[state] || "bad";

function show(status) {
  document.title = status.node + " \\u00b7 Syncline";
  put("name", status.node);
  put("what", status.role + " of cluster " + status.cluster);
  put("state", status.ready ? status.state : status.state + ", not ready");
  at("state").className = "state " + (status.ready ? look(status.state) : "warn");
  put("clients", count(status.clients));
  put("unflushed", size(status.unflushedBytes));
  put("parked", count(status.parkedRecords));
  put("version", status.version);
  rows("nodes", (n) => [
    [n.node], [n.role, "quiet"], n.isContested ? ["name taken twice", "is bad"] : [n.state, "is " + look(n.state)], [n.state === "self" ? "-" : ago(n.lastHeardMs), "quiet"],
    [n.syncState, "quiet"], [lag(n.lag.received), "n"], [lag(n.lag.durable), "n"], [lag(n.lag.applied), "n"], [n.url, "quiet"],
  ], status.nodes);
  rows("streams", (s) => [
    [s.node], [s.stream, "quiet"], [s.rule, "quiet"],
    [count(s.received), "n"], [count(s.durable), "n"], [count(s.applied), "n"], [count(s.committed), "n"], [count(s.end), "n"], [s.provider, "quiet"],
  ], status.streams);
  at("closed").hidden = status.closings.length === 0;
  rows("closings", (c) => [
    [c.node], [how(c)], [count(c.ended), "n"], [count(c.open), "n"], [c.decidedBy, "quiet"],
  ], status.closings);
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/v1/status", { signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error("status " + answer.status);
      show(await answer.json());
      at("lost").hidden = true;
      at("page").hidden = false;
    } catch {
      at("lost").hidden = false;
    }
  }
  setTimeout(refresh, PERIOD_MS);
}
refresh();
`;

export const STATUS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Syncline</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<div id="lost" role="status" hidden>This node does not answer. Trying again every two seconds.</div>
<noscript><p>This page needs JavaScript. The same as JSON: <a href="/v1/status">/v1/status</a></p></noscript>
<div id="page" hidden>
<header><h1 id="name"></h1><span id="state" class="state"></span></header>
<p id="what"></p>
<dl>
<div><dt>Clients</dt><dd id="clients"></dd></div>
<div><dt>Waiting for the disk</dt><dd id="unflushed"></dd></div>
<div><dt>Parked records</dt><dd id="parked"></dd></div>
</dl>
<h2>Nodes</h2>
<div class="frame"><table>
<thead><tr><th>Node</th><th>Role</th><th>State</th><th>Heard</th><th>Sync</th><th class="n">Lag received</th><th class="n">durable</th><th class="n">applied</th><th>URL</th></tr></thead>
<tbody id="nodes"></tbody>
</table></div>
<p>Lag: records that this node holds and that one has not reported, and for how long it has had the first of them. Sync: what this master&rsquo;s commit rule makes of the node.</p>
<h2>Streams</h2>
<div class="frame"><table>
<thead><tr><th>Of node</th><th>Stream</th><th>Commit rule</th><th class="n">Received</th><th class="n">Durable</th><th class="n">Applied</th><th class="n">Committed</th><th class="n">End</th><th>Provider</th></tr></thead>
<tbody id="streams"></tbody>
</table></div>
<div id="closed" hidden>
<h2>Closed</h2>
<div class="frame"><table>
<thead><tr><th>Of node</th><th>How</th><th class="n">Streams ended</th><th class="n">Open</th><th>Deciding</th></tr></thead>
<tbody id="closings"></tbody>
</table></div>
</div>
<footer>
<p>Clients connect to <code>/sync</code>. Over HTTP: <code>GET /v1/docs/&lt;collection&gt;</code>, <code>GET</code> and <code>POST /v1/docs/&lt;collection&gt;/&lt;key&gt;</code>, <code>GET /v1/status</code>, <code>GET /readyz?verbose</code>.</p>
<p>Syncline <span id="version"></span></p>
</footer>
</div>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Content-Security-Policy of the page. */
export const STATUS_PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
