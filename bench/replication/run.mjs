/**
 * `node bench/replication/run.mjs`: what replication costs, as ratios of figures of one run, so that they mean the same on a
 * machine that does other things as well. Nodes are processes of their own.
 *
 *   [--only any1,catch-up,heap,stopped,mesh] [--records 1000000] [--smoke] [--out FILE]
 */
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flagsOf } from "../flags.mjs";
import { machine } from "../machine.mjs";
import { freePorts } from "../ports.mjs";
import { writeResult } from "../results.mjs";
import { chosen } from "../sampling.mjs";
import { quantile } from "../statistics.mjs";

const values = flagsOf("replication");
const small = values.smoke;

const folder = mkdtempSync(join(tmpdir(), "syncline-bench-"));
const running = new Set();

async function start(given) {
  const data = join(folder, given.name);
  const child = fork(
    join(import.meta.dirname, "node.mjs"),
    [JSON.stringify({ role: "master", ...given, data })],
    {
      execArgv: ["--expose-gc"],
    },
  );
  running.add(child);
  child.once("close", () => running.delete(child));
  const next = () =>
    new Promise((resolve, reject) => {
      const onEnd = () => reject(new Error(`${given.name} has ended`));
      child.once("close", onEnd);
      child.once("message", ({ answer }) => {
        child.off("close", onEnd);
        resolve(answer);
      });
    });
  const port = await next();
  return {
    port,
    ask(command, asked) {
      const answer = next();
      child.send({ command, given: asked });
      return answer;
    },
    signal: (signal) => child.kill(signal),
    end() {
      running.delete(child);
      return new Promise((resolve) => {
        child.once("close", resolve);
        child.kill("SIGKILL");
      });
    },
  };
}

async function stopAll() {
  for (const child of running) {
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await gone;
  }
  running.clear();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
}

/** Masters of which each follows all others. */
async function mesh(size) {
  const ports = await freePorts(size);
  const others = (port) => ports.filter((other) => other !== port);
  const started = ports.map((port, i) => start({ name: `m${i + 1}`, port, follow: others(port) }));
  return Promise.all(started);
}

const median = (numbers) =>
  quantile(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );
const rounded = (number) => Math.round(number * 1_000) / 1_000;

