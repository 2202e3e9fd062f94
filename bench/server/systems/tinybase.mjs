/**
 * TinyBase's server: in memory a relay, which keeps nothing (nobody online, nothing to fetch); durable with a store and
 * its file persister for each path. Its protocol is JSON: whose it is, a line, and request, kind and body.
 */
import { createMergeableStore } from "tinybase";

const KIND = { response: 0, getContentHashes: 1, contentDiff: 3 };

export const tinybase = {
  name: "tinybase",
  title: "TinyBase",
  package: "tinybase",
  stores: "a JSON file for each document, rewritten on change, not synced",
  acknowledges: undefined,
  // The file is written after the change has been relayed.
  drainMs: 3_000,

  async serve({ data }) {
    const { createWsServer } = await import("tinybase/synchronizers/synchronizer-ws-server");
    const { createFilePersister } = await import("tinybase/persisters/persister-file");
    const { WebSocketServer } = await import("ws");
    const { mkdir } = await import("node:fs/promises");
    if (data !== undefined) await mkdir(data, { recursive: true });
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.on("listening", resolve));
    const persisterOf = (path) => createFilePersister(createMergeableStore(), `${data}/${path}.json`);
    createWsServer(server, data === undefined ? undefined : persisterOf);
    return { port: server.address().port };
  },

  speak: async () => ({
    path: (doc) => `/${doc ?? "idle"}`,
    session: (_doc, _n, on) => new Session(on),
    prepare: (_doc, n, count, entriesOf) => diffsOf(n, count, entriesOf),
    connect,
  }),
};

const SERVER = "S";
const TABLE = "t";
const ROW = "registers";
const EMPTY_HASHES = createMergeableStore().getMergeableContentHashes();

// What TinyBase writes for undefined, which JSON has not.
const UNDEFINED = "\uFFFC";

function diffsOf(n, count, entriesOf) {
  const store = createMergeableStore(`client-${n}-${Math.random()}`);
  const frames = [];
  store.addDidFinishTransactionListener(() => {
    frames.push(
      frameOf("", `${n}.${frames.length}`, KIND.contentDiff, store.getTransactionMergeableChanges()),
    );
  });
  for (let i = 0; i < count; i++) {
    store.transaction(() => {
      for (const [key, value] of entriesOf(i)) store.setCell(TABLE, ROW, key, value);
    });
  }
  return frames;
}

const frameOf = (to, request, kind, body) =>
  `${to}\n${JSON.stringify([request, kind, body], (_key, value) => (value === undefined ? UNDEFINED : value))}`;

class Session {
  #send;

  constructor(on) {
    this.on = on;
  }

  opened(send) {
    this.#send = send;
    setImmediate(this.on.ready);
  }

  frame(payload) {
    const line = payload.indexOf(10);
    // The request is a short string without quotes in it: [" … ",KIND,
    const kind = payload[payload.indexOf(34, line + 3) + 2] - 48;
    // The server's own store repeats what it reads back from its file: nobody wrote that.
    if (kind === KIND.contentDiff) return payload.toString("latin1", 0, line) === SERVER ? 0 : 1;
    if (kind === KIND.getContentHashes) {
      const [request] = JSON.parse(payload.toString("utf8", line + 1));
      this.#send(frameOf(payload.toString("utf8", 0, line), request, KIND.response, EMPTY_HASHES));
    }
    return 0;
  }

  write(diff) {
    this.#send(diff);
  }

  writeMany(diffs) {
    for (const diff of diffs) this.#send(diff);
  }
}

/** TinyBase's own client, where the content is wanted and not only the count. */
async function connect(port, doc) {
  const { createWsSynchronizer } = await import("tinybase/synchronizers/synchronizer-ws-client");
  const { WebSocket } = await import("ws");
  const store = createMergeableStore();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${doc}`);
  const synchronizer = await createWsSynchronizer(store, socket);
  await synchronizer.startSync();
  return {
    registers: () => store.getRow(TABLE, ROW),
    bytesRead: () => socket._socket.bytesRead,
    close: () => synchronizer.destroy(),
  };
}
