/** Several servers over real sockets: what operators and callers are told. */
import { parseRule } from "@syncline/protocol";
import { readConfig, type Server } from "@syncline/server";
import { expect, test } from "vitest";
import { ask, post, started } from "./servers.js";

const OPS = [{ field: "votes", op: "increment" }];
const ROADMAP = "/v1/docs/boards/roadmap";
const secret = new TextEncoder().encode("a secret of more than 16 bytes");

const ruleOf = (text: string) => {
  const rule = parseRule(text);
  if (typeof rule === "string") throw new Error(rule);
  return rule;
};

/** Asks until the answer is as wished; the test's own time limit ends a wait in vain. */
async function until(question: () => Promise<boolean>): Promise<void> {
  while (!(await question())) await new Promise((resolve) => setImmediate(resolve));
}

const isReady = (server: Server) => until(async () => (await ask(server, "/readyz")).status === 200);

test("a follower shows what its master took, and refuses writes with the master's URL", async () => {
  const master = await started({ secret });
  const follower = await started({ name: "f1", role: "follower", follow: [master.url], secret });
  const { json } = await post(master, ROADMAP, OPS);
  const read = await ask(follower, ROADMAP, { headers: { "Syncline-Token": json.token } });
  expect([read.status, read.json.value]).toEqual([200, { votes: 1 }]);

  const refused = await post(follower, ROADMAP, OPS);
  expect(refused.status).toBe(403);
  expect(refused.json.error).toMatchObject({
    code: "READ_ONLY_FOLLOWER",
    masters: [master.url],
    remedy: expect.any(String),
  });
  expect((await ask(master, ROADMAP)).json.value).toEqual({ votes: 1 });
});

test("a follower without an upstream is alive, but not ready", async () => {
  const gone = await started();
  await gone.stop();
  const follower = await started({ name: "f1", role: "follower", follow: [gone.url] });
  expect((await ask(follower, "/livez")).status).toBe(200);
  for (const path of ["/readyz", "/healthz"]) {
    const { status, json } = await ask(follower, path);
    expect([status, json]).toEqual([503, { ready: false, missing: ["no upstream is connected"] }]);
  }
  const { json } = await ask(follower, "/readyz?verbose");
  expect(json.checks).toContainEqual({ name: "following", ok: false, detail: "no upstream is connected" });
  expect(json.checks).toContainEqual({ name: "started", ok: true });
});

test("with a quorum: 202 until the named node has it, 200 once it has", async () => {
  const master = await started({ rule: ruleOf("ANY 1 (f1)") });
  const early = await post(master, `${ROADMAP}?ack=durable`, OPS);
  expect([early.status, early.json.outcome, early.json.nodes]).toEqual([202, "unconfirmed", ["m1"]]);
  // Not committed, so nobody sees it.
  expect((await ask(master, ROADMAP)).status).toBe(404);

  const follower = await started({ name: "f1", role: "follower", follow: [master.url] });
  const late = await post(master, `${ROADMAP}?ack=committed`, OPS);
  expect([late.status, late.json.outcome, late.json.nodes]).toEqual([200, "committed", ["m1", "f1"]]);
  const headers = { "Syncline-Token": late.json.token };
  expect((await ask(master, ROADMAP, { headers })).json.value).toEqual({ votes: 2 });
  expect((await ask(follower, ROADMAP, { headers })).json.value).toEqual({ votes: 2 });
});

test("a caller may want more than the rule: a quorum of his own, and nothing stored where it cannot be had", async () => {
  const master = await started();
  const path = `${ROADMAP}?ack=${encodeURIComponent("ANY 1 (f1)")}`;
  const waited = await post(master, `${path}&timeoutMs=50`, OPS);
  expect([waited.status, waited.json.outcome]).toEqual([202, "unconfirmed"]);
  const failed = await post(master, `${path}&failFast=true`, OPS);
  expect([failed.status, failed.json.error.code]).toEqual([503, "WRITE_CONCERN_UNSATISFIABLE"]);
  expect(failed.json.error.message).toBe("too few nodes are connected for ALL (f1)");
  // The first write is stored and seen, the refused one is nowhere.
  expect((await ask(master, ROADMAP)).json.value).toEqual({ votes: 1 });

  await started({ name: "f1", role: "follower", follow: [master.url] });
  const late = await post(master, `${path}&failFast`, OPS);
  const both = late.status === 503 ? await post(master, path, OPS) : late;
  expect([both.status, both.json.outcome, both.json.nodes]).toEqual([200, "committed", ["m1", "f1"]]);
  for (const wrong of ["?ack=MOST", "?ack=LOCAL", "?ack=ANY+0", "?failFast=perhaps"]) {
    expect((await post(master, `${ROADMAP}${wrong}`, OPS)).json.error.code, wrong).toBe("BAD_REQUEST");
  }
});

test("a write waits as long as the server says, where its caller does not", async () => {
  const master = await started({ rule: ruleOf("ANY 1 (f1)"), syncTimeoutMs: 100 });
  expect((await post(master, ROADMAP, OPS)).json.outcome).toBe("unconfirmed");
});

test("a parameter that is none is refused, not ignored", async () => {
  const master = await started();
  const wrong = await post(master, `${ROADMAP}?akc=durable`, OPS);
  expect([wrong.status, wrong.json.error.message]).toEqual([
    400,
    "there is no ?akc= here; did you mean ?ack=?",
  ]);
  expect((await ask(master, `${ROADMAP}?ack=durable`)).json.error.message).toMatch(
    /^there is no \?ack= here; there are \?after=/,
  );
  expect((await ask(master, ROADMAP)).status).toBe(404);
});

