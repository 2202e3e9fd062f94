/**
 * CRC-32 (IEEE 802.3, the one of zip and PNG): it finds torn and rotten bytes. It is no protection against anybody
 * who means harm; seals and access are.
 */

/** The checksum of `bytes[from..to)`, an unsigned 32-bit integer. O(length), four bytes at a time. */
export function crc32(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  let crc = -1;
  let i = from;
  for (const end = to - 3; i < end; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      TABLE[768 + (crc & 0xff)]! ^
      TABLE[512 + ((crc >>> 8) & 0xff)]! ^
      TABLE[256 + ((crc >>> 16) & 0xff)]! ^
      TABLE[crc >>> 24]!;
  }
  for (; i < to; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

/** What a byte does to the checksum, then what it does when one, two and three bytes follow. */
const TABLE = createTable();

function createTable(): Int32Array {
  const table = new Int32Array(1024);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    table[byte] = crc;
  }
  for (let i = 256; i < 1024; i++) {
    const before = table[i - 256]!;
    table[i] = table[before & 0xff]! ^ (before >>> 8);
  }
  return table;
}
