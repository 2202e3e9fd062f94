/** A replica of any type, as laws see it: acts, ops, states and what is shown, all in bytes and plain values. */
import {
  type Dot,
  deltaSince,
  type FieldType,
  mergeDelta,
  type Op,
  Replica,
  type Result,
} from "@syncline/core";
import type { Act, TypeCase } from "./cases.js";

export interface Subject {
  perform(act: Act, stamp: number): Uint8Array[];
  /** Throws `Refused` on bytes that are none. */
  apply(op: Uint8Array): string;
  state(): Uint8Array;
  /** Throws `Refused` on bytes that are none. */
  merge(state: Uint8Array): void;
  /** What has changed since a version. */
  delta(version: readonly Dot[]): Uint8Array;
  /** How a delta came. Throws `Refused` on bytes that are none. */
  take(delta: Uint8Array): string;
  read(): unknown;
  /** Performs all of it in one edit that throws in the end. */
  fail(acts: readonly Act[], stamp: number): void;
}

export function subjectOf(each: TypeCase, author: number): Subject {
  return each.withType((type, perform) => replicaAs(type, perform, author));
}

export function replicaAs<State, TypeOp extends Op, View extends object, Editor extends View>(
  type: FieldType<State, TypeOp, unknown, View, Editor>,
  perform: (editor: Editor, act: Act) => void,
  author: number,
): Subject {
  const replica = new Replica(type, author);
  return {
    perform: (act, stamp) => replica.edit(stamp, (editor) => perform(editor, act)),
    apply: (op) => taken(replica.apply(op)),
    state: () => replica.state(),
    merge: (state) => taken(replica.merge(state)),
    delta: (version) => deltaSince(replica, version),
    take: (delta) => taken(mergeDelta(replica, delta)),
    read: () => replica.value,
    fail(acts, stamp) {
      try {
        replica.edit(stamp, (editor) => {
          for (const act of acts) perform(editor, act);
          throw new Failure();
        });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
    },
  };
}

/** Bytes were a fault. */
export class Refused extends Error {}

function taken<T>(result: Result<T>): T {
  if (!result.ok) throw new Refused(`${result.fault.code}: ${result.fault.reason}`);
  return result.value;
}

/** What an edit throws that is meant to fail. */
class Failure extends Error {}
