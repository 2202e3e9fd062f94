/** Who was asleep between looking at a folder's lock and taking it finds out that others came and went meanwhile. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FolderLock, lockFolder } from "@syncline/storage/folder";
import { expect, test, vi } from "vitest";

/** What happens just before the next hard link is made. */
let beforeLink: (() => Promise<void>) | undefined;

vi.mock(import("node:fs/promises"), async (original) => {
  const actual = await original();
  const link: typeof actual.link = async (from, to) => {
    const interlude = beforeLink;
    beforeLink = undefined;
    await interlude?.();
    return actual.link(from, to);
  };
  return { ...actual, default: { ...actual, link }, link };
});

test("the number it was about to create has come and gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sl-"));
  mkdirSync(join(folder, "lock"));
  writeFileSync(join(folder, "lock", "1.lock"), "left behind");
  let holder: FolderLock | undefined;
  beforeLink = async () => {
    await (await lockFolder(folder)).release(); // Number 2, and
    holder = await lockFolder(folder); // number 3, for which 2 is cleared away: the sleeper's link will succeed.
  };
  await expect(lockFolder(folder)).rejects.toMatchObject({ code: "FOLDER_IN_USE", pid: process.pid });
  expect(holder).toBeDefined();
  expect(readdirSync(join(folder, "lock")).filter((name) => name.endsWith(".lock"))).toEqual(["3.lock"]);
  await holder?.release();
  await (await lockFolder(folder)).release();
  rmSync(folder, { recursive: true });
});
