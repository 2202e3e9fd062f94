/**
 * `syncline demo`: a cluster on one machine, two masters and two followers, with the playground at each of them.
 *
 * It runs until it is told to end, and says what is done to it; or it tells a story first, in which servers die. Data and
 * logs are in a temporary folder that goes away at the end, unless something went wrong.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Control, openControl } from "./demo/control.js";
import { DemoLink } from "./demo/links.js";
import { narrate } from "./demo/narrator.js";
import { DemoNode, portsFrom } from "./demo/nodes.js";
import { DEMO_PORT } from "./demo/port.js";
import { type Cast, tell } from "./demo/story.js";
import { EXIT, type ExitCode, Stop } from "./exit.js";

export interface DemoFlags {
  readonly port?: string;
  readonly story?: true;
  readonly once?: true;
}

/** How long people get to read a chapter, where people read. */
const PAUSE_MS = 1_200;

export async function demo(flags: DemoFlags): Promise<ExitCode> {
  const first = readPort(flags.port ?? String(DEMO_PORT));
  const ports = await portsFrom(first, 4);
  const folder = mkdtempSync(join(tmpdir(), "syncline-demo-"));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const interrupted = new Promise<"interrupted">((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve("interrupted"));
  });
  const stage = await setStage(ports, folder, (line) => say(`  ${line}`));
  const all = Object.values(stage.cast);
  let isRight = false;
  // However this process ends, for instance because nobody reads its output any more.
  process.once("exit", () => {
    for (const one of all) one.abandon();
    if (isRight) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  try {
    const begun = begin(stage, flags, say);
    if ((await Promise.race([begun, interrupted])) === "interrupted") begun.catch(() => {});
    else if (flags.once !== true) {
      const end = narrate(all, (line) => say(`  ${line}`));
      await interrupted;
      end();
    }
    isRight = true;
  } finally {
    await Promise.all(all.map((one) => one.stop()));
    stage.strike();
    if (!isRight) process.stderr.write(`syncline: data and logs of the demo are in ${folder}\n`);
  }
  return EXIT.ok;
}

interface Stage {
  readonly cast: Cast;
  readonly links: readonly DemoLink[];
  /** Ends all that is no node. */
  strike(): void;
}

/** Two masters with a synchronous quorum and two followers of both, each pair with a link that can be cut. */
async function setStage(
  ports: readonly number[],
  folder: string,
  say: (line: string) => void,
): Promise<Stage> {
  const [p1 = 0, p2 = 0, p3 = 0, p4 = 0] = ports;
  const nodes: DemoNode[] = [];
  const links: DemoLink[] = [];
  const control: Control = await openControl({ nodes, links, say });
  // A browser may still have what an earlier demo had on the same ports: that was another cluster.
  const cluster = `demo-${randomBytes(4).toString("hex")}`;
  const link = (a: string, b: string): DemoLink => {
    const made = new DemoLink(a, b);
    links.push(made);
    return made;
  };
  const node = (name: string, port: number, flags: Readonly<Record<string, unknown>>): DemoNode => {
    const made = new DemoNode({ name, port, flags: { cluster, ...flags }, control: control.url }, folder);
    nodes.push(made);
    return made;
  };
  const sync = "ANY 1 (f1,f2)";
  const masters = link("m1", "m2");
  const m1 = node("m1", p1, { sync, follow: [await masters.to(p2)] });
  const m2 = node("m2", p2, { sync, follow: [await masters.to(p1)] });
  const follower = async (name: string, port: number): Promise<DemoNode> => {
    const follow = [await link("m1", name).to(p1), await link("m2", name).to(p2)];
    return node(name, port, { role: "follower", follow });
  };
  return {
    cast: { m1, m2, f1: await follower("f1", p3), f2: await follower("f2", p4) },
    links,
    strike: () => {
      control.close();
      for (const one of links) one.close();
    },
  };
}

/** Starts all; resolves once they run, and the story, if there is one, has been told. */
async function begin({ cast }: Stage, flags: DemoFlags, say: (line: string) => void): Promise<void> {
  say("Two masters and two followers, each a process with a disk of its own:");
  await Promise.all([cast.m1.start(), cast.m2.start()]);
  await Promise.all([cast.f1.start(), cast.f2.start()]);
  for (const { name, http } of Object.values(cast)) say(`  ${name}  ${http}`);
  if (flags.story === true || flags.once === true) {
    const isWatched = process.stdout.isTTY === true;
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, isWatched ? PAUSE_MS : 0));
    await tell(cast, { say, pause });
  }
  say("");
  if (flags.once === true) return;
  say("Open two of them in a browser, side by side: each shows the playground, with buttons");
  say("that cut links and kill nodes. Or try");
  say(`  syncline status --url ${cast.m1.http.replace(/^http/, "ws")}`);
  say("Ctrl-C ends all four. What is done to them, and what the masters notice:");
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= 65_532) return port;
  throw new Stop(EXIT.usage, [
    `--port ${text}: write a number from 1 to 65532, the first of four; 0 picks free ones`,
  ]);
}
