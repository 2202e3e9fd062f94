/**
 * Executes the snippets of README.md and docs/, so that what readers are told to
 * type is known to work.
 *
 *   node scripts/snippets.mjs [--command FILE] [--seconds 60] [file.md …]
 *
 * How to write a snippet:
 *
 *   ```sh run      Run by bash, as if typed into one terminal per file: variables,
 *                  folder and `&` processes last until the file ends. The folder is
 *                  temporary and shows the repository's files; `syncline` is on the
 *                  PATH and serves on the port of 1234 unless told otherwise. After
 *                  a block with `--port N … &` the next begins once N answers. A
 *                  command that fails, fails the block.
 *   ```ts run      Compiled with the rules of the house, so it must have the right
 *                  types too, and run as a module of its own that may import
 *                  `@syncline/…`. It ends after its last line, whatever is still
 *                  open. If it names localhost:1234 it gets a fresh server there,
 *                  unless a `&` process of an earlier block is still running.
 *   ```tsx run     The same, with JSX.
 *   ```ts check    Compiled in the same way, and not run: for what needs a browser, say.
 *   ```text        As the next block after one of these: its whole output. `…` stands
 *                  for anything within a line, a line `…` for any lines; runs of
 *                  blanks are equal. (Any other block in between: not compared.)
 *   <!-- expect: regex -->   Below a snippet: must match its output (flags ms).
 *   <!-- setup: code -->     Above a snippet: runs before it, in the same file or
 *                            terminal, unseen by readers: `const render = console.log;`.
 *
 * Ports in the snippets are replaced by free ones, the same throughout a file, and
 * back in the output. A snippet has --seconds to finish. All that it started is
 * ended with the file, also when this process is killed. Where curl is missing,
 * the sh snippets of a file that uses it are skipped, and that is said.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { atMost, binOf, pause, root, secondsSince } from "./house.mjs";

const DEFAULT_PORT = 1234;
/** A server of a snippet answers within this time, or the snippet fails. */
const LISTEN_MS_MAX = 20_000;
/** What ends on SIGTERM has this long to do so. */
const STOP_MS_MAX = 5_000;
/** Of what a snippet prints, the last so many are kept. */
const OUTPUT_CHARACTERS_MAX = 1 << 20;

/**
 * What the terminal does first: it ends all that it started when it ends itself,
 * and a watchman ends it when file 3 closes, which it does when this process dies.
 */
