/**
 * A node as a process of its own: the engine, LMDB, and sockets that carry frames. It does what its parent says.
 *
 *   node --expose-gc bench/replication/node.mjs '{"name", "role", "sync", "data", "follow": [port], "port", "delayMs"}'
 *
 * `delayMs` is added to each frame, in both directions.
 */
import { connect, createServer } from "node:net";
import { ByteReader, packDocuments } from "../../packages/core/dist/index.js";
import { openAccess, SyncNode } from "../../packages/engine/dist/index.js";
import { LIMITS, LOCAL, MESSAGES, parseRule } from "../../packages/protocol/dist/index.js";
import { openLmdb } from "../../packages/storage/dist/lmdb.js";
import { systemClock, systemRandom, systemScheduler } from "../../packages/transport/dist/node.js";

const { name, role, sync, data, follow = [], port = 0, delayMs = 0 } = JSON.parse(process.argv[2]);
packDocuments();
const silent = {
  debug() {},
  info() {},
  warn() {},
  error: (event, fields) => console.error(name, event, fields),
};

// Others may dial as soon as it listens, and then it is there.
const storage = await openLmdb(data);
const server = createServer((socket) => attach(socket, (link) => node.accept(link)));
await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));

const node = new SyncNode(
  {
    name,
    cluster: "bench",
    role,
    rule: sync === undefined ? LOCAL : parseRule(sync),
    visibility: "committed",
    url: `ws://127.0.0.1:${server.address().port}`,
    voter: true,
    follow: follow.map((port) => `ws://127.0.0.1:${port}`),
    limits: LIMITS,
  },
  {
    clock: systemClock,
    scheduler: systemScheduler,
    random: systemRandom,
    storage,
    dialer: {
      dial(url, on) {
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        socket.once("error", (error) => on.failed(error.message));
        socket.once("connect", () => attach(socket, (link) => on.opened(link)));
        return () => socket.destroy();
      },
    },
    mac: undefined,
    log: silent,
    access: openAccess,
    failed: (error) => {
      throw error;
    },
  },
);

/** Records in the frames that have come. */
let arrived = 0;

function recordsIn(frame) {
  let count = 0;
  for (const input = new ByteReader(frame, 1); input.remaining > 0; ) {
    const tag = input.uint();
    const body = input.within(input.uint(LIMITS.frameBytesMax));
    if (tag === MESSAGES.records.tag) count += MESSAGES.records.read(body).records.length;
  }
  return count;
}

/** Frames over a socket, each after its length. */
function attach(socket, accept) {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  const later = (act) => (delayMs > 0 ? setTimeout(act, delayMs) : act());
  const handler = accept({
    send(frame) {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(frame.length);
      later(() => {
        socket.cork();
        socket.write(head);
        socket.write(frame);
        process.nextTick(() => socket.uncork());
      });
    },
    queuedBytes: () => socket.writableLength,
    close: () => later(() => socket.end()),
    terminate: () => socket.destroy(),
  });
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
      const end = 4 + rest.readUInt32LE(0);
      const frame = new Uint8Array(rest.subarray(4, end));
      rest = rest.subarray(end);
      arrived += recordsIn(frame);
      later(() => handler.frame(frame));
    }
  });
  socket.on("drain", () => handler.drained());
  socket.on("close", () => handler.closed("closed"));
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const write = (key, level = "received") =>
  new Promise((resolve, reject) =>
    node.transact(
      { collection: "bench", key },
      (draft) => draft.counter("votes").increment(),
      { level, waitMs: 60_000, token: new Map() },
      (answer) => (answer.ok ? resolve(answer) : reject(new Error(answer.fault.reason))),
    ),
  );
const sum = (vector) => [...vector.values()].reduce((total, position) => total + position, 0);
const reached = async (records) => {
  while (sum(node.durableVector()) < records || sum(node.visibleVector()) < records) await pause(5);
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const COMMANDS = {
  /** Writes so many records as fast as it goes. Milliseconds until all are applied and on the disk. */
  async fill({ records, documents }) {
    const before = sum(node.heldVector());
    const start = performance.now();
    for (let i = 0; i < records; ) {
      if (node.refusesWrites() === undefined) {
        for (let j = 0; j < 500 && i < records; j++, i++) void write(`d${i % documents}`);
      }
      await turn();
    }
    await reached(before + records);
    return performance.now() - start;
  },
  /** Milliseconds until so many records are applied and on the disk here. */
  async reach({ records }) {
    const start = performance.now();
    await reached(records);
    return performance.now() - start;
  },
  held: () => sum(node.heldVector()),
  /** Waits until nothing was written for a while. */
  async rest() {
    for (let held = -1; held !== sum(node.heldVector()); await pause(500)) held = sum(node.heldVector());
  },
  /** How many records were sent to it. */
  arrived: () => arrived,
  /** Microseconds of processor time. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  shown: () => sum(node.visibleVector()),
  /** Milliseconds of each of so many writes, one after the other. */
  async latencies({ writes, level }) {
    const all = [];
    for (let i = 0; i < writes; i++) {
      const start = performance.now();
      await write("latency", level);
      all.push(performance.now() - start);
    }
    return all;
  },
  /**
   * Writes answered a second, by so many writers at a time. They begin one after the other: callers who all began at once
   * would come in waves, and the node would stand still between them.
   */
  async throughput({ writers, ms, level }) {
    let answered = 0;
    const rampMs = ms / 4;
    const from = performance.now() + rampMs;
    const until = from + ms;
    const writer = async (n) => {
      await pause((n * rampMs) / writers);
      while (performance.now() < until) {
        await write(`w${n}`, level);
        const now = performance.now();
        if (now >= from && now < until) answered += 1;
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, n) => writer(n)));
    return answered / (ms / 1_000);
  },
  /** Heap in use after garbage collection, each time so many documents were written, read and left. */
  async heap({ documents, every }) {
    const used = [];
    for (let i = 1; i <= documents; i++) {
      await write(`h${i}`);
      node.read({ collection: "bench", key: `h${i}` }, { token: new Map(), waitMs: 0 }, () => {});
      if (i % 50 === 0) await turn();
      if (i % every !== 0) continue;
      await reached(sum(node.heldVector()));
      await pause(100);
      gc();
      gc();
      used.push(process.memoryUsage().heapUsed);
    }
    return used;
  },
};

let chain = Promise.resolve();
process.on("message", ({ command, given }) => {
  chain = chain.then(async () => process.send({ answer: await COMMANDS[command](given ?? {}) }));
});
process.on("disconnect", () => process.exit());
node.start(() => process.send({ answer: server.address().port }));
