/**
 * Vectors: how far into each stream somebody has come, without gaps.
 *
 * A stream that is absent is at position 0, so a vector that never heard of a stream compares with one that has.
 */
import type { ByteReader, ByteWriter } from "./bytes.js";

/** The random 53-bit integer that names a stream: one master's epoch. */
export type StreamId = number;

/** Stream to highest position held without gaps. Positions count from 1. */
export type Vector = ReadonlyMap<StreamId, number>;
/** A vector that is being made. */
export type MutableVector = Map<StreamId, number>;

/** The position in stream `s`, 0 when the vector does not name it. */
export function positionIn(v: Vector, s: StreamId): number {
  return v.get(s) ?? 0;
}

/** True if `v` is as far as `w` in every stream. O(|w|). */
export function covers(v: Vector, w: Vector): boolean {
  for (const [stream, position] of w) if (positionIn(v, stream) < position) return false;
  return true;
}

/** Takes over from `w` whatever is further. O(|w|). */
export function joinInto(v: MutableVector, w: Vector): void {
  for (const [stream, position] of w) if (positionIn(v, stream) < position) v.set(stream, position);
}

/** True if each covers the other. */
export function vectorsEqual(v: Vector, w: Vector): boolean {
  return covers(v, w) && covers(w, v);
}

/** Canonical: count, then stream and position in ascending order of streams, positions of 0 left out. */
export function writeVector(out: ByteWriter, v: Vector): void {
  const streams = [...v.keys()].filter((stream) => positionIn(v, stream) > 0).sort((a, b) => a - b);
  out.uint(streams.length);
  for (const stream of streams) {
    out.uint(stream);
    out.uint(positionIn(v, stream));
  }
}

/** Refuses more than `max` streams, and what `writeVector` would not have written. */
export function readVector(input: ByteReader, max: number): MutableVector {
  const vector: MutableVector = new Map();
  let before = -1;
  for (let left = input.count(max, 2); left > 0; left--) {
    const stream = input.uint();
    if (stream <= before) input.fail("streams out of order");
    const position = input.uint();
    if (position === 0) input.fail("a stream at position 0");
    vector.set(stream, position);
    before = stream;
  }
  return vector;
}
