/** What the tests of the scripts ask about processes. */
import { existsSync, readFileSync } from "node:fs";

/** Whether a process still runs. One that has ended but whose parent has not asked about it does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
