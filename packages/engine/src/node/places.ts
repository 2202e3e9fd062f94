/**
 * Where the changes of a document stand, field by field: for each stream the greatest position.
 *
 * What a drop has hidden from whom is a question of places: who dropped a field says up to where he had seen each stream,
 * and whatever of it stands beyond was written unseen. The tail has its places; of what is folded they are kept beside
 * the base, and go with it in snapshots, so that every node finds the same whichever way it came by a document (I5).
 */
import type { ByteReader, ByteWriter, MutableVector, Path, StreamId, Vector } from "@syncline/core";
import {
  CORE_LIMITS,
  fieldKey,
  joinInto,
  KINDS,
  positionIn,
  readChangePaths,
  readVector,
  writeVector,
} from "@syncline/core";
import type { PlacedChange } from "@syncline/protocol";

/** By `fieldKey`. */
export type Places = ReadonlyMap<string, Vector>;

export type MutablePlaces = Map<string, MutableVector>;

/** The key of a field of the schema. */
export const fieldKeyOf = (id: string, kind: string): string =>
  fieldKey(id, (KINDS as Readonly<Record<string, number>>)[kind] ?? 0);

/** The fields that a change writes to. */
export function fieldsOf(place: PlacedChange): Set<string> {
  return new Set(pathsOf(place).map(keyOfPath));
}

/** @param paths of the change, from whoever has read it already. */
export function addPlace(
  places: MutablePlaces,
  place: PlacedChange,
  paths: readonly Path[] = pathsOf(place),
): void {
  for (const path of paths) {
    const vector = vectorAt(places, keyOfPath(path));
    if (positionIn(vector, place.stream) < place.position) vector.set(place.stream, place.position);
  }
}

function pathsOf({ change }: PlacedChange): readonly Path[] {
  const paths = readChangePaths(change);
  return paths.ok ? paths.value : [];
}

export function joinPlaces(places: MutablePlaces, others: Places): void {
  for (const [field, vector] of others) joinInto(vectorAt(places, field), vector);
}

/** Whether any of it, or of one field, stands beyond the vector. */
export function isBeyond(places: Places, field: string | undefined, seen: Vector): boolean {
  for (const [key, vector] of places) {
    if (field !== undefined && field !== key) continue;
    for (const [stream, position] of vector) if (position > positionIn(seen, stream)) return true;
  }
  return false;
}

/** For each stream the greatest of the places that are asked for. */
export function greatestPlaces(
  places: Places,
  isWanted: (stream: StreamId, position: number) => boolean,
): Vector {
  const greatest: MutableVector = new Map();
  for (const vector of places.values())
    for (const [stream, position] of vector)
      if (isWanted(stream, position)) joinInto(greatest, new Map([[stream, position]]));
  return greatest;
}

export function writePlaces(out: ByteWriter, places: Places): void {
  out.uint(places.size);
  for (const [field, vector] of places) {
    out.text(field);
    writeVector(out, vector);
  }
}

export function readPlaces(input: ByteReader): Places {
  const places: MutablePlaces = new Map();
  for (let left = input.count(Number.MAX_SAFE_INTEGER, 2); left > 0; left--) {
    const field = input.text(CORE_LIMITS.fieldBytesMax + KIND_DIGITS);
    places.set(field, new Map(readVector(input, Number.MAX_SAFE_INTEGER)));
  }
  return places;
}

/** A sign, and a number of up to 2^53. */
const KIND_DIGITS = 17;

const keyOfPath = ([step]: Path): string => fieldKey(step?.name ?? "", step?.kind ?? 0);

function vectorAt(places: MutablePlaces, field: string): MutableVector {
  let vector = places.get(field);
  if (vector === undefined) places.set(field, (vector = new Map()));
  return vector;
}
