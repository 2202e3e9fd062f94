/**
 * A WebSocket client that does next to nothing, so that the load generator is not what is measured: it counts frames
 * of 50 readers on one core faster than any server here sends them. The same for every system.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";

const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/**
 * @param on `open()`, `frame(payload, isText)`, `closed()`. A payload is only valid until the call returns.
 * @returns `send(payload)` for strings and bytes, `close()`, and `bytesRead`
 */
export function openSocket(port, path, on) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let rest;
  let open = false;
  let corked = false;
  socket.on("connect", () => socket.write(handshake(port, path)));
  socket.on("data", (chunk) => {
    let data = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    rest = undefined;
    if (!open) {
      const end = data.indexOf("\r\n\r\n");
      if (end < 0) {
        rest = data;
        return;
      }
      const head = data.toString("latin1", 0, end);
      if (!head.startsWith("HTTP/1.1 101"))
        throw new Error(`no WebSocket at ${path}: ${head.split("\r\n")[0]}`);
      open = true;
      data = data.subarray(end + 4);
      on.open();
    }
    const used = readFrames(data);
    if (used < data.length) rest = data.subarray(used);
  });
  socket.on("error", () => {});
  socket.on("close", () => on.closed?.());

  /** How many bytes were whole frames. */
  function readFrames(data) {
    let at = 0;
    while (data.length - at >= 2) {
      let length = data[at + 1] & 127;
      let header = 2;
      if (length === 126) {
        if (data.length - at < 4) break;
        length = data.readUInt16BE(at + 2);
        header = 4;
      } else if (length === 127) {
        if (data.length - at < 10) break;
        length = Number(data.readBigUInt64BE(at + 2));
        header = 10;
      }
      const end = at + header + length;
      if (end > data.length) break;
      const opcode = data[at] & 15;
      const payload = data.subarray(at + header, end);
      if (opcode === OPCODE.ping) write(OPCODE.pong, payload);
      else if (opcode !== OPCODE.pong && opcode !== OPCODE.close) on.frame(payload, opcode === OPCODE.text);
      at = end;
    }
    return at;
  }

  function write(opcode, payload) {
    // What one turn sends leaves in one call of the system.
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(framed(opcode, payload));
  }

  return {
    send(payload) {
      if (typeof payload === "string") write(OPCODE.text, Buffer.from(payload));
      else write(OPCODE.binary, payload);
    },
    close: () => socket.destroy(),
    get bytesRead() {
      return socket.bytesRead;
    },
  };
}

function handshake(port, path) {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: localhost:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
    "\r\n",
  ].join("\r\n");
}

/** A masked frame, as clients must send, under a mask of zeros, which is no work here and the usual work there. */
function framed(opcode, payload) {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(6 + extra + length);
  frame[0] = 128 | opcode;
  frame[1] = 128 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 6 + extra);
  return frame;
}
