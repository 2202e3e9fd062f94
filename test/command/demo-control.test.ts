/** The buttons of `syncline demo`: what they do to four real servers, and who may press them. */
import { execFileSync } from "node:child_process";
import { request } from "node:http";
import { join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { folder, start } from "./commands.js";

beforeAll(() => {
  // What is told to the page stands in the page.
  execFileSync(process.execPath, [join(import.meta.dirname, "../../apps/playground/build.mjs")]);
});

interface State {
  readonly nodes: readonly { name: string; isUp: boolean }[];
  readonly links: readonly { id: string; isCut: boolean }[];
}

/** A demo that runs: the URLs of its nodes, where its buttons lead, and what it says. */
async function running() {
  const demo = start(["demo", "--port", "0"], { env: { TMPDIR: folder } });
  let said = "";
  demo.child.stdout?.on("data", (chunk: string) => (said += chunk));
  await vi.waitFor(() => expect(said).toContain("What is done to them"), { timeout: 120_000, interval: 20 });
  const urls = [...said.matchAll(/^ {2}\w\d {2}(\S+)$/gm)].map(([, url = ""]) => url);
  const page = (await (await fetch(`${urls[0]}/`)).text()).replaceAll("&#34;", '"');
  const control = /"demo":"([^"]+)"/.exec(page)?.[1] ?? "";
  return {
    ...demo,
    urls,
    control,
    said: () => said.slice(said.indexOf("notice:\n")).split("\n").slice(1, -1),
  };
}

const order = async (control: string, what: string, whom: string): Promise<State> => {
  const answer = await fetch(control, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ what, whom }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as State;
};

/** What a node knows of another one. */
async function stateAt(url: string | undefined, node: string): Promise<string | undefined> {
  const { nodes } = (await (await fetch(`${url}/v1/status`)).json()) as {
    nodes: { node: string; state: string }[];
  };
  return nodes.find((one) => one.node === node)?.state;
}

const until = (holds: () => Promise<void>) => vi.waitFor(holds, { timeout: 120_000, interval: 50 });

test("they kill and start nodes, cut and heal links, and the terminal says so", async () => {
  const { child, ended, urls, control, said } = await running();
  const [m1] = urls;
  const first = (await (await fetch(control)).json()) as State;
  expect(first.nodes).toEqual(["m1", "m2", "f1", "f2"].map((name) => ({ name, isUp: true })));
  expect(first.links).toEqual(
    ["m1-m2", "m1-f1", "m2-f1", "m1-f2", "m2-f2"].map((id) => ({ id, isCut: false })),
  );

  expect((await order(control, "cut", "m1-m2")).links[0]).toEqual({ id: "m1-m2", isCut: true });
  await until(async () => expect(await stateAt(m1, "m2")).not.toBe("connected"));
  expect(await stateAt(m1, "f1")).toBe("connected");
  expect((await order(control, "heal", "m1-m2")).links[0]).toEqual({ id: "m1-m2", isCut: false });
  await until(async () => expect(await stateAt(m1, "m2")).toBe("connected"));

  expect((await order(control, "kill", "m2")).nodes[1]).toEqual({ name: "m2", isUp: false });
  await until(async () => expect(await stateAt(m1, "m2")).toBe("disconnected"));
  // One that is gone already stays gone.
  await order(control, "kill", "m2");
  expect((await order(control, "restart", "m2")).nodes[1]).toEqual({ name: "m2", isUp: true });
  await order(control, "restart", "m2");
  await until(async () => expect(await stateAt(m1, "m2")).toBe("connected"));

  const orders = () => said().filter((line) => !/^ {2}m\d: /.test(line));
  const told = [
    "the link m1-m2 is cut",
    "the link m1-m2 is healed",
    "kill -9 m2",
    "kill -9 m2",
    "m2 starts again, on what its disk had kept",
    "m2 is ready",
  ];
  await until(async () => expect(orders().map((line) => line.trim())).toEqual(told));
  // What the masters notice is said when they notice it.
  await order(control, "split", "halves");
  await until(async () => expect(said()).toContain("  m1: f2 is gone"));
  await order(control, "kill", "f1");
  await until(async () => expect(said()).toContain("  m1: nobody is left to confirm its writes: they wait"));
  await order(control, "heal", "all");
  await until(async () => expect(said()).toContain("  m1: its writes are confirmed"));
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
  await expect(fetch(control)).rejects.toThrow();
});

test("only pages of its own servers may press them, by its own name, under its own path", async () => {
  const { urls, control } = await running();
  const { port, pathname } = new URL(control);
  /** As written: no header is added or changed. */
  const asked = (path: string, headers: Record<string, string>, method = "POST", body = "") =>
    new Promise<number | undefined>((resolve, reject) => {
      const asking = request({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asking.on("error", reject);
      asking.end(body);
    });
  const kill = JSON.stringify({ what: "kill", whom: "f2" });
  const json = { host: `localhost:${port}`, "content-type": "application/json" };
  expect(pathname.length).toBeGreaterThan(20);
  expect(await asked("/", json, "POST", kill)).toBe(404);
  expect(await asked(pathname, { ...json, host: `evil.example:${port}` }, "POST", kill)).toBe(403);
  expect(await asked(pathname, { ...json, origin: "http://evil.example" }, "POST", kill)).toBe(403);
  expect(await asked(pathname, { ...json, origin: "http://localhost:1" }, "POST", kill)).toBe(403);
  expect(await asked(pathname, { ...json, origin: "null" }, "POST", kill)).toBe(403);
  expect(await asked(pathname, { ...json, "content-type": "text/plain" }, "POST", kill)).toBe(415);
  expect(await asked(pathname, json, "DELETE")).toBe(405);
  for (const body of [
    "",
    "[]",
    '{"what":"kill"}',
    '{"what":"kill","whom":"f9"}',
    '{"what":1,"whom":2}',
    "x".repeat(2_000),
  ]) {
    expect(await asked(pathname, json, "POST", body)).toBe(400);
  }
  const { nodes } = (await (await fetch(control)).json()) as State;
  expect(nodes.every(({ isUp }) => isUp)).toBe(true);
  const own = await fetch(control, { headers: { origin: urls[2] ?? "" } });
  expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([200, urls[2]]);
  const before = await fetch(control, { method: "OPTIONS", headers: { origin: urls[2] ?? "" } });
  expect([before.status, before.headers.get("access-control-allow-headers")]).toEqual([204, "content-type"]);
});

test("a server that nobody's demo has started has no such place", async () => {
  const server = start(["serve", "--port", "0", "--memory", "--name", "m1"]);
  const { port } = await server.event("listening");
  const page = await (await fetch(`http://localhost:${port}/`)).text();
  expect(page).toContain("m1");
  expect(page).not.toContain("demo");
});
