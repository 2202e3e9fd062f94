/** The data folder: one process at a time, taken over from the dead only, and left alone when it is not ours. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FolderError, lockFolder } from "@syncline/storage/folder";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let base: string;
let folder: string;
const children: ChildProcessWithoutNullStreams[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "sl-"));
  folder = join(base, "data");
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
  chmodSync(base, 0o700);
  rmSync(base, { recursive: true });
});

const lockFile = (number: number) => join(folder, "lock", `${number}.lock`);
const locks = () => readdirSync(join(folder, "lock")).sort();

/** A folder whose lock was left as given. */
function leave(lock: unknown, number = 1): void {
  mkdirSync(join(folder, "lock"), { recursive: true });
  writeFileSync(lockFile(number), typeof lock === "string" ? lock : JSON.stringify(lock));
}

/** What a lock of this process says. */
async function ownRecord(): Promise<Record<string, unknown>> {
  const lock = await lockFolder(join(base, "own"));
  const record = JSON.parse(readFileSync(join(base, "own", "lock", "1.lock"), "utf8"));
  await lock.release();
  return record;
}

/** A process that takes the lock, and the lines it writes. */
function startLocker(...args: string[]) {
  const script = join(import.meta.dirname, "children/locker.mjs");
  const child = spawn(process.execPath, [script, folder, ...args]);
  children.push(child);
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value;
  return { child, pid: child.pid ?? 0, line };
}

describe("a data folder", () => {
  test("is created, with those above it, and says its format", async () => {
    folder = join(base, "deep", "deeper", "data");
    const lock = await lockFolder(folder);
    expect(lock.path).toBe(folder);
    expect(readFileSync(join(folder, "format"), "utf8")).toBe("syncline data folder, format 1\n");
    await lock.release();
  });

  test("is refused while this process has it, and free after its release, again and again", async () => {
    for (let i = 0; i < 5; i++) {
      const lock = await lockFolder(folder);
      const refused = lockFolder(folder);
      await expect(refused).rejects.toThrow(FolderError);
      await expect(refused).rejects.toMatchObject({ code: "FOLDER_IN_USE", pid: process.pid });
      await lock.release();
    }
    // Nothing piles up.
    expect(locks()).toEqual(["5.lock"]);
  });

  test("is refused while another process has it, which is named", async () => {
    const { child, pid, line } = startLocker();
    expect(await line()).toBe("locked");
    const before = locks();
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: "FOLDER_IN_USE",
      pid,
      message: `the data folder ${folder} is in use by process ${pid}`,
    });
    expect(locks()).toEqual(before);
    child.stdin.end();
    await once(child, "close");
    await (await lockFolder(folder)).release();
  });

  test("is taken over at once from a process that was killed", async () => {
    const { child, line } = startLocker();
    expect(await line()).toBe("locked");
    child.kill("SIGKILL");
    await once(child, "close");
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE", pid: process.pid });
    await lock.release();
    expect(locks()).toEqual(["2.lock"]);
  });

  test("is not taken over from a process that is stopped", async () => {
    const { child, pid, line } = startLocker();
    expect(await line()).toBe("locked");
    child.kill("SIGSTOP");
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE", pid });
  });

  test("is gone when it is released: that is no fault", async () => {
    const lock = await lockFolder(folder);
    rmSync(folder, { recursive: true });
    await lock.release();
    expect(existsSync(folder)).toBe(false);
  });
});

describe("a lock that was left behind", () => {
  const takenOver = async () => {
    const lock = await lockFolder(folder);
    await lock.release();
  };

  test.each([
    ["nothing", ""],
    ["half a record", '{"pid":1'],
    ["not a record", "[]"],
    ["a process number that is none", '{"pid":"1"}'],
    ["a negative one", '{"pid":-1}'],
    ["one too great", '{"pid":1099511627777}'],
  ])("holds nobody if it says %s", async (_, text) => {
    leave(text);
    await takenOver();
  });

  test("names a number that another process has now: the start tells them apart", async () => {
    const record = await ownRecord();
    leave(record);
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE" });
    leave({ ...record, started: "1" });
    await takenOver();
  });

  test("from before the last boot holds nobody", async () => {
    leave({ ...(await ownRecord()), boot: "another boot" });
    await takenOver();
  });

  test("of a process that is dead but not buried holds nobody", async () => {
    // The shell's child ends once it is told to, and it is told when another program has the shell's place: one that
    // does not ask for the ends of children, which a shell may do at any time.
    const parent = spawn("sh", ["-c", "exec 3<&0; read line <&3 & echo $!; exec sleep 600"]);
    children.push(parent);
    const [line] = await once(createInterface({ input: parent.stdout }), "line");
    const pid = Number(line);
    const stat = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8");
    const until = async (holds: () => boolean) => {
      while (!holds()) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(() => stat(parent.pid!).includes("(sleep)"));
    parent.stdin.end("end\n");
    await until(() => /\) Z/.test(stat(pid)));
    leave({ pid });
    await takenOver();
  });

  test("by a process of another container: its beacon tells", async () => {
    const record = { ...(await ownRecord()), space: "pid:[1]", pid: 1, beacon: "abc.sock" };
    leave(record);
    await takenOver();
    leave(record, 10);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, "lock", "abc.sock"), resolve));
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE", pid: 1 });
    await new Promise((resolve) => server.close(resolve));
    await takenOver();
  });

  test("by a process of another container, without a beacon, is in doubt and stays", async () => {
    leave({ ...(await ownRecord()), space: "pid:[1]", pid: 1, beacon: undefined });
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE", pid: 1 });
  });

  test("cannot make us delete what lies elsewhere", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "precious.sock"), "");
    leave({ pid: 2 ** 30, beacon: "../precious.sock" });
    await takenOver();
    expect(existsSync(join(folder, "precious.sock"))).toBe(true);
  });

  test("a live lock has a beacon, which goes out with it", async () => {
    const lock = await lockFolder(folder);
    const record = JSON.parse(readFileSync(lockFile(1), "utf8"));
    expect(record).toMatchObject({ pid: process.pid, space: readlinkSync("/proc/self/ns/pid") });
    leave({ ...record, space: "pid:[1]" });
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE" });
    await lock.release();
    leave({ ...record, space: "pid:[1]" });
    await takenOver();
  });
});

