/**
 * Commits until the disk fails, and then goes on, to see that nothing is accepted any more. Prints one line for each
 * `done`, in order: `ok N` or `CODE N`, then how many commits can be read, and ends.
 *
 *   node failing.mjs FOLDER
 */
import { writeSync } from "node:fs";
import { openLmdb } from "@syncline/storage/lmdb";

const store = await openLmdb(process.argv[2]);
const key = (n) => Buffer.from(`k${`${n}`.padStart(6, "0")}`);

let made = 0;
let hasFailed = false;
const commit = () =>
  new Promise((resolve) => {
    const n = made++;
    store.commit([{ key: key(n), value: Buffer.alloc(20_000, n & 0xff) }], (failure) => {
      hasFailed ||= failure !== undefined;
      writeSync(1, `${failure?.code ?? "ok"} ${n}\n`);
      resolve();
    });
  });

while (!hasFailed && made < 2_000) await Promise.all([commit(), commit(), commit()]);
await Promise.all([commit(), commit()]);
await commit();
const range = { from: key(0), to: Buffer.from("l") };
writeSync(1, `read ${[...store.scan(range)].length}\n`);
await store.close();
writeSync(1, "closed\n");
