/**
 * How payloads of ops are put together, as far as link frames take them apart: an opcode, perhaps a value, and dots.
 *
 * Frames name the layout, so whoever reads them needs no types: what is written here decides only how small an op is.
 * Whatever does not fit its layout exactly is `raw`, and every payload of a kind that is not listed.
 */
import type { ByteReader } from "./bytes.js";
import { KINDS, type KindTag } from "./kinds.js";

// On the wire for ever.
export const LAYOUT = {
  /** Any bytes. */
  raw: 0,
  /** An opcode, a value, and dots to the end. */
  valueDots: 1,
  /** An opcode, and dots to the end. */
  dots: 2,
  /** An opcode and an `int`. */
  int: 3,
} as const;

export type Layout = (typeof LAYOUT)[keyof typeof LAYOUT];

/** The layout of an op's payload, by its kind and opcode. */
export function layoutOf(kind: KindTag, opcode: number): Layout {
  return LAYOUTS[kind]?.[opcode] ?? LAYOUT.raw;
}

export function readLayout(input: ByteReader): Layout {
  const at = input.offset;
  const layout = input.byte();
  return isLayout(layout) ? layout : input.fail(`no layout has number ${layout}`, at);
}

export function isLayout(layout: number): layout is Layout {
  return layout <= LAYOUT.int;
}

const { valueDots, dots, int } = LAYOUT;

const LAYOUTS: { readonly [kind: KindTag]: { readonly [opcode: number]: Layout } } = {
  [KINDS.register]: { 1: valueDots, 2: dots },
  [KINDS.counter]: { 1: int },
  [KINDS.set]: { 1: valueDots, 2: valueDots, 3: dots },
  [KINDS.flag]: { 1: dots, 2: dots },
  [KINDS.map]: { 1: dots, 2: dots },
  [KINDS["remove-set"]]: { 1: valueDots, 2: valueDots, 3: dots },
  [KINDS["grow-set"]]: { 1: valueDots },
  [KINDS["disable-flag"]]: { 1: dots, 2: dots, 3: dots },
};
