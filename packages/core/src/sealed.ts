/**
 * Bytes under a checksum: what every stored form ends with, so that rot and torn writes are found before anything
 * is read. The checksum is four bytes, little-endian, over all that stands before it.
 */
import { ByteReader, type ByteWriter } from "./bytes.js";
import { crc32 } from "./checksum.js";

export const SEAL_BYTES = 4;

/** Appends the checksum of all that was written. */
export function sealed(out: ByteWriter): Uint8Array {
  return out.seal();
}

/** The checksum that bytes end with. */
export function sealOf(bytes: Uint8Array): number {
  const end = bytes.length - SEAL_BYTES;
  let checksum = 0;
  for (let i = SEAL_BYTES - 1; i >= 0; i--) checksum = (checksum << 8) | bytes[end + i]!;
  return checksum >>> 0;
}

/** A reader of what is under the checksum, once that is right. */
export function openSealed(bytes: Uint8Array, bytesMax: number): ByteReader {
  const end = bytes.length - SEAL_BYTES;
  const input = new ByteReader(bytes, 0, Math.max(0, end));
  if (bytes.length > bytesMax) input.fail(`${bytes.length} bytes, at most ${bytesMax} are allowed`);
  if (end < 0) input.fail("too short for a checksum");
  if (sealOf(bytes) !== crc32(bytes, 0, end)) input.fail("the checksum does not match", end);
  return input;
}
