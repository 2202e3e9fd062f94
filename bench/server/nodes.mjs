/** Nodes of a cluster, each a process of its own, for what takes more than one of them. Only Syncline has such. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pinned } from "./hosted.mjs";

/** @param core on which core; undefined for any. @returns port, `cpuMicros()` and `kill()` */
export async function startNode(given, core) {
  const script = join(import.meta.dirname, "node.mjs");
  const args = [script, JSON.stringify(given)];
  const [command, all] = core === undefined ? [process.execPath, args] : pinned(core, process.execPath, args);
  const child = spawn(command, all, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const next = () =>
    new Promise((resolve, reject) => {
      const onEnd = () => reject(new Error(`node ${given.name} has ended`));
      child.once("close", onEnd);
      child.once("message", ({ answer }) => {
        child.off("close", onEnd);
        resolve(answer);
      });
    });
  const port = await next();
  return {
    port,
    cpuMicros() {
      const answer = next();
      child.send("cpu");
      return answer;
    },
    kill() {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      return ended;
    },
  };
}