describe("a race for a lock that was left behind", () => {
  test("in one process: one wins, all others are told who", async () => {
    for (let round = 1; round <= 20; round++) {
      folder = join(base, `race-${round}`);
      leave({ pid: 2 ** 30 }, round);
      const racers = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder)));
      const winners = racers.flatMap((racer) => (racer.status === "fulfilled" ? [racer.value] : []));
      const losers = racers.flatMap((racer) => (racer.status === "rejected" ? [racer.reason] : []));
      expect(winners).toHaveLength(1);
      for (const loser of losers) expect(loser).toMatchObject({ code: "FOLDER_IN_USE", pid: process.pid });
      await winners[0]?.release();
    }
  });

  test("with releases in between: never two at a time", async () => {
    let holders = 0;
    let taken = 0;
    const contend = async () => {
      while (taken < 60) {
        try {
          const lock = await lockFolder(folder);
          holders++;
          taken++;
          expect(holders).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          expect(holders).toBe(1);
          holders--;
          await lock.release();
        } catch (error) {
          expect(error).toMatchObject({ code: "FOLDER_IN_USE" });
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, contend));
    expect(locks()).toEqual([expect.stringMatching(/^\d+\.lock$/)]);
  });

  test("of six processes, one wins", async () => {
    leave({ pid: 2 ** 30 });
    const lockers = Array.from({ length: 6 }, () => startLocker("wait"));
    for (const { line } of lockers) expect(await line()).toBe("ready");
    for (const { child } of lockers) child.stdin.write("go");
    const lines = await Promise.all(lockers.map(({ line }) => line()));
    const winner = lockers[lines.indexOf("locked")];
    expect(winner).toBeDefined();
    expect(lines.filter((line) => line === "locked")).toHaveLength(1);
    expect(lines.filter((line) => line === `FOLDER_IN_USE ${winner?.pid}`)).toHaveLength(5);
  });
});

describe("a folder that cannot be used", () => {
  test("of a newer format is refused and left as it is", async () => {
    mkdirSync(folder);
    for (const text of ["syncline data folder, format 2\n", "something else", ""]) {
      writeFileSync(join(folder, "format"), text);
      await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_NEWER_FORMAT" });
      expect(readdirSync(folder)).toEqual(["format"]);
      expect(readFileSync(join(folder, "format"), "utf8")).toBe(text);
    }
  });

  test("is a file, or below a file", async () => {
    writeFileSync(folder, "a file");
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_NOT_A_FOLDER" });
    await expect(lockFolder(join(folder, "below"))).rejects.toMatchObject({ code: "FOLDER_NOT_A_FOLDER" });
    expect(readFileSync(folder, "utf8")).toBe("a file");
  });

  test("is a link that leads nowhere", async () => {
    symlinkSync(join(base, "nowhere"), folder);
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_UNWRITABLE" });
    await expect(lockFolder(join(folder, "below"))).rejects.toMatchObject({ code: "FOLDER_UNWRITABLE" });
  });

  test("cannot be written", async () => {
    // Whoever is root may write everywhere, but not there.
    const isRoot = process.getuid?.() === 0;
    const unwritable = isRoot ? "/proc/self" : folder;
    if (!isRoot) {
      mkdirSync(folder);
      chmodSync(folder, 0o500);
    }
    await expect(lockFolder(unwritable)).rejects.toMatchObject({ code: "FOLDER_UNWRITABLE" });
    chmodSync(base, 0o500);
    const uncreatable = isRoot ? "/proc/self/data" : join(base, "other");
    await expect(lockFolder(uncreatable)).rejects.toMatchObject({ code: "FOLDER_UNWRITABLE" });
  });
});
