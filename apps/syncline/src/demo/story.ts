/**
 * What the demo tells: a quorum, two masters that write at once, and what happens when servers are killed.
 *
 * Every line is what was asked and answered just now. A server that answers something else than the story says makes
 * the story fail.
 */
import { EXIT, Stop } from "../exit.js";
import type { DemoNode } from "./nodes.js";

export interface Cast {
  readonly m1: DemoNode;
  readonly m2: DemoNode;
  readonly f1: DemoNode;
  readonly f2: DemoNode;
}

export interface Stage {
  /** Prints a line. */
  readonly say: (line: string) => void;
  /** Gives people time to read. */
  readonly pause: () => Promise<void>;
}

interface Written {
  readonly outcome: string;
  readonly nodes: readonly string[];
  readonly token: string;
  readonly ms: number;
}

const BOARD = "/v1/docs/boards/roadmap";

export async function tell({ m1, m2, f1, f2 }: Cast, { say, pause }: Stage): Promise<void> {
  const votes = async (node: DemoNode, token?: string): Promise<number> => {
    const headers = token === undefined ? {} : { "Syncline-Token": token };
    const answer = await fetch(`${node.http}${BOARD}?timeoutMs=20000`, { headers });
    const { value } = (await answer.json()) as { value?: { votes?: number } };
    return value?.votes ?? 0;
  };
  const chapter = async (title: string): Promise<void> => {
    await pause();
    say("");
    say(title);
  };
  const must = (isSo: boolean, what: string): void => {
    if (!isSo) throw new Stop(EXIT.failed, [`the story went wrong: ${what}`]);
  };
  const wrote = (node: DemoNode, { outcome, nodes, ms }: Written): void => {
    // Any node that hears a follower may say that the quorum holds; then the master has not heard yet which one it was.
    const isToldSo = outcome === "committed" && nodes.length === 1;
    const where = isToldSo ? `${node.name}, a follower` : nodes.join(", ");
    say(`  write at ${node.name}: ${outcome} after ${ms.toFixed(0)} ms, on the disks of ${where}`);
  };

  await chapter("A write is committed once a follower has it on its disk, too (--sync 'ANY 1 (f1,f2)').");
  const first = await vote(m1);
  wrote(m1, first);
  must(first.outcome === "committed", "the first write is not committed");

  await chapter("Both masters write at the same time. Nothing has to be decided: votes add up.");
  const [at1, at2] = await Promise.all([vote(m1), vote(m2)]);
  wrote(m1, at1);
  wrote(m2, at2);
  must(at1.outcome === "committed" && at2.outcome === "committed", "two masters could not write at once");
  await votes(f2, at1.token);
  const both = await votes(f2, at2.token);
  say(`  read at f2, with both tokens: ${both} votes`);
  must(both === 3, `there should be 3 votes, and there are ${both}`);

  await chapter("kill -9 f1. One follower is left, and one is enough.");
  await f1.kill();
  const without1 = await vote(m1);
  wrote(m1, without1);
  must(without1.outcome === "committed", "one follower was not enough");

  await chapter("kill -9 f2. Nobody is left to confirm: m1 says so, and shows the write to nobody.");
  await f2.kill();
  const alone = await vote(m1, 1_500);
  wrote(m1, alone);
  const shown = await votes(m1);
  say(`  read at m1: ${shown} votes`);
  must(
    alone.outcome === "unconfirmed" && shown === 4,
    "a write without its quorum was shown or called committed",
  );

  await chapter("f1 comes back. The write that waited is committed by itself.");
  await f1.start();
  const late = await votes(f1, alone.token);
  say(`  read at f1, with the token of that write: ${late} votes`);
  must(late === 5, `there should be 5 votes, and there are ${late}`);

  await chapter("kill -9 m1. What was committed is not lost, and m2 takes writes as before.");
  await m1.kill();
  const after = await vote(m2);
  wrote(m2, after);
  const total = await votes(f1, after.token);
  say(`  read at f1: ${total} votes`);
  must(after.outcome === "committed" && total === 6, `there should be 6 votes, and there are ${total}`);

  await chapter("m1 and f2 come back, and catch up.");
  await Promise.all([m1.start(), f2.start()]);
  for (const node of [m1, m2, f1, f2]) {
    const seen = await votes(node, after.token);
    say(`  read at ${node.name}: ${seen} votes`);
    must(seen === 6, `${node.name} should show 6 votes, and shows ${seen}`);
  }
}

/** One more vote, as a write over HTTP. */
async function vote(node: DemoNode, timeoutMs = 20_000): Promise<Written> {
  const begun = performance.now();
  const answer = await fetch(`${node.http}${BOARD}?timeoutMs=${timeoutMs}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify([{ field: "votes", op: "increment" }]),
  });
  const body = (await answer.json()) as Omit<Written, "ms"> & { error?: { message: string } };
  if (body.error !== undefined)
    throw new Stop(EXIT.failed, [`${node.name} refused a write: ${body.error.message}`]);
  return { ...body, ms: performance.now() - begun };
}
