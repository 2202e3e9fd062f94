/**
 * What the formats need to know about text: its length and its order as UTF-8, without encoding it.
 *
 * Text is measured and sorted by its bytes, because that is what other languages and disks see. JavaScript's own
 * order is that of UTF-16 units and differs where surrogates meet U+E000..U+FFFF.
 */

/** The bytes of `text`. Lone surrogates become U+FFFD. */
export const toUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** The text of these bytes. Throws where they are no UTF-8. */
export const fromUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

// Of every platform there is, but not of the language, which is all that core is compiled against.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
// A byte order mark is text like any other: to leave it out would make two texts one.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes of `text` in UTF-8, O(length). A lone surrogate counts three. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isPairAt(text, i, unit)) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/** Below, at or above zero as `a` sorts before, like or after `b` by UTF-8 bytes. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return byCodePoint(x) - byCodePoint(y);
  }
  return a.length - b.length;
}

/** True if the text has a surrogate without its partner, which UTF-8 cannot say. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

/** True if the text has a control character (C0, DEL or C1). */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

// With the u flag a surrogate pair is one character, so only lone ones match.
const LONE_SURROGATE = /\p{Surrogate}/u;
const CONTROL = /\p{Control}/u;

function isPairAt(text: string, at: number, unit: number): boolean {
  if (unit < 0xd800 || unit >= 0xdc00) return false;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next < 0xe000;
}

/** Moves surrogates, which stand for the highest code points, above all other units. */
function byCodePoint(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
