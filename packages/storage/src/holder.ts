/**
 * Who holds a lock, in terms that outlive the process, and whether that process is still there.
 *
 * A process number alone is not an identity: numbers are reused, they start again at each boot, and each container
 * counts its own. So the boot, the number space and the moment at which the process started are noted too, where the
 * system tells them. When they cannot settle the question, the holder's beacon does.
 */
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { isLit } from "./beacon.js";

export interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's ticks since boot. */
  readonly started?: string | undefined;
  /** Identity of the boot. */
  readonly boot?: string | undefined;
  /** The space in which `pid` counts. */
  readonly space?: string | undefined;
  /** File name of its beacon. */
  readonly beacon?: string | undefined;
}

/** The identity of a process of this number space, as far as the system tells it. */
export async function holderOf(pid: number): Promise<Holder> {
  const [stat, boot, space] = await Promise.all([
    orUndefined(readFile(`/proc/${pid}/stat`, "utf8")),
    orUndefined(readFile("/proc/sys/kernel/random/boot_id", "utf8")),
    orUndefined(readlink("/proc/self/ns/pid")),
  ]);
  return { pid, started: statOf(stat)?.started, boot: boot?.trim(), space };
}

/** Whether `holder`, read from a lock in the folder `locks`, is a process that is alive. In doubt, it is. */
export async function isHeldBy(holder: Holder, locks: string): Promise<boolean> {
  const now = await holderOf(holder.pid);
  if (holder.boot !== undefined && now.boot !== undefined && holder.boot !== now.boot) return false;
  const countsAlike = holder.space === undefined || now.space === undefined || holder.space === now.space;
  if (countsAlike) {
    if (!(await isRunning(holder.pid))) return false;
    if (holder.started !== undefined && now.started !== undefined) return holder.started === now.started;
  }
  return holder.beacon === undefined || (await isLit(join(locks, holder.beacon)));
}

/** The holder that a lock file names; undefined if it names none. Never throws. */
export function readHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("pid" in value)) return undefined;
  const { pid } = value;
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || pid > PID_MAX) return undefined;
  const beacon = textIn(value, "beacon");
  return {
    pid,
    started: textIn(value, "started"),
    boot: textIn(value, "boot"),
    space: textIn(value, "space"),
    // A name, not a path: it is looked up, and later deleted, in the folder of the lock.
    beacon: beacon !== undefined && /^[\w-]+\.sock$/.test(beacon) ? beacon : undefined,
  };
}

/** A greater number would reach the system as a small one, of a process that lives. */
const PID_MAX = 2 ** 31 - 1;

async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not ours to signal is alive all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  // Killed, but nobody has asked how it ended: it holds nothing any more.
  return !statOf(await orUndefined(readFile(`/proc/${pid}/stat`, "utf8")))?.isDead;
}

/** State and start from /proc/PID/stat. The name of the program, in parentheses, may contain anything. */
function statOf(
  stat: string | undefined,
): { readonly isDead: boolean; readonly started: string | undefined } | undefined {
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { isDead: fields[0] === "Z" || fields[0] === "X", started: fields[19] };
}

function textIn(value: object, name: string): string | undefined {
  const text: unknown = Reflect.get(value, name);
  return typeof text === "string" ? text : undefined;
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
