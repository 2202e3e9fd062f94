/** `syncline simulate`: one seed is one history, and what makes no sense is one line and exit code 2. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawHistory, writeRegression } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { folder, run } from "./commands.js";

const simulate = (...args: string[]) => run(["simulate", ...args]);

test("one history: its trace can be read, and its hash is that of every run", async () => {
  const trace = join(folder, "trace.txt");
  const first = await simulate("--seed", "7", "--steps", "30", "--trace", trace);
  const second = await simulate("--seed", "7", "--steps", "30");
  expect([first.code, second.code]).toEqual([0, 0]);
  const hash = /trace hash [0-9a-f]{8}/;
  expect(hash.exec(first.stdout)?.[0]).toBe(hash.exec(second.stdout)?.[0]);
  expect(readFileSync(trace, "utf8")).toMatch(/^\d+\.\d c1 -> m\d hello$/m);
});

test("a history that is kept in a file is played again, in a cluster of the size that was asked for", async () => {
  const file = join(folder, "wrong.json");
  const history = drawHistory(7, 20, [], { masters: 3, followers: 2, clients: 5 });
  writeFileSync(file, writeRegression({ cause: "something was wrong", history }));
  const replayed = await simulate("--replay", file);
  const drawn = await simulate("--seed", "7", "--steps", "20", "--cluster", "3,2,5");
  expect([replayed.code, drawn.code]).toEqual([0, 0]);
  expect(replayed.stdout).toContain("once wrong: something was wrong");
  const hash = /trace hash [0-9a-f]{8}/;
  expect(hash.exec(replayed.stdout)?.[0]).toBe(hash.exec(drawn.stdout)?.[0]);
});

test("many histories: how far it is, how fast, and what happened", async () => {
  const { code, stdout } = await simulate("--count", "3", "--steps", "10", "--faults", "crashes,cuts");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^3 of 3 histories right, [\d.]+ a second$/m);
  expect(stdout).toMatch(
    /^3 histories of \d+ actions: [\d.]+ minutes of cluster time in .* times real time\)$/m,
  );
  expect(stdout).not.toMatch(/weather|clock/);
});

describe("asked wrongly", () => {
  const cases: [args: string[], line: RegExp][] = [
    [["--seed", "x"], /^--seed x: write a whole number from 0 to 9000000000000000$/],
    [["--seed", "9000000000000001"], /^--seed 9000000000000001: write/],
    [["--count", "0"], /^--count 0: write a whole number from 1 to/],
    [["--steps", "-1"], /^--steps -1: write/],
    [["--cluster", "3,2"], /^--cluster 3,2: write how many masters, followers and clients/],
    [["--cluster", "0,2,5"], /^--cluster 0,2,5: write how many/],
    [["--pace", "fast"], /^--pace fast: no such pace; there are dense, slow, changing$/],
    [["--faults", "fire"], /^--faults fire: no such fault; there are crashes, .* and none$/],
    [["--trace", "no/such/folder/t.txt"], /^--trace no\/such\/folder\/t.txt: ENOENT/],
    [["--trace", "t.txt", "--count", "2"], /^--trace goes with one history/],
    [["--save", "no/such/folder/w.json"], /^--save no\/such\/folder\/w.json: ENOENT/],
    [["--replay", "nothing.json"], /^--replay nothing.json: ENOENT/],
    [["--replay", "half.json"], /^--replay half.json: .*JSON/],
    [
      ["--replay", "empty.json"],
      /^--replay empty.json: it must have a cause, a cluster and a list of actions$/,
    ],
    [["--replay", "odd.json"], /^--replay odd.json: action 1 is of no known kind: \{"kind":"dance"\}$/],
  ];
  for (const [args, line] of cases) {
    test(args.join(" "), async () => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "half.json"), "{");
      writeFileSync(join(folder, "empty.json"), "{}");
      const cluster = { seed: 1, masters: [], followers: [], clients: [] };
      const odd = { cause: "", cluster, actions: [{ kind: "dance" }] };
      writeFileSync(join(folder, "odd.json"), JSON.stringify(odd));
      const { code, stdout, stderr } = await simulate(...args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^syncline: [^\n]+\n$/);
      expect(stderr.slice("syncline: ".length, -1)).toMatch(line);
    });
  }
});