const PARTS = {
  /**
   * A write that a follower 10 ms away has to have on its disk, and as many as 256 writers make. The asynchronous master has
   * such a follower, too: it is what it does not wait for.
   */
  async any1() {
    const writes = small ? 20 : 300;
    const ms = small ? 500 : 5_000;
    // In a trial as many as are answered within it on a busy machine.
    const [some, crowd] = small ? [8, 16] : [256, 4_096];
    const local = await start({ name: "m0" });
    const f0 = await start({ name: "f0", role: "follower", follow: [local.port], delayMs: 10 });
    const m1 = await start({ name: "m1", sync: "ANY 1 (f1)" });
    const f1 = await start({ name: "f1", role: "follower", follow: [m1.port], delayMs: 10 });
    await m1.ask("latencies", { writes: 5, level: "committed" });
    for (const follower of [f0, f1]) await follower.ask("held");
    const [own, quorum] = [[], []];
    for (let round = 0; round < 3; round++) {
      own.push(...(await local.ask("latencies", { writes, level: "durable" })));
      quorum.push(...(await m1.ask("latencies", { writes, level: "committed" })));
    }
    const rates = { asynchronous: [], synchronous: [] };
    for (let round = 0; round < 3; round++) {
      rates.asynchronous.push(await local.ask("throughput", { writers: some, ms, level: "durable" }));
      rates.synchronous.push(await m1.ask("throughput", { writers: some, ms, level: "committed" }));
    }
    const [o, q] = [median(own), median(quorum)];
    const [a, s] = [median(rates.asynchronous), median(rates.synchronous)];
    const many = { asynchronous: [], synchronous: [] };
    for (let round = 0; round < 3; round++) {
      many.asynchronous.push(await local.ask("throughput", { writers: crowd, ms, level: "durable" }));
      many.synchronous.push(await m1.ask("throughput", { writers: crowd, ms, level: "committed" }));
    }
    const [a8, s8] = [median(many.asynchronous), median(many.synchronous)];
    return {
      "own disk, p50, ms": o,
      "ANY 1 over 20 ms, p50, ms": q,
      "of round trip and own disk (goal ≤ 1.2)": q / (20 + o),
      "asynchronous, 256 writers, writes/s": a,
      "synchronous, 256 writers, writes/s": s,
      "asynchronous, 4,096 writers, writes/s": a8,
      "synchronous, 4,096 writers, writes/s": s8,
      "synchronous of asynchronous, 4,096 writers (goal ≥ 0.8)": s8 / a8,
    };
  },

  /**
   * A follower that was away for a million records, against how fast the master has made them; and one that is new, and gets
   * a snapshot of the thousand documents that they have become.
   */
  async "catch-up"() {
    const records = small ? 5_000 : Number(values.records);
    const m1 = await start({ name: "m1" });
    const follower = { role: "follower", follow: [m1.port] };
    const before = await start({ name: "f1", ...follower });
    // It is a member from then on, and what it lacks is kept for it.
    await m1.ask("latencies", { writes: 20, level: "durable" });
    await before.ask("reach", { records: await m1.ask("held") });
    await before.end();
    const ms = await m1.ask("fill", { records, documents: 1_000 });
    const held = await m1.ask("held");
    const timed = async (name) => {
      const begun = performance.now();
      const node = await start({ name, ...follower });
      await node.ask("reach", { records: held });
      return performance.now() - begun;
    };
    const followed = await timed("f1");
    const fetched = await timed("f2");
    return {
      records,
      "appended and applied, records/s": records / (ms / 1_000),
      "caught up with, records/s": records / (followed / 1_000),
      "caught up of appended (goal ≥ 0.6)": ms / followed,
      "a new follower, ms": fetched,
    };
  },

  /** Documents that are written, read and left, one after the other. */
  async heap() {
    const documents = small ? 2_000 : 140_000;
    const m1 = await start({ name: "m1" });
    const used = await m1.ask("heap", { documents, every: Math.floor(documents / 14) });
    // The first 40,000 fill the caches.
    const measured = used.slice(4).map((bytes) => bytes / 2 ** 20);
    const mean = measured.reduce((sum, one) => sum + one, 0) / measured.length;
    return {
      documents: documents * (10 / 14),
      "heap, mean, MB": mean,
      "least of mean (goal ≥ 0.9)": Math.min(...measured) / mean,
      "most of mean (goal ≤ 1.1)": Math.max(...measured) / mean,
    };
  },

  /** What a follower gets of a master that writes all the time while another follower stands still. */
  async stopped() {
    const ms = small ? 300 : 5_000;
    const rounds = small ? 1 : 5;
    const m1 = await start({ name: "m1" });
    const f1 = await start({ name: "f1", role: "follower", follow: [m1.port] });
    const f2 = await start({ name: "f2", role: "follower", follow: [m1.port] });
    const rate = async () => {
      const before = await f2.ask("shown");
      await m1.ask("throughput", { writers: 64, ms, level: "durable" });
      const after = await f2.ask("shown");
      return (after - before) / (ms / 1_000);
    };
    await rate();
    for (const follower of [f1, f2]) await follower.ask("reach", { records: await m1.ask("held") });
    const [all, one] = [[], []];
    for (let round = 0; round < rounds; round++) {
      all.push(await rate());
      f1.signal("SIGSTOP");
      one.push(await rate());
      f1.signal("SIGCONT");
      await f1.ask("reach", { records: await m1.ask("held") });
    }
    return {
      "both run, records/s": median(all),
      "one is stopped, records/s": median(one),
      "stopped of running (goal ≥ 0.95)": median(one) / median(all),
    };
  },

  /**
   * Masters that follow each other: what all of them write at the same time, until each has everything on its disk and
   * shows it; and how often a record is sent to a node that has not written it.
   */
  async mesh() {
    const found = {};
    for (const size of small ? [2] : [1, 2, 3, 5]) {
      const all = await mesh(size);
      const asked = (command, given) => Promise.all(all.map((node) => node.ask(command, given)));
      const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
      // What nodes say of themselves when they meet is written, too.
      await asked("latencies", { writes: 20, level: "durable" });
      await asked("rest");
      const [before] = await asked("held");
      const sent = total(await asked("arrived"));
      const cpu = total(await asked("cpu"));
      const records = (small ? 600 : 30_000) / size;
      const begun = performance.now();
      await asked("fill", { records, documents: 100 });
      await asked("reach", { records: before + records * size });
      const ms = performance.now() - begun;
      const used = total(await asked("cpu")) - cpu;
      await asked("rest");
      const [held] = await asked("held");
      const arrived = total(await asked("arrived")) - sent;
      found[`${size} masters, writes/s of all together`] = (records * size) / (ms / 1_000);
      found[`${size} masters, CPU of all together a write, µs`] = used / (records * size);
      if (size > 1)
        found[`${size} masters, times that a record is sent to each other one (goal 1)`] =
          arrived / ((held - before) * (size - 1));
      await stopAll();
    }
    return found;
  },
};

const parts = chosen(values.only, Object.keys(PARTS), "part");
const result = { kind: "replication", machine: machine(), parts: {} };
try {
  for (const name of parts) {
    const found = await PARTS[name]();
    result.parts[name] = found;
    console.log(name);
    for (const [what, number] of Object.entries(found)) console.log(`  ${what}: ${rounded(number)}`);
    await stopAll();
  }
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}
if (values.out !== undefined) writeResult(result, values.out);
