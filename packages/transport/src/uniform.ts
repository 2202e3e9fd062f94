/**
 * A uniform integer from random bytes.
 *
 * The range of 53 bits is cut to a multiple of `below`, and a number drawn beyond it is drawn again: taking the
 * remainder of every number would favour the small ones. At worst every second draw is lost.
 */
export function uniformInteger(below: number, bytes: (length: number) => Uint8Array): number {
  if (!Number.isInteger(below) || below < 1 || below > SPAN)
    throw new RangeError(`no integers below ${below}`);
  const usable = SPAN - (SPAN % below);
  for (;;) {
    const drawn = bytes(7).reduce((sum, byte, at) => (at === 0 ? byte & 0x1f : sum * 256 + byte), 0);
    if (drawn < usable) return drawn % below;
  }
}

const SPAN = 2 ** 53;
