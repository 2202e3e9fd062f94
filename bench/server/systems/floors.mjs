/**
 * Floors: relays that know nothing of what they carry.
 *
 *   ws-relay     every message to every other socket of the room, as it comes
 *   turn-relay   the messages of one turn of the event loop in one frame for each socket
 *   lmdb-relay   the same, after an LMDB commit of the turn; it acknowledges to the writer what is on the disk
 *   append-relay the same, with an append to a file and fdatasync
 *
 * A message is its length in two bytes and forty bytes of nothing; the first of them says whose it is.
 */
const MESSAGE_BYTES = 42;
const ACK = 0xffff;

export const floors = [
  floorOf("ws-relay", "floor: ws broadcast", async () => ({ perTurn: false })),
  floorOf("turn-relay", "floor: one write a turn", async () => ({ perTurn: true })),
  floorOf("lmdb-relay", "floor: LMDB commit, a turn", async (data) => ({
    perTurn: true,
    store: await lmdbStore(data),
  })),
  floorOf("append-relay", "floor: append, fdatasync, a turn", async (data) => ({
    perTurn: true,
    store: await appendStore(data),
  })),
];

function floorOf(name, title, optionsOf) {
  return {
    name,
    title,
    package: name === "lmdb-relay" ? "lmdb" : "ws",
    isFloor: true,
    needsData: name === "lmdb-relay" || name === "append-relay",
    acknowledges: name === "lmdb-relay" || name === "append-relay" ? "durable" : undefined,
    serve: async ({ data }) => relay(await optionsOf(data)),
    speak: async () => ({
      path: (doc) => `/${doc ?? ""}`,
      session: (doc, _n, on) => new FloorSession(doc, on),
      prepare: (_doc, n, count) => {
        const message = Buffer.alloc(MESSAGE_BYTES, n % 251);
        message.writeUInt16BE(MESSAGE_BYTES - 2, 0);
        return Array.from({ length: count }, () => message);
      },
    }),
  };
}

class FloorSession {
  #send;

  constructor(_doc, on) {
    this.on = on;
  }

  opened(send) {
    this.#send = send;
    // The relay has nothing to say at first.
    setImmediate(this.on.ready);
  }

  frame(payload) {
    let deliveries = 0;
    for (let at = 0; at < payload.length; ) {
      const length = payload.readUInt16BE(at);
      if (length === ACK) {
        this.on.acknowledged?.(payload.readUInt32BE(at + 2));
        at += 6;
      } else {
        deliveries += 1;
        at += length + 2;
      }
    }
    return deliveries;
  }

  write(message) {
    this.#send(message);
  }

  writeMany(messages) {
    for (const message of messages) this.#send(message);
  }
}

/** @param store `commit(batch)`: a promise that is kept when the batch is on the disk */
async function relay({ perTurn, store }) {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await new Promise((resolve) => server.on("listening", resolve));
  const rooms = new Map();
  let batch = [];
  let due = false;

  server.on("connection", (socket, request) => {
    const room = rooms.get(request.url) ?? new Set();
    rooms.set(request.url, room);
    const member = { socket, outgoing: [], received: 0 };
    room.add(member);
    socket.on("close", () => room.delete(member));
    socket.on("message", (data) => {
      if (!perTurn) {
        for (const other of room) if (other !== member) other.socket.send(data);
        return;
      }
      member.received += 1;
      batch.push({ room, member, data });
      if (due) return;
      due = true;
      setImmediate(flush);
    });
  });
  return { port: server.address().port };

  async function flush() {
    const taken = batch;
    batch = [];
    if (store !== undefined) {
      // Those who write meanwhile are the next group.
      await store.commit(taken);
      const authors = new Set(taken.map(({ member }) => member));
      for (const member of authors) member.outgoing.push(acknowledgement(member, taken));
    }
    send(taken);
    due = batch.length > 0;
    if (due) setImmediate(flush);
  }
}

/** Each socket gets what others wrote, in one frame. What one writer alone sent a room is joined only once. */
function send(taken) {
  const byRoom = new Map();
  for (const { room, member, data } of taken) {
    if (!byRoom.has(room)) byRoom.set(room, { authors: new Set(), parts: [] });
    const turn = byRoom.get(room);
    turn.authors.add(member);
    turn.parts.push({ member, data });
  }
  for (const [room, { authors, parts }] of byRoom) {
    const all = Buffer.concat(parts.map(({ data }) => data));
    for (const member of room) {
      const foreign = authors.has(member)
        ? parts.filter((part) => part.member !== member).map(({ data }) => data)
        : [all];
      const frame = [...member.outgoing, ...foreign];
      member.outgoing = [];
      if (frame.length > 0) member.socket.send(frame.length === 1 ? frame[0] : Buffer.concat(frame));
    }
  }
}

function acknowledgement(member, taken) {
  member.answered = (member.answered ?? 0) + taken.filter((one) => one.member === member).length;
  const ack = Buffer.alloc(6);
  ack.writeUInt16BE(ACK, 0);
  ack.writeUInt32BE(member.answered, 2);
  return ack;
}

async function lmdbStore(data) {
  const { open } = await import("lmdb");
  const database = open({ path: data, encoding: "binary", keyEncoding: "uint32", noSubdir: false });
  let next = 0;
  return {
    async commit(batch) {
      let last;
      for (const { data } of batch) last = database.put(next++, data);
      await last;
    },
  };
}

async function appendStore(data) {
  const { mkdir, open } = await import("node:fs/promises");
  await mkdir(data, { recursive: true });
  const file = await open(`${data}/log`, "a");
  return {
    async commit(batch) {
      await file.write(Buffer.concat(batch.map(({ data }) => data)));
      await file.datasync();
    },
  };
}