test("the metrics say what the status says, and nothing of what is not known", async () => {
  const master = await started({ rule: ruleOf("ANY 1 (f1,f2)") });
  const follower = await started({ name: "f1", role: "follower", follow: [master.url] });
  await isReady(follower);
  expect((await post(master, ROADMAP, OPS)).status).toBe(200);
  const metricsOf = async () => (await fetch(`http://127.0.0.1:${master.port}/metrics`)).text();
  let metrics = "";
  // What the follower has on its disk is committed; that it has shown what came before, and this, it says a moment later.
  await until(async () => {
    metrics = await metricsOf();
    return (
      metrics.includes('syncline_replication_lag_records{peer="f1",level="applied"} 0') &&
      /level="committed"\} 3$/m.test(metrics)
    );
  });
  expect(metrics).toContain('syncline_peer_connected{peer="f1",role="follower",sync_state="quorum"} 1');
  expect(metrics).toContain('syncline_replication_lag_records{peer="f1",level="durable"} 0');
  expect(metrics).toContain('syncline_replication_lag_seconds{peer="f1",level="applied"} 0');
  expect(metrics).toMatch(/^syncline_stream_position\{node="m1",stream="\d+",level="committed"\} 3$/m);
  expect(metrics).toMatch(/^syncline_ready 1$/m);
  expect(metrics).toMatch(
    /^syncline_build_info\{version="[\d.]+",cluster="default",node="m1",role="master"\} 1$/m,
  );
  expect(metrics).toMatch(/^process_cpu_seconds_total /m);
  await follower.stop();
  const alone = await metricsOf();
  expect(alone).toContain('syncline_peer_connected{peer="f1",role="follower",sync_state="quorum"} 0');
  expect(alone).not.toMatch(/^syncline_replication_lag/m);
});

test("a reader may want what a majority has, or what is at most so old", async () => {
  const master = await started();
  const follower = await started({ name: "f1", role: "follower", follow: [master.url] });
  await isReady(follower);
  const { json } = await post(master, `${ROADMAP}?ack=${encodeURIComponent("ANY 1 (f1)")}`, OPS);
  expect(json.outcome).toBe("committed");
  for (const wanted of [
    "consistency=majority",
    "maxStalenessMs=5000",
    "consistency=majority&maxStalenessMs=900",
  ]) {
    const headers = { "Syncline-Token": json.token };
    const answer = await ask(follower, `${ROADMAP}?${wanted}`, { headers });
    expect([answer.status, answer.json.value], wanted).toEqual([200, { votes: 1 }]);
  }
  await follower.stop();
  await post(master, ROADMAP, OPS);
  const alone = await ask(master, `${ROADMAP}?consistency=majority&timeoutMs=50`);
  expect([alone.status, alone.json.error.code]).toEqual([504, "QUORUM_WAIT_TIMEOUT"]);
  for (const wrong of ["consistency=most", "maxStalenessMs=-1", "maxStalenessMs=soon"]) {
    expect((await ask(master, `${ROADMAP}?${wrong}`)).json.error.code, wrong).toBe("BAD_REQUEST");
  }
});

test("the status names every node, absent ones too, and every stream", async () => {
  const master = await started();
  const follower = await started({ name: "f1", role: "follower", follow: [master.url] });
  await isReady(follower);
  const { json } = await ask(follower, "/v1/status");
  expect(json).toMatchObject({
    cluster: "default",
    node: "f1",
    role: "follower",
    state: "streaming",
    url: follower.url,
    ready: true,
    version: expect.any(String),
    nodes: [
      { node: "f1", state: "self" },
      { node: "m1", role: "master", state: "connected", url: master.url },
    ],
  });
  await until(async () => (await ask(follower, "/v1/status")).json.streams.length === 1);
  await master.stop();
  await until(async () => (await ask(follower, "/v1/status")).json.nodes[1].state === "disconnected");
  const after = (await ask(follower, "/v1/status")).json;
  expect(after.nodes[1]).toMatchObject({
    lastHeardMs: null,
    lag: { received: null, durable: null, applied: null },
  });
  expect(after.ready).toBe(false);
});

test("a node without the cluster's secret is no member", async () => {
  const master = await started({ secret });
  const stranger = await started({ name: "f1", role: "follower", follow: [master.url] });
  const liar = await started({
    name: "f2",
    role: "follower",
    follow: [master.url],
    secret: new Uint8Array(32),
  });
  await post(master, ROADMAP, OPS);
  const honest = await started({ name: "f3", role: "follower", follow: [master.url], secret });
  await isReady(honest);
  for (const server of [stranger, liar]) expect((await ask(server, ROADMAP)).status).toBe(404);
  const { json } = await ask(master, "/v1/status");
  expect(json.nodes.map(({ node }: { node: string }) => node)).toEqual(["f3", "m1"]);
});

test("the status page loads nothing, runs nothing but its own script", async () => {
  const server = await started();
  const { status, headers, text } = await ask(server, "/status");
  expect(status).toBe(200);
  expect(headers["content-security-policy"]).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'/,
  );
  expect(headers["content-security-policy"]).not.toContain("unsafe");
  expect(text).not.toMatch(/(?:src|href)="(?!data:|\/v1\/status)/);
  expect(text).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write/);
});

test("the defaults of the table are a server that can start", async () => {
  const read = readConfig({ flags: { port: "0", memory: true }, env: {} });
  if (!read.ok) throw new Error(read.mistakes.join());
  const server = await started(read.config);
  expect(server.name).toMatch(/^[a-z]+-[a-z]+-[0-9a-f]{4}$/);
  expect(server.url).toBe(`ws://localhost:${server.port}`);
  expect((await ask(server, "/readyz")).json).toEqual({ ready: true });
});
