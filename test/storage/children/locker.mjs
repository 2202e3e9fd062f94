/**
 * Takes the lock of a folder and keeps it until its standard input ends; or says why not. One line of output: `locked`
 * or the error's code and process. With `wait` it announces itself first (`ready`) and begins on the first byte of
 * input, so that many can begin at once.
 *
 *   node locker.mjs FOLDER [wait]
 */

import { once } from "node:events";
import { writeSync } from "node:fs";
import { lockFolder } from "@syncline/storage/folder";

const [folder, wait] = process.argv.slice(2);
if (wait) {
  writeSync(1, "ready\n");
  await once(process.stdin, "data");
}
try {
  const lock = await lockFolder(folder);
  writeSync(1, "locked\n");
  process.stdin.resume();
  await once(process.stdin, "end");
  await lock.release();
} catch (error) {
  writeSync(1, `${error.code} ${error.pid}\n`);
  process.exit();
}
