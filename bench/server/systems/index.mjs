/**
 * The systems of the server benchmark, by name. A system can
 *
 *   serve({ data })   start its server, in this process, durable in the folder `data` or in memory; gives the port
 *   speak()           its protocol, as the load generator uses it:
 *     path(doc)                             where a client of this document connects
 *     session(doc, n, on)                   the n-th client's side of a connection: `opened(send)`, `frame(payload)`,
 *                                           which says how many writes of others it delivers, `write(prepared)`,
 *                                           and `registers()`, what a client has been told of the document; it calls
 *                                           `on.ready` once the document is there, and `on.acknowledged(count)`
 *     prepare(doc, n, count, entriesOf)     that many writes of the n-th client, made before anything is measured
 *
 * and `connect(port, doc, n, on)`, where only the peer's own client will do: for everything, if there is no `session`,
 * or for clients that want to know what the document says. A session without a document is idle.
 */
const LOADERS = {
  syncline: async () => (await import("./syncline.mjs")).syncline,
  "y-websocket": async () => (await import("./y-websocket.mjs")).yWebsocket,
  "hocuspocus-3": async () => (await import("./hocuspocus.mjs")).hocuspocus3,
  "hocuspocus-4": async () => (await import("./hocuspocus.mjs")).hocuspocus4,
  tinybase: async () => (await import("./tinybase.mjs")).tinybase,
  "automerge-repo": async () => (await import("./automerge-repo.mjs")).automergeRepo,
  "ws-relay": async () => (await import("./floors.mjs")).floors[0],
  "turn-relay": async () => (await import("./floors.mjs")).floors[1],
  "lmdb-relay": async () => (await import("./floors.mjs")).floors[2],
  "append-relay": async () => (await import("./floors.mjs")).floors[3],
};

export const SYSTEM_NAMES = Object.keys(LOADERS);

export const loadSystem = (name) => LOADERS[name]();
