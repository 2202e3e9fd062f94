/** `syncline demo`: four servers run until it ends, the story is told to its end, and nothing is left behind. */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { folder, run, start } from "./commands.js";

/** Its own temporary folder, so that what it leaves behind is seen. */
const env = () => ({ TMPDIR: folder });

test("tells what happens to four real servers, and leaves nothing behind", async () => {
  const { code, stdout, stderr } = await run(["demo", "--port", "0", "--once"], env());
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout
    .replace(/\d+ ms/g, "N ms")
    .replace(/localhost:\d+/g, "localhost:PORT")
    .replace(/(on the disks of m\d), (?:a follower|f[12](?:, f[12])?)/g, "$1, F");
  expect(lines.split("\n").filter((line) => line.startsWith("  "))).toEqual([
    "  m1  http://localhost:PORT",
    "  m2  http://localhost:PORT",
    "  f1  http://localhost:PORT",
    "  f2  http://localhost:PORT",
    "  write at m1: committed after N ms, on the disks of m1, F",
    "  write at m1: committed after N ms, on the disks of m1, F",
    "  write at m2: committed after N ms, on the disks of m2, F",
    "  read at f2, with both tokens: 3 votes",
    "  write at m1: committed after N ms, on the disks of m1, F",
    "  write at m1: unconfirmed after N ms, on the disks of m1",
    "  read at m1: 4 votes",
    "  read at f1, with the token of that write: 5 votes",
    "  write at m2: committed after N ms, on the disks of m2, F",
    "  read at f1: 6 votes",
    ...["m1", "m2", "f1", "f2"].map((name) => `  read at ${name}: 6 votes`),
  ]);
  expect(await leftIn(folder)).toEqual([]);
});

describe("whenever it is ended, all four servers end", () => {
  /** Starts it, and resolves with the servers' ports once they are known. */
  async function told(...flags: string[]) {
    const demo = start(["demo", "--port", "0", ...flags], { env: env() });
    let text = "";
    const ports = await new Promise<string[]>((resolve) => {
      demo.child.stdout?.on("data", (chunk: string) => {
        text += chunk;
        const found = [...text.matchAll(/localhost:(\d+)\n/g)].map(([, port = ""]) => port);
        if (found.length >= 4) resolve(found);
      });
    });
    return { ...demo, ports };
  }

  /** Resolves once nobody answers there. */
  async function mustBeGone(ports: readonly string[]): Promise<void> {
    const answers = (port: string) =>
      fetch(`http://localhost:${port}/livez`).then(
        () => true,
        () => false,
      );
    for (const port of ports) while (await answers(port));
  }

  test("by Ctrl-C", async () => {
    const { child, ended, ports } = await told();
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
    await mustBeGone(ports);
    expect(await leftIn(folder)).toEqual([]);
  });

  test("by kill -9", async () => {
    const { child, ended, ports } = await told();
    child.kill("SIGKILL");
    await ended;
    await mustBeGone(ports);
  });

  test("by a reader of its output that goes away", async () => {
    const { child, ended, ports } = await told("--story");
    child.stdout?.destroy();
    await ended;
    await mustBeGone(ports);
  });
});

test("a port that is none, and one that is taken, are one line and exit code 2", async () => {
  const wrong = await run(["demo", "--port", "70000"]);
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    "syncline: --port 70000: write a number from 1 to 65532, the first of four; 0 picks free ones\n",
  ]);
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const refused = await run(["demo", "--port", String(port)]);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    `syncline: --port ${port}: port ${port} is taken; use another one\n`,
  ]);
  taken.close();
});

async function leftIn(path: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => name.startsWith("syncline-demo"));
}
