/**
 * Makes commits and writes a line for each to standard output when it is done: one commit at a time first, then
 * many at once. Run under strace on the built package. With `early` it lies: it writes the line before the commit.
 *
 *   node traced.mjs FOLDER [early]
 */
import { writeSync } from "node:fs";
import { openLmdb } from "@syncline/storage/lmdb";

const [folder, early] = process.argv.slice(2);
const store = await openLmdb(folder);

const commit = (label) =>
  new Promise((resolve, reject) => {
    const value = Buffer.from(`<${label}>`);
    const report = () => writeSync(1, `durable <${label}>\n`);
    if (early) report();
    store.commit([{ key: Buffer.from(label), value }], (failure) => {
      if (failure) return reject(failure);
      if (!early) report();
      resolve();
    });
  });

for (let i = 0; i < 10; i++) await commit(`single-${i}`);
const many = [];
for (let turn = 0; turn < 10; turn++) {
  for (let i = 0; i < 5; i++) many.push(commit(`many-${turn}-${i}`));
  await new Promise((resolve) => setImmediate(resolve));
}
await Promise.all(many);
await store.close();
