/** @y/websocket-server, in memory or with y-leveldb; and its protocol: one frame an update. */
import { message, NOBODY, NOTHING, readVarint, registersOf, SYNC, updatesOf } from "./y-protocol.mjs";

const MESSAGE_SYNC = 0;

export const yWebsocket = {
  name: "y-websocket",
  title: "@y/websocket-server",
  package: "@y/websocket-server",
  stores: "y-leveldb, which does not sync the disk",
  acknowledges: undefined,
  // It stores after it has relayed.
  drainMs: 3_000,

  async serve({ data }) {
    // Read by the module when it is loaded.
    if (data !== undefined) process.env.YPERSISTENCE = data;
    const { setupWSConnection } = await import("@y/websocket-server/utils");
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", setupWSConnection);
    await new Promise((resolve) => server.on("listening", resolve));
    return { port: server.address().port };
  },

  speak: async () => ({
    path: (doc) => `/${doc ?? "idle"}`,
    session: (_doc, _n, on) => new Session(on),
    prepare: (_doc, _n, count, entriesOf) =>
      updatesOf(count, entriesOf).map((update) => message(MESSAGE_SYNC, SYNC.update, update)),
  }),
};

class Session {
  #send;

  constructor(on) {
    this.on = on;
  }

  opened(send) {
    this.#send = send;
    send(message(MESSAGE_SYNC, SYNC.step1, NOBODY));
  }

  frame(payload) {
    if (payload[0] !== MESSAGE_SYNC) return 0;
    const step = payload[1];
    if (step === SYNC.step1) this.#send(message(MESSAGE_SYNC, SYNC.step2, NOTHING));
    else if (this.on.keep) this.#keep(payload);
    if (step === SYNC.step2) this.on.ready();
    return step === SYNC.update ? 1 : 0;
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
    const { value, at } = readVarint(payload, 2);
    this.kept.push(Uint8Array.from(payload.subarray(at, at + value)));
  }
}