const PROLOGUE = `
exec 2>&1
trap 'status=$?; trap "" TERM; kill 0; wait; exit $status' EXIT
{ cat <&3; kill 0; } > /dev/null 2>&1 & disown
exec 3<&-
set -e
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    command: { type: "string", default: join(root, "apps", "syncline", "bin", "syncline.js") },
    seconds: { type: "string", default: "60" },
  },
});
const limitMs = Number(options.seconds) * 1000;
/** What undoes everything done so far, last first. */
const undo = [];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => void cleanUp().then(() => process.exit(1)));
}
try {
  process.exitCode = await main(
    positionals.length > 0 ? positionals.map((name) => resolve(name)) : allPages(),
  );
} finally {
  await cleanUp();
}

async function main(pages) {
  const snippetsByPage = new Map();
  const mistakes = [];
  for (const page of pages) {
    const { snippets, errors } = readSnippets(readFileSync(page, "utf8"), relative(root, page));
    mistakes.push(...errors);
    if (snippets.length > 0) snippetsByPage.set(page, snippets);
  }
  for (const snippets of snippetsByPage.values()) {
    const map = await freePortsFor(snippets);
    for (const snippet of snippets) snippet.ports = map;
  }
  const all = [...snippetsByPage.values()].flat();
  mistakes.push(...compile(all.filter(({ language }) => language !== "sh")));
  for (const mistake of mistakes) console.error(mistake);
  if (mistakes.length > 0) return 1;

  let failures = 0;
  let skipped = 0;
  for (const snippets of snippetsByPage.values()) {
    const outcome = await runPage(snippets);
    failures += outcome.failures;
    skipped += outcome.skipped;
  }
  console.log(
    `snippets: ${all.length - failures - skipped} passed` +
      (failures > 0 ? `, ${failures} failed` : "") +
      (skipped > 0 ? `, ${skipped} skipped` : ""),
  );
  return failures > 0 ? 1 : 0;
}

/** README.md and the pages of docs/, whichever exist. */
function allPages() {
  const docs = join(root, "docs");
  const inDocs = existsSync(docs)
    ? readdirSync(docs, { recursive: true }).map((name) => join(docs, String(name)))
    : [];
  return [join(root, "README.md"), ...inDocs.sort()].filter(
    (file) => file.endsWith(".md") && existsSync(file),
  );
}

/** The snippets of a page in order, with what is expected of each, and the mistakes in how they are written. */
function readSnippets(text, page) {
  const snippets = [];
  const errors = [];
  let last; // The snippet that an expectation would belong to.
  let setup = "";
  const token =
    /^(?<indent> {0,3})(?<fence>`{3,}|~{3,})(?<info>[^\n`]*)\n(?<body>[\s\S]*?)^ {0,3}\k<fence>[ \t]*$|<!--(?<comment>[\s\S]*?)-->/gm;
  for (const { index, groups } of text.matchAll(token)) {
    const { info, body, comment } = groups;
    const line = text.slice(0, index).split("\n").length;
    const place = `${page}:${line}`;
    if (comment !== undefined) {
      const [, word, value] = /^\s*(setup|expect):([\s\S]*)$/.exec(comment) ?? [];
      if (word === "setup") setup = value.trim();
      if (word === "expect" && last === undefined)
        errors.push(`${place}: nothing above that this is expected of`);
      if (word === "expect" && last !== undefined) {
        try {
          last.patterns.push(new RegExp(value.trim(), "ms"));
        } catch (error) {
          errors.push(`${place}: ${error.message}`);
        }
      }
      continue;
    }
    const [language, verb, ...rest] = info.trim().split(/\s+/);
    const isCheck = verb === "check" && language !== "sh";
    if ((verb === "run" || isCheck) && ["sh", "ts", "tsx"].includes(language) && rest.length === 0) {
      const isRun = !isCheck;
      const snippet = { language, isRun, page, line, place, setup, body, patterns: [], output: undefined };
      snippets.push(snippet);
      last = isRun ? snippet : undefined;
    } else {
      if (verb === "run" || verb === "check")
        errors.push(
          `${place}: cannot ${verb} "${info.trim()}": write "sh run", "ts run", "tsx run" or "ts check"`,
        );
      if (language === "text" && last !== undefined) last.output = body;
      last = undefined;
    }
    setup = "";
  }
  return { snippets, errors };
}

/** Each port that the snippets name, and DEFAULT_PORT, to a free one of as many digits, so that columns keep their width. */
async function freePortsFor(snippets) {
  const text = snippets.map(({ setup, body }) => `${setup}\n${body}`).join("\n");
  const named = text.matchAll(/(?:localhost|127\.0\.0\.1|\[::1\]):(\d{2,5})\b|port[= ](\d{2,5})\b/gi);
  const ports = new Map();
  for (const port of new Set([String(DEFAULT_PORT), ...[...named].map((match) => match[1] ?? match[2])])) {
    for (;;) {
      const free = String(port.length === 5 ? randomInt(10_000, 32_768) : randomInt(1_100, 10_000));
      if (text.includes(free) || [...ports.values()].includes(free)) continue;
      if (!(await isFree(Number(free))) || (await isBlocked(free))) continue;
      ports.set(port, free);
      break;
    }
  }
  return ports;
}

/** Replaces whole numbers only. */
function replacePorts(text, ports) {
  return text.replace(/(?<![\w.])\d{2,5}(?!\w|\.\d)/g, (number) => ports.get(number) ?? number);
}

/** Whether `fetch` and `WebSocket` refuse to go there, as browsers do: 6666 is IRC's. Nobody listens there, so either way it throws. */
async function isBlocked(port) {
  return await fetch(`http://127.0.0.1:${port}`).then(
    () => false,
    ({ cause }) => cause?.message === "bad port",
  );
}

