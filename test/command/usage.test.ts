/** What is asked wrongly: one clear line, exit code 2, nothing changed on disk. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { folder, run, serve, start } from "./commands.js";

/** Every file below the test's folder, with a hash of its contents. */
function tree(path = folder): Record<string, string> {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const at = join(entry.parentPath, entry.name);
      return [at, entry.isFile() ? hashOf(readFileSync(at)) : "folder"];
    }),
  );
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Runs it and holds it to its promise. Returns the line. */
async function refused(
  args: readonly string[],
  env: Record<string, string> = {},
  look: () => unknown = tree,
): Promise<string> {
  const before = look();
  const { code, stdout, stderr } = await run(args, env);
  expect([code, stdout, stderr.split("\n").length], stderr).toEqual([2, "", 2]);
  expect(stderr).toMatch(/^syncline: [^\n]+\n$/);
  expect(look()).toEqual(before);
  return stderr.slice("syncline: ".length, -1).replaceAll(folder, "FOLDER");
}

describe("the command line", () => {
  const other = "use another folder";
  const cases: [args: string[], line: string][] = [
    [
      [],
      "say what to do: `syncline serve`, `syncline demo`, `syncline status`, `syncline simulate`, or `syncline --help`",
    ],
    [["sevre"], "unknown command 'sevre' (Did you mean serve?)"],
    [["serve", "--prot", "1"], "unknown option '--prot' (Did you mean --port?)"],
    [["serve", "./data"], "there are flags only, and no arguments; see --help"],
    [["serve", "--port"], "option '--port <number>' argument missing"],
    [["serve", "--port", "99999"], "--port 99999: write a whole number from 0 to 65535; 0 picks a free port"],
    [
      ["serve", "--follow", "localhost:1234"],
      "--follow localhost:1234: write the URL of a node, for example ws://localhost:1234",
    ],
    [
      ["serve", "--role", "follower"],
      "--role follower: a follower needs somebody to follow; add --follow ws://host:port",
    ],
    [
      ["serve", "--role", "follower", "--follow", "ws://localhost:1", "--sync", "ANY 1 (f1)"],
      "--sync: a follower takes no writes and has no commit rule; set it on the masters",
    ],
    [
      ["serve", "--name", "a/b"],
      '--name a/b: write 1 to 64 letters, digits, "-", "_" or ".", beginning with a letter or digit',
    ],
    [
      ["serve", "--name", "m1", "--sync", "ALL (m1,f1)"],
      "--sync: the rule names m1, which is this node itself; name other nodes",
    ],
    [
      ["serve", "--follow", "ws://localhost:1234"],
      "--follow ws://localhost:1234: this is the node itself; name another one",
    ],
    [
      ["serve", "--host", "0.0.0.0"],
      "--host 0.0.0.0: other machines could connect, which takes a cluster secret (--cluster-secret-file) and client authentication (issuing tokens comes with a later version); use --host localhost",
    ],
    [
      ["serve", "--host", "no-such-host.invalid"],
      "--host no-such-host.invalid: no address is known for it; use localhost or an address",
    ],
    [
      ["serve", "--data", "file"],
      `--data FOLDER/file: is not a folder, or is below something that is none; ${other}`,
    ],
    [
      ["serve", "--data", "file/below"],
      `--data FOLDER/file/below: is not a folder, or is below something that is none; ${other}`,
    ],
    [
      ["serve", "--data", "/proc/syncline"],
      `--data /proc/syncline: cannot be written: no such file or directory; ${other}`,
    ],
    [["serve", "--config", "file"], '--config file: is not a JSON object; write for example {"port": 1234}'],
    [
      ["serve", "--cluster-secret-file", "file"],
      "--cluster-secret-file file: has 2 bytes; a secret has at least 16: openssl rand -hex 32 > file",
    ],
    [
      ["status", "--url", "localhost"],
      "--url localhost: write the URL of a server, for example http://localhost:1234",
    ],
    [
      ["conflicts", "restore", "a", "b"],
      "one argument too many: b. There is <id> and nothing more; see --help",
    ],
    [["conflicts", "resto", "a"], "there is no 'resto' here, only restore; see --help"],
    [["conflicts", "restore"], "missing required argument 'id'"],
    [["retire", "f1", "f2"], "one argument too many: f2. There is <node> and nothing more; see --help"],
    [["sync", "ANY", "1", "(f1)"], "one argument too many: 1. There is <rule> and nothing more; see --help"],
    [["status", "here"], "there are flags only, and no arguments; see --help"],
    [["status", "--jsn"], "unknown option '--jsn' (Did you mean --json?)"],
  ];
  test.each(cases)("%j", async (args, line) => {
    writeFileSync(join(folder, "file"), "[]");
    // A port that a test may use.
    const isServe = args[0] === "serve" && !args.includes("--port") && !line.includes("itself; name another");
    expect(await refused(isServe ? [...args, "--port", "0"] : args)).toBe(line);
  });

  test("variables", async () => {
    expect(await refused(["serve"], { SYNCLINE_PORT: "x" })).toMatch(
      /^SYNCLINE_PORT x: write a whole number/,
    );
    expect(await refused(["serve"], { SYNCLINE_PROT: "1" })).toBe(
      "SYNCLINE_PROT: there is no such variable; did you mean SYNCLINE_PORT?",
    );
    expect(await refused(["status"], { SYNCLINE_URL: "x" })).toMatch(/^SYNCLINE_URL x: write the URL/);
  });
});

