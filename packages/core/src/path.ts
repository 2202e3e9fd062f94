/**
 * Paths: where in a document an op goes. Each step is a name and the kind of what is under it.
 *
 * The kind is part of the place: two people who use one name for different things use two places, and nobody's
 * write is lost.
 */
import type { ByteReader, ByteWriter } from "./bytes.js";
import { InvalidValue } from "./errors.js";
import { checkFieldName, checkStepName } from "./ids.js";
import type { KindTag } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";

/** A name, and the kind of what is under it. */
export interface PathStep {
  readonly name: string;
  readonly kind: KindTag;
}

/** At least one step. */
export type Path = readonly PathStep[];

/** A string that is equal for equal paths only. */
export function pathKey(path: Path): string {
  if (path.length === 1) return fieldKey(path[0]!.name, path[0]!.kind);
  return path.map(({ name, kind }) => `${kind}:${name.length}:${name}`).join("/");
}

/** The `pathKey` of a field. Unlike those of deeper paths it has an @ after the name, which no field's name has. */
export function fieldKey(name: string, kind: KindTag): string {
  return `${name}@${kind}`;
}

/** A string that is equal for equal steps only. */
export function stepKey({ name, kind }: PathStep): string {
  return `${kind}:${name}`;
}

/** A step below a field. Throws `InvalidValue` if it cannot have this name. */
export function checkedStep(name: string, kind: KindTag): PathStep {
  const reason = checkStepName(name);
  if (reason !== undefined)
    throw new InvalidValue(`key ${JSON.stringify(`${name}`.slice(0, 100))}: ${reason}`);
  return { name, kind };
}

/** Throws `InvalidValue` if the path has a name, depth or kind that no path may have. */
export function checkPath(path: Path): void {
  const reason = faultOf(path);
  if (reason !== undefined) throw new InvalidValue(reason);
}

export function readPath(input: ByteReader): Path {
  const at = input.offset;
  const path: PathStep[] = [];
  for (let left = input.uint(CORE_LIMITS.pathDepthMax); left > 0; left--) {
    path.push({ name: input.text(CORE_LIMITS.keyBytesMax), kind: input.uint(CORE_LIMITS.kindTagMax) });
  }
  const reason = faultOf(path);
  if (reason !== undefined) input.fail(reason, at);
  return path;
}

/** Writes a path that has been checked, or the steps below a field, of which there may be none. */
export function writePathSteps(out: ByteWriter, steps: readonly PathStep[]): void {
  out.uint(steps.length);
  for (const { name, kind } of steps) {
    out.text(name);
    out.uint(kind);
  }
}

export function readPathSteps(input: ByteReader): PathStep[] {
  const steps: PathStep[] = [];
  for (let left = input.uint(CORE_LIMITS.pathDepthMax - 1); left > 0; left--) {
    steps.push({ name: readStepName(input), kind: input.uint(CORE_LIMITS.kindTagMax) });
  }
  return steps;
}

/** The name of a step below a field. */
export function readStepName(input: ByteReader): string {
  const at = input.offset;
  const name = input.text(CORE_LIMITS.keyBytesMax);
  const reason = checkStepName(name);
  if (reason !== undefined) input.fail(reason, at);
  return name;
}

function faultOf(path: Path): string | undefined {
  const [field, ...below] = path;
  if (field === undefined) return "a path has at least one step";
  if (path.length > CORE_LIMITS.pathDepthMax) return `a path has at most ${CORE_LIMITS.pathDepthMax} steps`;
  if (path.some(({ kind }) => kind < 1 || kind > CORE_LIMITS.kindTagMax)) return "a kind's tag is 1 to 65535";
  return checkFieldName(field.name) ?? below.map(({ name }) => checkStepName(name)).find((reason) => reason);
}
