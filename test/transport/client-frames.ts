/** Frames as clients of WebSockets send them, right and wrong. */

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9 } as const;

/** @param length that the frame claims, if it is not that of the payload. */
export function clientFrame(
  opcode: number,
  payload: Uint8Array,
  { isLast = true, length = payload.length }: { isLast?: boolean; length?: number } = {},
): Buffer<ArrayBuffer> {
  const mask = [1, 0, 0x80, 0xff];
  const head =
    length < 126
      ? Buffer.of(0, length)
      : length < 65_536
        ? Buffer.of(0, 126, length >> 8, length & 255)
        : Buffer.concat([Buffer.of(0, 127), lengthBytes(length)]);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1] = (head[1] ?? 0) | 0x80;
  const masked = payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0));
  return Buffer.concat([head, Buffer.from(mask), masked]);
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