async function isFree(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const taken = await new Promise((resolve) => {
      const server = createServer();
      server.once("error", (error) => resolve(error.code === "EADDRINUSE" || error.code === "EACCES"));
      server.listen({ port, host }, () => server.close(() => resolve(false)));
    });
    if (taken) return false;
  }
  return true;
}

/**
 * Compiles the ts snippets to modules below test/, where Node and the compiler
 * find `@syncline/…`. Each keeps the line numbers of its page. Returns the errors.
 */
function compile(snippets) {
  if (snippets.length === 0) return [];
  mkdirSync(join(root, "test", ".snippets"), { recursive: true });
  const folder = mkdtempSync(join(root, "test", ".snippets", "run-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  snippets.forEach((snippet, index) => {
    const lines = "\n".repeat(Math.max(0, snippet.line - 1));
    const source = `${lines}${snippet.setup.replace(/\s*\n\s*/g, " ")}\n${snippet.body}\nexport {};\n`;
    snippet.module = join(folder, `${index}.run.mjs`);
    const [written, compiled] = snippet.language === "tsx" ? ["tsx", "js"] : ["mts", "mjs"];
    writeFileSync(join(folder, `${index}.${written}`), replacePorts(source, snippet.ports));
    // Ends when the snippet's last line is done, whatever it left open.
    writeFileSync(snippet.module, `await import("./${index}.${compiled}");\nprocess.exit();\n`);
  });
  const settings = {
    extends: "../../../tsconfig.base.json",
    compilerOptions: {
      ...{ composite: false, declaration: false, declarationMap: false, sourceMap: false },
      ...{ jsx: "react-jsx", noUnusedLocals: false, lib: ["ES2022", "DOM"], types: ["node"] },
    },
    include: ["*.mts", "*.tsx"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  const tsc = spawnSync(process.execPath, [binOf("typescript", "tsc"), "-p", folder, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  if (tsc.status === 0) return [];
  const place = (_all, index, line) => `${snippets[index].page}:${line}: `;
  return [(tsc.stdout + tsc.stderr).trim().replace(/^(\d+)\.(?:mts|tsx)\((\d+),\d+\): /gm, place)];
}

async function runPage(snippets) {
  const folder = mkdtempSync(join(tmpdir(), "syncline-snippets-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const environment = prepareFolder(folder, snippets[0].ports);
  const usesCurl = snippets.some(({ language, body }) => language === "sh" && /\bcurl\b/.test(body));
  let terminal = usesCurl && !has("curl") ? unusable("there is no curl here") : undefined;
  let failures = 0;
  let skipped = 0;
  for (const snippet of snippets) {
    const began = Date.now();
    const label = `${snippet.place} ${snippet.language}`;
    if (!snippet.isRun) {
      console.log(`${label}: compiled`);
      continue;
    }
    let run;
    if (snippet.language !== "sh") {
      run = await runModule(snippet, folder, environment, terminal?.isBusy() === true);
    } else {
      terminal ??= openTerminal(folder, environment);
      if (terminal.why !== undefined) {
        console.log(`${label}: skipped, ${terminal.why}`);
        skipped += 1;
        continue;
      }
      run = await terminal.run(replacePorts(`${snippet.setup}\n${snippet.body}`, snippet.ports));
    }
    const output = replacePorts(run.output, new Map([...snippet.ports].map(([port, free]) => [free, port])));
    const fault = run.fault ?? faultOf(snippet, output);
    console.log(`${label}: ${fault === undefined ? "ok" : `FAILED, ${fault}`}, ${secondsSince(began)}`);
    if (fault === undefined) continue;
    failures += 1;
    console.log(indented("its output", output));
    if (snippet.output !== undefined) console.log(indented("expected", snippet.output));
    if (snippet.language === "sh") {
      await terminal.close();
      terminal = unusable("a snippet before it failed");
    }
  }
  await terminal?.close();
  return { failures, skipped };
}

/** In place of a terminal, when sh snippets cannot run. */
function unusable(why) {
  return { why, isBusy: () => false, close: async () => {} };
}

/** Makes a folder that shows the repository's files, and returns the environment to run in it. */
function prepareFolder(folder, ports) {
  for (const name of readdirSync(root)) {
    if (name !== ".git" && name !== "syncline-data") symlinkSync(join(root, name), join(folder, name));
  }
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  writeFileSync(
    join(bin, "syncline"),
    `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(resolve(options.command))} "$@"\n`,
  );
  chmodSync(join(bin, "syncline"), 0o755);
  const inherited = Object.entries(process.env).filter(([name]) => !/^SYNCLINE_|^FORCE_COLOR$/.test(name));
  return {
    ...Object.fromEntries(inherited),
    PATH: [bin, join(process.execPath, ".."), process.env.PATH].join(delimiter),
    SYNCLINE_PORT: ports.get(String(DEFAULT_PORT)),
    NO_COLOR: "1",
  };
}

/** A bash that is fed one snippet after the other, and the leader of a process group. */
function openTerminal(folder, env) {
  const bash = spawn("bash", ["--noprofile", "--norc"], {
    cwd: folder,
    env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => {
    bash.on("error", (error) => resolve(error.message));
    bash.on("close", (code, signal) => resolve(`exit ${code ?? signal}`));
  });
  let isRunning = false;
  let jobs = "";
  let output = "";
  let onOutput = () => {};
  bash.stdout.on("data", (chunk) => {
    output = (output + chunk).slice(-OUTPUT_CHARACTERS_MAX);
    onOutput();
  });
  bash.stdin.on("error", () => {}); // It has ended; `ended` tells.
  bash.stdin.write(PROLOGUE);
  const close = once(async () => {
    bash.stdin.end();
    if (!isRunning) await Promise.race([ended, atMost(STOP_MS_MAX)]);
    await stopGroup(bash, ended);
  });
  undo.push(close);
  let blocks = 0;

  return {
    /** Resolves to the output and, if the snippet did not come to its end, why. */
    async run(source) {
      const nonce = randomBytes(12).toString("hex");
      const script = join(folder, `.block-${blocks++}.sh`);
      writeFileSync(script, source);
      const end = new RegExp(`${nonce}(.*)\n`);
      output = "";
      const finished = new Promise((resolve) => {
        onOutput = () => end.test(output) && resolve(undefined);
      });
      isRunning = true;
      bash.stdin.write(`. ${quote(script)} </dev/null; echo ${nonce} $(jobs -pr)\n`);
      const fault = await Promise.race([finished, ended, timeLimit()]);
      isRunning = fault !== undefined;
      jobs = end.exec(output)?.[1].trim() ?? "";
      output = output.replace(end, "");
      if (fault !== undefined) return { output, fault };
      for (const port of portsServed(source, env.SYNCLINE_PORT)) {
        if (!(await listens(port))) return { output, fault: `nothing listens on port ${port}` };
      }
      return { output };
    },

    /** Whether something ran in the background when the last block ended. */
    isBusy: () => jobs !== "",

    close,
  };
}

/** The ports that the background commands of a shell script will listen on. */
function portsServed(source, defaultPort) {
  const background = source.replace(/\\\n/g, " ").match(/^.*[^&]&[ \t]*$/gm) ?? [];
  return background.flatMap((line) => {
    const named = /--port[= ](\d+)\b/.exec(line)?.[1];
    return named !== undefined || /\bsyncline serve\b/.test(line) ? [Number(named ?? defaultPort)] : [];
  });
}

/** Runs a compiled snippet, in a terminal of its own, with a server if it needs one. */
async function runModule(snippet, folder, env, isServed) {
  const isClient = new RegExp(`(?:localhost|127\\.0\\.0\\.1|\\[::1\\]):${DEFAULT_PORT}\\b`).test(
    snippet.body,
  );
  const terminal = openTerminal(folder, env);
  const data = join(folder, `.data-${snippet.line}`);
  const log = `${data}.log`;
  try {
    let run = {};
    if (isClient && !isServed) {
      const flags = `--port ${env.SYNCLINE_PORT} --data ${quote(data)}`;
      run = await terminal.run(`syncline serve ${flags} > ${quote(log)} 2>&1 &`);
    }
    if (run.fault === undefined) run = await terminal.run(`node ${quote(snippet.module)}`);
    if (run.fault !== undefined && existsSync(log))
      run.output += `the server's log:\n${readFileSync(log, "utf8")}`;
    return run;
  } finally {
    await terminal.close();
  }
}

/** Asks the leader's group to end, then makes it. A group without members is left alone. */
async function stopGroup(leader, ended) {
  if (leader.pid === undefined) return;
  signalGroup(leader.pid, "SIGTERM");
  await Promise.race([ended, atMost(STOP_MS_MAX)]);
  signalGroup(leader.pid, "SIGKILL");
  for (const stream of leader.stdio) stream.destroy();
}

function signalGroup(leaderPid, signal) {
  try {
    process.kill(-leaderPid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Resolves to whether a server answers on the port, and no longer says that it is starting, within LISTEN_MS_MAX. */
async function listens(port) {
  for (const until = Date.now() + Math.min(limitMs, LISTEN_MS_MAX); Date.now() < until; await pause(50)) {
    const answer = await fetch(`http://localhost:${port}/livez`, {
      signal: AbortSignal.timeout(1_000),
    }).catch(() => undefined);
    if (answer?.ok) return true;
  }
  return false;
}

/** What the output lacks of what the page promises, or undefined. */
function faultOf({ patterns, output: expected }, output) {
  const missing = patterns.find((pattern) => !pattern.test(output));
  if (missing !== undefined) return `its output does not match /${missing.source}/`;
  if (expected !== undefined && !matches(linesOf(expected), linesOf(output)))
    return "its output is not the expected";
  return undefined;
}

/** Whether the lines are those expected; `…` alone stands for any number of lines. */
function matches(expected, lines) {
  // reachable[j]: the patterns so far can account for exactly the first j lines.
  let reachable = Array.from({ length: lines.length + 1 }, (_, count) => count === 0);
  for (const pattern of expected) {
    const next = reachable.map(() => false);
    const line = new RegExp(`^${pattern.split("…").map(escapeRegExp).join(".*")}$`);
    for (let count = 0; count <= lines.length; count++) {
      if (pattern === "…") next[count] = reachable[count] || (count > 0 && next[count - 1]);
      else next[count] = count > 0 && reachable[count - 1] && line.test(lines[count - 1]);
    }
    reachable = next;
  }
  return reachable[lines.length];
}

/** The lines with blanks made equal, without empty ones at either end. */
function linesOf(text) {
  return text
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .join("\n")
    .replace(/^\n+|\n+$/g, "")
    .split("\n");
}

function escapeRegExp(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function indented(title, text) {
  return `  --- ${title}\n${text.trimEnd().replace(/^/gm, "  ")}\n`;
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function has(command) {
  return process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, command)));
}

function timeLimit() {
  return atMost(limitMs).then(() => `it did not end within ${options.seconds} s`);
}

function once(act) {
  let result;
  return () => {
    result ??= act();
    return result;
  };
}

async function cleanUp() {
  while (undo.length > 0) await undo.pop()();
}
