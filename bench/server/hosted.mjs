/** A server under measurement: another process, on core 0 where the system lets us choose. */
import { spawn, spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";

const SERVER_CORE = "0";
export const LOAD_CORE = "1";

const canPin = cpus().length > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** The command and its arguments, on one core. */
export function pinned(core, command, args) {
  return canPin ? ["taskset", ["-c", core, command, ...args]] : [command, args];
}

export const isPinned = canPin;

/** @returns port, `cpuMicros()`, `memory()`, `kill()` (as by kill -9) and `pid`. */
export async function host(systemName, data) {
  const script = join(import.meta.dirname, "serve.mjs");
  const args = ["--expose-gc", script, systemName, ...(data === undefined ? [] : [data])];
  const [command, all] = pinned(SERVER_CORE, process.execPath, args);
  const child = spawn(command, all, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors = `${errors}${chunk}`.slice(-4_000)));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const next = () =>
    new Promise((resolve, reject) => {
      const onEnd = () => reject(new Error(`the server ended: ${errors}`));
      child.once("close", onEnd);
      child.once("message", ({ answer }) => {
        child.off("close", onEnd);
        resolve(answer);
      });
    });
  const ask = (question) => {
    const answer = next();
    child.send(question);
    return answer;
  };
  const { port } = await next();
  return {
    port,
    pid: child.pid,
    cpuMicros: () => ask("cpu"),
    memory: () => ask("memory"),
    kill() {
      child.kill("SIGKILL");
      return ended;
    },
  };
}
