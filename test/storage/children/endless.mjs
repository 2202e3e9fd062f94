/**
 * Commits without end and writes the number of each commit to standard output when it is done, until it is killed.
 * Commit n puts n under `last` and, under keys of its own, three pieces that only belong to it.
 *
 *   node endless.mjs FOLDER FIRST-NUMBER
 */
import { writeSync } from "node:fs";
import { openLmdb } from "@syncline/storage/lmdb";

const [folder, first] = process.argv.slice(2);
const store = await openLmdb(folder, { groupBytesMax: 20_000 });
const key = (text) => Buffer.from(text);

let n = Number(first);
function commit() {
  const number = n++;
  const piece = Buffer.alloc((number * 7919) % 900, number & 0xff);
  const writes = ["a", "m", "z"].map((part) => ({ key: key(`${part}/${number}`), value: piece }));
  store.commit([...writes, { key: key("last"), value: key(`${number}`) }], (failure) => {
    if (failure) throw failure;
    writeSync(1, `${number}\n`);
  });
}

/** Between one and eight commits a turn, and no more than a hundred under way. */
for (;;) {
  for (let i = 0; i <= n % 8; i++) commit();
  await new Promise((resolve) => (n % 100 < 8 ? store.commit([], resolve) : setImmediate(resolve)));
}