describe("the machine", () => {
  test("a taken port, also by another server", async () => {
    const { port } = await serve("--memory");
    expect(await refused(["serve", "--port", String(port)])).toBe(
      `--port ${port}: another process listens there; stop it, or use another port: --port ${port + 1}`,
    );
    expect(existsSync(join(folder, "syncline-data"))).toBe(false);
  });

  test("a folder in use", async () => {
    const { child, http } = await serve("--data", "data");
    // The one that has it may write to it.
    const names = () => Object.keys(tree());
    expect(await refused(["serve", "--port", "0", "--data", "data"], {}, names)).toBe(
      `--data FOLDER/data: is in use by process ${child.pid}; stop it, or use another folder`,
    );
    expect((await fetch(`${http}/readyz`)).status).toBe(200);
  });

  test("a folder that cannot be written", async () => {
    const locked = join(folder, "locked");
    mkdirSync(locked, { mode: 0o500 });
    // Root may write anywhere, so the flag of the file system says no to it; where neither works, there is nothing to test.
    const isRoot = process.getuid?.() === 0;
    if (isRoot && spawnSync("chattr", ["+i", locked]).status !== 0) return;
    try {
      expect(await refused(["serve", "--port", "0", "--data", "locked/data"])).toMatch(
        /^--data FOLDER\/locked\/data: cannot be written: (permission denied|operation not permitted); use another folder$/,
      );
    } finally {
      if (isRoot) spawnSync("chattr", ["-i", locked]);
    }
  });

  test("a start that fails halfway takes away what it had created", async () => {
    // A limit on the size of files stands for a full disk: the store can be made, its first commit fails.
    const { code, stderr } = await start(["serve", "--port", "0", "--data", "new/deep/data"], {
      before: "ulimit -f 20",
    }).ended;
    expect(stderr).toMatch(/(^|\n)syncline: cannot start: the store cannot be written: [^\n]+\n$/);
    expect(code).toBe(1);
    expect(tree()).toEqual({});
  });

  test("a folder of another node, of another cluster, of a newer version", async () => {
    const { child, ended } = await serve("--data", "data", "--name", "m1");
    child.kill("SIGTERM");
    await ended;
    expect(await refused(["serve", "--port", "0", "--data", "data", "--name", "m2"])).toBe(
      "--name m2: the data folder FOLDER/data belongs to the node m1; leave --name out, or use another --data",
    );
    const { code, stderr } = await run(["serve", "--port", "0", "--data", "data", "--cluster", "other"]);
    expect([code, stderr]).toEqual([
      2,
      'syncline: --cluster other: the data belongs to cluster "default", not to "other"; use another --data\n',
    ]);
    writeFileSync(join(folder, "data", "format"), "syncline data folder, format 999\n");
    expect(await refused(["serve", "--port", "0", "--data", "data"])).toMatch(
      /^--data FOLDER\/data: was written by another version/,
    );
  });

  test("a damaged store fails, and is left as it is", async () => {
    const { child, ended } = await serve("--data", "data");
    child.kill("SIGTERM");
    await ended;
    const store = join(folder, "data", "store", "data.mdb");
    writeFileSync(store, "not a store at all, and long enough to look at".repeat(1000));
    const before = hashOf(readFileSync(store));
    const { code, stdout, stderr } = await run(["serve", "--port", "0", "--data", "data"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^syncline: --data: the store in [^\n]+ cannot be opened: [^\n]+\n$/);
    expect(hashOf(readFileSync(store))).toBe(before);
  });
});

test("help names every flag, and goes to standard output", async () => {
  for (const args of [["--help"], ["serve", "--help"], ["status", "--help"], ["help", "serve"]]) {
    const { code, stdout, stderr } = await run(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(85);
  }
  const { stdout } = await run(["serve", "--help"]);
  for (const flag of [
    "port",
    "host",
    "data",
    "memory",
    "name",
    "cluster",
    "role",
    "follow",
    "advertise",
    "cluster-secret-file",
    "sync",
    "allow-origin",
    "config",
    "log-level",
  ]) {
    expect(stdout).toContain(`  --${flag} `);
  }
  expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a server starts without the simulator and the demo, which are a seventh of all that would be loaded", () => {
  const dist = join(import.meta.dirname, "../../apps/syncline/dist");
  const seen = new Set<string>();
  const load = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    if (!file.startsWith(".")) return;
    for (const [, from = ""] of readFileSync(join(dist, file), "utf8").matchAll(
      /^(?:import|export|\}).* from "(.*)";/gm,
    ))
      load(from.startsWith(".") ? `./${join(dirname(file), from)}` : from);
  };
  load("./main.js");
  expect(seen).toContain("@syncline/server");
  expect(seen).toContain("./serve.js");
  expect([...seen].filter((one) => /simulat|\/demo(?!\/port)/.test(one))).toEqual([]);
});
