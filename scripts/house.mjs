/**
 * What `npm start`, `npm test` and `pnpm verify` share: the steps of the house
 * (install, build, checks) and how a step is run and reported.
 *
 * Nothing here needs an installed package, because the first step is what
 * installs them; and nothing before `checkNode` needs a recent Node, so that an
 * old one gets a clear line instead of a syntax error.
 *
 * A step prints one line when it starts, one when it ends, and one every
 * HEARTBEAT_MS between. It is quiet unless it fails: then its whole output is
 * printed. Every process that a step starts carries a mark in its environment,
 * which its children inherit; whatever still carries it when the step is over
 * was left running, is ended, and fails the step (on Linux, where /proc tells).
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** How often to look whether npm is still there. */
const PARENT_WATCH_MS = 100;
/** A step that takes longer says so once in this many milliseconds. */
const HEARTBEAT_MS = 15_000;
/** What a step started has this long to end by itself once the step is over. */
const LEFTOVER_GRACE_MS = 3_000;

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Exits with code 2 and one clear line unless this Node is one that the root package.json names. */
export function checkNode() {
  const { engines } = readManifest(root);
  const have = process.versions.node;
  if (satisfies(have, engines.node)) return;
  console.error(`syncline needs Node ${engines.node}; this is Node ${have} (${process.execPath})`);
  process.exit(2);
}

/**
 * Ends this process, as by SIGTERM, when the npm that runs it has ended: a signal
 * to npm ends npm and the shell between, but does not get through that shell.
 */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_WATCH_MS);
  watch.unref();
}

/**
 * Installs what pnpm-lock.yaml names with the pnpm that package.json names;
 * done already if nothing that decides the outcome has changed since the stamp.
 */
export function install() {
  const stamp = join(root, "node_modules", ".syncline-stamp");
  const wanted = installFingerprint();
  const pnpm = readManifest(root).packageManager.split("+")[0];
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && installedFolders().every(isLinked)) {
    return { name: "install", note: "up to date", run: async () => {} };
  }
  return {
    name: "install",
    note: `${pnpm}; the first time takes a minute`,
    run: async (context) => {
      await context.quiet("npx", [
        ...["--yes", pnpm, "install", "--frozen-lockfile"],
        // Nobody can answer a question here, and what it would purge is only what it installs.
        "--config.confirm-modules-purge=false",
        // checkNode has decided; some tools name fewer versions than they run on.
        "--config.engine-strict=false",
      ]);
      writeFileSync(stamp, wanted);
    },
  };
}

/** Compiles and type-checks the named projects with all that they refer to, or everything. */
export function build(...projects) {
  return {
    name: "build",
    note: "types, and what runs",
    run: (context) => context.quiet(process.execPath, [binOf("typescript", "tsc"), "-b", ...projects]),
  };
}

/** Bundles the playground for browsers; over at once if nothing of it has changed. */
export function playground() {
  return {
    name: "playground",
    note: "what is served at /",
    run: (context) => context.shown(process.execPath, [join(root, "apps", "playground", "build.mjs")]),
  };
}

