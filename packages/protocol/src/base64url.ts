/**
 * Bytes as letters that URLs and headers take unchanged: base64url without padding (RFC 4648, section 5).
 *
 * Written out because platforms do not agree: what Node has browsers lack, and workers lack what pages have.
 */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const bits = (a << 16) | (b << 8) | c;
    // As many letters as there are bytes, and one more.
    const letters = Math.min(bytes.length - at, 3) + 1;
    for (let i = 0; i < letters; i++) text += ALPHABET[(bits >> (18 - 6 * i)) & 63];
  }
  return text;
}

/** Undefined for what `toBase64Url` does not write. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let count = 0;
  let at = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    // No more than 14 bits are ever held.
    bits = ((bits << 6) | value) & 0x3fff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[at++] = bits >> count;
  }
  // What is left over of the last letter says nothing, so it has one form only.
  return (bits & ((1 << count) - 1)) === 0 ? bytes : undefined;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
