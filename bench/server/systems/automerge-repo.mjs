/**
 * automerge-repo's server, in memory or with its folder storage, and its own clients: its protocol keeps state for each
 * peer and document, which takes a whole repo to speak. So the load generator works as hard as the server here, and
 * what it costs the server is in the column of its CPU time.
 */
const IDLE = "idle";

export const automergeRepo = {
  name: "automerge-repo",
  title: "automerge-repo",
  package: "@automerge/automerge-repo",
  stores: "files, not synced, written after the change has been relayed",
  acknowledges: undefined,
  drainMs: 3_000,
  // Each is a whole repo.
  clientsAreHeavy: true,

  async serve({ data }) {
    const { Repo } = await import("@automerge/automerge-repo");
    const { WebSocketServerAdapter } = await import("@automerge/automerge-repo-network-websocket");
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => server.on("listening", resolve));
    const storage = data === undefined ? undefined : await folderStorage(data);
    new Repo({
      network: [new WebSocketServerAdapter(server)],
      ...(storage === undefined ? {} : { storage }),
      peerId: "server",
      // It shares what it is asked for, and pushes nothing to those who did not ask.
      sharePolicy: async () => false,
    });
    return { port: server.address().port };
  },

  async speak() {
    const A = await import("@automerge/automerge-repo");
    const adapters = await import("@automerge/automerge-repo-network-websocket");
    const urls = new Map();
    return {
      prepare: (_doc, _n, count, entriesOf) => Array.from({ length: count }, (_, i) => entriesOf(i)),
      connect: (port, doc, _n, on) => connect({ A, adapters, urls, port, doc: doc ?? IDLE, on }),
    };
  },
};

async function folderStorage(data) {
  const { NodeFSStorageAdapter } = await import("@automerge/automerge-repo-storage-nodefs");
  return new NodeFSStorageAdapter(data);
}

/** The first client of a document makes it, and the others are told its address. */
async function connect({ A, adapters, urls, port, doc, on }) {
  const adapter = new adapters.WebSocketClientAdapter(`ws://127.0.0.1:${port}`);
  const repo = new A.Repo({ network: [adapter] });
  await repo.networkSubsystem.whenReady();
  const handle = await handleOf(repo, urls, doc);
  let seen = handle.doc()?.writes ?? 0;
  let written = 0;
  handle.on("change", ({ doc: now }) => {
    const count = now.writes - seen;
    seen = now.writes;
    if (count > 0 && now.writes > written) on.delivered?.(count);
  });
  return {
    write(entries) {
      written += 1;
      handle.change((root) => {
        for (const [key, value] of entries) root.registers[key] = value;
        root.writes += 1;
      });
    },
    registers: () => handle.doc().registers,
    bytesRead: () => adapter.socket._socket?.bytesRead ?? Number.NaN,
    close: () => repo.shutdown(),
  };
}

async function handleOf(repo, urls, doc) {
  if (urls.has(doc)) return repo.find(urls.get(doc));
  const handle = repo.create({ registers: {}, writes: 0 });
  urls.set(doc, handle.url);
  // Known to the server before somebody else asks for it.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return handle;
}