/** Everything that must hold besides the types. The arguments choose tests. */
export function checks(testFilters) {
  return [
    {
      name: "lint",
      note: "and format",
      run: (context) => context.quiet(process.execPath, [binOf("@biomejs/biome", "biome"), "check", "."]),
    },
    {
      name: "sizes",
      note: "of what apps ship",
      run: (context) => context.shown(process.execPath, [join(root, "scripts", "sizes.mjs")]),
    },
    {
      name: "boundaries",
      note: "imports only point down",
      run: (context) => context.quiet(process.execPath, [join(root, "scripts", "boundaries.mjs")]),
    },
    {
      name: "api",
      note: "every export has a doc comment, and docs/api is what they say",
      run: (context) => context.quiet(process.execPath, [join(root, "scripts", "api.mjs"), "--check"]),
    },
    {
      name: "tests",
      note: testFilters.join(" "),
      run: async (context) => {
        const output = await context.shown(process.execPath, [
          binOf("vitest", "vitest"),
          "run",
          ...testFilters,
        ]);
        context.say(/^\s*Tests\s+.*$/m.exec(output)?.[0].trim().replace(/\s+/g, " "));
      },
    },
    ...(testFilters.length > 0
      ? []
      : [
          {
            name: "mutants",
            note: "does a test notice each rule that is taken out?",
            run: async (context) => {
              const output = await context.shown(process.execPath, [
                join(root, "test", "mutants", "run.mjs"),
              ]);
              context.say(/^.*mutants caught.*$/m.exec(output)?.[0]);
            },
          },
        ]),
    {
      name: "snippets",
      note: "of README.md and docs/",
      run: (context) => context.shown(process.execPath, [join(root, "scripts", "snippets.mjs")]),
    },
  ];
}

/**
 * Runs the steps in order. A failed one of `needed` ends the run; after a failed
 * one of `wanted` the others still run, so that one run tells everything.
 * Resolves to whether all of them passed.
 */
export async function runSteps({ needed, wanted = [], after = 0 }) {
  const began = Date.now();
  const total = needed.length + wanted.length + after;
  const failed = [];
  const said = [];
  const steps = [...needed, ...wanted];
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index];
    const label = `[${index + 1}/${total}] ${step.name}`;
    if (await runStep(step, label, said)) continue;
    failed.push(step.name);
    if (index < needed.length) break;
  }
  if (failed.length > 0) {
    console.log(`\nfailed: ${failed.join(", ")} (${secondsSince(began)}). ${said.join(" ")}`.trimEnd());
  } else if (wanted.length > 0) {
    console.log(`\nall ${total} steps passed in ${secondsSince(began)}. ${said.join(" ")}`.trimEnd());
  }
  return failed.length === 0;
}

/** Ends what carries the mark; resolves to the command lines of those that had to be ended. */
export async function endLeftovers(mark, graceMs = LEFTOVER_GRACE_MS) {
  const until = Date.now() + graceMs;
  while (carriersOf(mark).length > 0 && Date.now() < until) await pause(50);
  const left = carriersOf(mark);
  signalAll(left, "SIGKILL");
  return left.map(({ pid, command }) => `${pid} ${command}`);
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** For a race: passes after so long, without keeping the process alive until then. */
export const atMost = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

export const secondsSince = (began) => `${((Date.now() - began) / 1000).toFixed(1)} s`;

async function runStep(step, label, said) {
  const began = Date.now();
  const mark = `HOUSE_STEP=${process.pid}-${randomBytes(8).toString("hex")}`;
  const heartbeat = setInterval(
    () => console.log(`${label}: still running, ${secondsSince(began)}`),
    HEARTBEAT_MS,
  );
  const release = onSignals((signal) => {
    signalAll(carriersOf(mark), signal);
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
  console.log(`${label}${step.note ? ` (${step.note})` : ""}`);
  try {
    await step.run({
      quiet: (command, args) => runCommand(command, args, mark, false),
      shown: (command, args) => runCommand(command, args, mark, true),
      say: (line) => line && said.push(line),
    });
    console.log(`${label}: ok, ${secondsSince(began)}`);
    return true;
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    if (error.output !== "") console.log(error.output.trimEnd());
    console.log(`${label}: FAILED, ${error.message}, ${secondsSince(began)}`);
    return false;
  } finally {
    clearInterval(heartbeat);
    release();
  }
}

/** A step's own failure, with the output that nobody has seen yet. */
class StepFailure extends Error {
  constructor(message, output) {
    super(message);
    this.output = output;
  }
}

/** Resolves to the output. Throws StepFailure unless the command exits with 0 and leaves nothing. */
async function runCommand(command, args, mark, isShown) {
  const chunks = [];
  const [markName, markValue] = mark.split("=");
  // Without colours, so that what is compared anywhere below is the same on every terminal.
  const env = { ...process.env, [markName]: markValue, NO_COLOR: "1" };
  delete env.FORCE_COLOR;
  const child = spawn(command, args, {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32" && command === "npx",
  });
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.on("data", (chunk) => {
      chunks.push(chunk);
      if (isShown) to.write(chunk);
    });
  }
  const closed = new Promise((resolve) => child.on("close", resolve));
  const ended = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(code === 0 ? "" : `exit ${code ?? signal}`));
  });
  const left = await endLeftovers(mark);
  // Where leftovers cannot be found, one of them may hold the pipes open for ever.
  await Promise.race([closed, atMost(1_000)]);
  child.stdout.destroy();
  child.stderr.destroy();
  const output = Buffer.concat(chunks).toString("utf8");
  if (ended !== "") throw new StepFailure(ended, isShown ? "" : output);
  if (left.length > 0) throw new StepFailure("it left processes running", left.join("\n"));
  return output;
}

