/**
 * Hocuspocus 3, the last for Node 20, and 4, which asks for Node 22 and runs on 20; and their protocol: that of Yjs behind the document's name, and an answer
 * for every update, which is sent when the update has been applied in memory.
 */
import {
  message,
  NOBODY,
  NOTHING,
  readVarint,
  registersOf,
  SYNC,
  updatesOf,
  writesIn,
} from "./y-protocol.mjs";

const MESSAGE = { sync: 0, auth: 2, syncReply: 4, syncStatus: 8 };

const about = (name, title, serverOf) => ({
  name,
  title,
  package: "@hocuspocus/server",
  stores: "a file, written and synced by its hook 2 s after the last change",
  acknowledges: "applied in memory, before anything is stored",
  drainMs: 3_000,

  async serve({ data }) {
    const { Server } = await serverOf();
    const server = new Server({ port: 0, address: "127.0.0.1", quiet: true, ...(await hooks(data)) });
    await server.listen();
    return { port: server.address.port };
  },

  speak: async () => ({
    path: () => "/",
    session: (doc, n, on) => new Session(doc ?? `idle-${n}`, on),
    prepare: (doc, _n, count, entriesOf) =>
      updatesOf(count, entriesOf).map((update) => message(doc, MESSAGE.sync, SYNC.update, update)),
  }),
});

export const hocuspocus3 = about("hocuspocus-3", "Hocuspocus 3", () => import("@hocuspocus/server"));
export const hocuspocus4 = about("hocuspocus-4", "Hocuspocus 4", () => import("hocuspocus-4"));

/** Whole documents in files, as its database extension has them in a table: under the default debounce. */
async function hooks(data) {
  if (data === undefined) return {};
  const { mkdir, open, readFile } = await import("node:fs/promises");
  const Y = await import("yjs");
  await mkdir(data, { recursive: true });
  return {
    async onLoadDocument({ documentName, document }) {
      const bytes = await readFile(`${data}/${documentName}`).catch(() => undefined);
      if (bytes !== undefined) Y.applyUpdate(document, bytes);
    },
    async onStoreDocument({ documentName, document }) {
      const file = await open(`${data}/${documentName}`, "w");
      await file.write(Y.encodeStateAsUpdate(document));
      await file.datasync();
      await file.close();
    },
  };
}

class Session {
  #send;
  #acknowledged = 0;

  constructor(doc, on) {
    this.doc = doc;
    this.on = on;
    this.skip = Buffer.byteLength(doc) + 1;
  }

  opened(send) {
    this.#send = send;
    send(message(this.doc, MESSAGE.auth, 0, "token"));
    send(message(this.doc, MESSAGE.sync, SYNC.step1, NOBODY));
  }

  frame(payload) {
    const kind = payload[this.skip];
    if (kind === MESSAGE.syncStatus) this.on.acknowledged?.(++this.#acknowledged);
    if (kind !== MESSAGE.sync && kind !== MESSAGE.syncReply) return 0;
    const step = payload[this.skip + 1];
    if (step === SYNC.step1) {
      // Which is acknowledged, too, and is no write.
      this.#acknowledged -= 1;
      this.#send(message(this.doc, MESSAGE.syncReply, SYNC.step2, NOTHING));
    } else if (this.on.keep) this.#keep(payload);
    if (step === SYNC.step2) this.on.ready();
    return step === SYNC.update ? writesIn(payload, this.skip + 2) / (this.on.entriesPerWrite ?? 1) : 0;
  }

  write(update) {
    this.#send(update);
  }

  writeMany(updates) {
    for (const update of updates) this.#send(update);
  }

  registers() {
    return registersOf(this.kept ?? []);
  }

  #keep(payload) {
    this.kept ??= [];
    const { value, at } = readVarint(payload, this.skip + 2);
    this.kept.push(Uint8Array.from(payload.subarray(at, at + value)));
  }
}