/** Every process whose environment carries the mark, except this one. Empty where there is no /proc. */
function carriersOf(mark) {
  const found = [];
  for (const name of existsSync("/proc/self/environ") ? readdirSync("/proc") : []) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(mark)) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
      found.push({ pid: Number(name), command });
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found;
}

function signalAll(processes, signal) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch {
      // Ended meanwhile.
    }
  }
}

function onSignals(react) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const listeners = signals.map((signal) => [signal, () => react(signal)]);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

/** All that decides what an installation contains. */
function installFingerprint() {
  const hash = createHash("sha256");
  hash.update(`${process.platform} ${process.arch} ${process.versions.modules}\n`);
  const manifests = [root, ...installedFolders()].map((folder) => join(folder, "package.json"));
  const settings = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"].map((name) => join(root, name));
  for (const file of [...settings, ...manifests]) {
    hash.update(file.slice(root.length)).update("\0");
    if (existsSync(file)) hash.update(readFileSync(file));
    hash.update("\0");
  }
  return hash.digest("hex");
}

/** The folders of pnpm-workspace.yaml that hold a package, sorted. */
export function workspaceFolders(top = root) {
  const children = (folder) =>
    existsSync(join(top, folder)) ? readdirSync(join(top, folder)).map((name) => join(folder, name)) : [];
  return [...children("packages"), ...children("apps"), "test", "scripts", "bench"]
    .map((folder) => join(top, folder))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .sort();
}

/** Those that one installation covers: what has a lockfile of its own is installed by itself. */
function installedFolders() {
  return workspaceFolders().filter((folder) => !existsSync(join(folder, "pnpm-lock.yaml")));
}

/** Whether the folder's dependencies are there: somebody may have cleaned one package only. */
function isLinked(folder) {
  const { dependencies = {} } = readManifest(folder);
  return Object.keys(dependencies).every((name) => existsSync(join(folder, "node_modules", name)));
}

export const readManifest = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The script behind a command of an installed package, so that no shell is needed to run it. */
export function binOf(packageName, command) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = readManifest(folder);
  return join(folder, typeof bin === "string" ? bin : bin[command]);
}

/** Whether a version lies in a range of the form `>=a.b.c || ^d.e`, the only one that we write. */
function satisfies(version, range) {
  const numbers = (text) => text.split(".").map(Number);
  const [major, minor, patch] = numbers(version);
  return range.split("||").some((part) => {
    const [, operator, least] = /^\s*(>=|\^)\s*([\d.]+)\s*$/.exec(part) || [];
    if (least === undefined) throw new Error(`engines.node: cannot read "${part}"`);
    const [a, b = 0, c = 0] = numbers(least);
    if (major !== a) return operator === ">=" && major > a;
    return minor !== b ? minor > b : patch >= c;
  });
}
