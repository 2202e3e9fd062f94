/**
 * A draft: a transaction while it is being written.
 *
 * Every mutation is prepared and applied at once to the document itself, so that reads see it; how to take it back
 * goes to the caller's undo list. What was done is recorded as ops with consecutive dots and becomes a change at the
 * end. Faults of the caller (values, names, limits) throw where they are made.
 */
import { type Change, type ChangeOp, recordedChange } from "./change.js";
import type { Stamp } from "./clock.js";
import { type CounterDraft, pnCounter } from "./counter.js";
import type { AnyOp, Crdt, Undo } from "./crdt.js";
import { open, resetBelow } from "./descent.js";
import { DraftClosed, InvalidValue, LimitExceeded } from "./errors.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Fields } from "./fields.js";
import { type Author, checkFieldName, type DocumentName, type Dot } from "./ids.js";
import type { KindTag } from "./kinds.js";
import { CORE_LIMITS } from "./limits.js";
import {
  DELETED_PATH,
  deletionOf,
  formsOf,
  isOwnField,
  LOST_PATH,
  type Lost,
  lostOf,
  newestLost,
} from "./own-fields.js";
import { type Path, type PathStep, pathKey } from "./path.js";
import { lwwRegister, type RegisterDraft } from "./register.js";
import { orSet, type SetDraft, type SetState } from "./set.js";
import { type Cell, type Op, typeAt } from "./types.js";
import { ownValue, type Value } from "./value.js";

/** What a transaction's function is given. Throws `DraftClosed` after its end. */
export interface Draft {
  /** Of the change that this becomes. */
  readonly stamp: Stamp;
  /** The field of this name and type. */
  at<State, TypeOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, TypeOp, unknown, View, Editor>,
  ): Editor;
  /** The register of this name. Throws `InvalidValue` if nothing can have the name. */
  register(name: string): RegisterDraft;
  /** The counter of this name. Throws `InvalidValue` if nothing can have the name. */
  counter(name: string): CounterDraft;
  /** The set of this name. Throws `InvalidValue` if nothing can have the name. */
  set(name: string): SetDraft;
  /**
   * Makes the mutations of a change again, by what is there now: what they replace and remove is judged anew. Ops that
   * this version does not understand are left out. `made` says under which dots ops stand that were made again before,
   * and takes down those of this change. Nothing is done if an op builds on what is not there.
   */
  repeat(change: Change, made?: Map<string, Dot>): void;
  /** What is kept at a path now, and makes an op there. For `UndoHistory`. */
  cell(path: Path): Cell | undefined;
  /** Makes this op at the path as it is, and says under which dot. For `UndoHistory`. */
  play(path: Path, op: Op): Dot;
  /** Hides the document from everybody, with what is written to it at the same time. Nothing happens if it is hidden. */
  deleteDocument(): void;
  /** Shows it again, with all that it holds. Only where the transaction was told to leave a deleted document `asIs`. */
  restoreDocument(): void;
  /** A plain copy of the document as the transaction has made it so far. O(size). */
  toJSON(): Record<string, Value>;
}

export interface DraftOrigin {
  readonly document: DocumentName;
  readonly author: Author;
  readonly first: number;
  readonly stamp: Stamp;
  readonly observed: readonly Dot[];
  /** Counters that the maker has seen of all authors. */
  readonly seen: () => Iterable<Dot>;
}

/** Who hears of what is recorded, before it is done. */
export interface RecordingWatch {
  /** The first op on a path. */
  before?(path: Path): void;
  /** An op at the end of a path of which this is the first step: what it takes away or brings back beside. */
  shifting?(root: Cell | undefined, path: Path, op: Op): void;
  /** Every op. */
  made?(path: Path, op: Op, dot: Dot): void;
}

export class Recording implements Draft {
  readonly #origin: DraftOrigin;
  readonly #fields: Fields;
  readonly #undo: Undo;
  readonly #watch: RecordingWatch;
  #paths: Path[] = [];
  /** Of more than one path: the place of each, by its key. */
  #pathIndex: Map<string, number> | undefined;
  #lastIndex = 0;
  #ops: ChangeOp[] = [];
  #valueBytes = 0;
  /** What nobody will be shown any more because of this, and is not on the list yet. */
  #lost: Lost[] = [];
  #closed = false;
  /** How many ops only make room for a new document where one was deleted. */
  #renewals = 0;

  constructor(origin: DraftOrigin, fields: Fields, undo: Undo, watch: RecordingWatch) {
    this.#origin = origin;
    this.#fields = fields;
    this.#undo = undo;
    this.#watch = watch;
  }

  at<State, TypeOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, TypeOp, unknown, View, Editor>,
  ): Editor {
    this.#mustBeOpen();
    const path = this.#fields.pathOf(name, type.kind) ?? fieldPath(name, type.kind);
    return type.edit(new FieldSite(this, path, type));
  }

  register(name: string): RegisterDraft {
    return this.at(name, lwwRegister);
  }

  counter(name: string): CounterDraft {
    return this.at(name, pnCounter);
  }

  set(name: string): SetDraft {
    return this.at(name, orSet);
  }

  repeat(change: Change, made: Map<string, Dot> = new Map()): void {
    for (const path of change.paths) if (typeAt(path)?.lacks?.(change, this.#fields)) return;
    const now = (dot: Dot): Dot => made.get(`${dot.author}:${dot.counter}`) ?? dot;
    change.ops.forEach(({ path: index, op }, i) => {
      const path = change.paths[index]!;
      const { name } = path[0]!;
      const type = typeAt(path);
      // What is lost by it is what it replaces here, and is taken down by itself.
      if (type === undefined || op.act === "opaque" || name === LOST_PATH[0]!.name) return;
      if (name === DELETED_PATH[0]!.name && op.act === "set") {
        // What it says is what is seen here, not what was seen where it was made first.
        this.deleteDocument();
        return;
      }
      const again = type.again(this.#fields.cell(path) ?? type.empty(), op, now);
      if (again !== undefined) made.set(`${change.author}:${change.first + i}`, this.play(path, again));
    });
  }

  cell(path: Path): Cell | undefined {
    return this.#fields.cell(path);
  }

  play(path: Path, op: Op): Dot {
    return this.#take(path, op)!;
  }

  get stamp(): Stamp {
    return this.#origin.stamp;
  }

  deleteDocument(): void {
    this.#mustBeOpen();
    const mark = this.#fields.state(DELETED_PATH, lwwRegister);
    const seen = [...this.#origin.seen()];
    if (mark.siblings.length > 0 || seen.length === 0) return;
    this.#take(DELETED_PATH, lwwRegister.set(mark, this.own(deletionOf(seen))));
  }

  restoreDocument(): void {
    this.#mustBeOpen();
    this.#take(DELETED_PATH, lwwRegister.clear(this.#fields.state(DELETED_PATH, lwwRegister)));
  }

  /** Takes away all that is seen of a document that was deleted: what is written now begins a new one. */
  renew(): void {
    for (const { path } of [...this.#fields.all()]) if (!isOwnField(path[0]!.name)) this.reset(path);
    this.restoreDocument();
    this.#renewals = this.#ops.length;
  }

  toJSON(): Record<string, Value> {
    this.#mustBeOpen();
    return this.#fields.json();
  }

  /** Ends the draft: whatever is called on it from now on throws. */
  close(): void {
    this.#closed = true;
  }

  /** The change of what was recorded, undefined if that is nothing. Throws `LimitExceeded`. */
  change(): Change | undefined {
    if (this.#ops.length === this.#renewals) return undefined;
    const [ops, paths, undo] = [this.#ops.length, this.#paths.length, this.#undo.length];
    this.lose();
    try {
      return this.#recorded();
    } catch {
      // Up to a limit, then, or beyond one: what is lost by it is not told.
      for (const step of this.#undo.splice(undo).reverse()) step();
      this.#ops.length = ops;
      this.#paths.length = paths;
    }
    return this.#recorded();
  }

  #recorded(): Change {
    const { document, author, first, stamp, observed } = this.#origin;
    return recordedChange({ document, author, first, stamp, observed, paths: this.#paths, ops: this.#ops });
  }

  /**
   * Puts on the list what is lost by what was recorded so far, as far as there is room for it: the newest first, in as few
   * words as it takes. Makes room on the list.
   */
  lose(): void {
    const coming = this.#lost;
    this.#lost = [];
    if (coming.length === 0) return;
    const state = (): SetState => this.#fields.state(LOST_PATH, orSet);
    const here = orSet.value(state());
    const kept = newestLost([...coming, ...here]);
    for (const lost of coming)
      if (kept.includes(lost)) this.#fit(formsOf(lost), (element) => orSet.add(state(), element));
    for (const old of here)
      if (!kept.includes(old)) this.#fit([old], (element) => orSet.remove(state(), element));
  }

  /** Does it with the first of these for which there is room in half of a change: the other half is for what is written. */
  #fit(forms: readonly Value[], prepare: (element: Value) => Op | undefined): void {
    for (const form of forms) {
      const before = this.#valueBytes;
      try {
        const element = this.own(form);
        if (this.#valueBytes < CORE_LIMITS.changeBytesMax / 2) {
          this.#take(LOST_PATH, prepare(element));
          return;
        }
      } catch (error) {
        if (!(error instanceof InvalidValue || error instanceof LimitExceeded)) throw error;
      }
      this.#valueBytes = before;
    }
  }

  state<State, TypeOp extends AnyOp>(path: Path, type: Crdt<State, TypeOp, unknown>): State {
    this.#mustBeOpen();
    return this.#fields.state(path, type);
  }

  record<State, TypeOp extends Op>(
    path: Path,
    type: Crdt<State, TypeOp, unknown>,
    prepare: (state: State) => TypeOp | undefined,
  ): void {
    const state = this.state(path, type);
    let op: TypeOp | undefined;
    try {
      op = prepare(state);
    } catch (error) {
      if (error instanceof InvalidValue)
        throw new InvalidValue(`field ${JSON.stringify(path[0]!.name)}: ${error.message}`);
      throw error;
    }
    this.#take(path, op);
  }

  /** Removes all that is observed at a path and below it. */
  reset(path: Path): void {
    this.#mustBeOpen();
    const cell = this.#fields.cell(path);
    if (cell !== undefined) resetBelow(cell, path, (at, op) => this.#take(at, op));
  }

  own(given: Value): Value {
    const { value, bytesMax } = ownValue(given);
    this.#valueBytes += bytesMax;
    // Found here rather than at the end, so that a runaway transaction does not fill the memory first.
    if (this.#valueBytes > CORE_LIMITS.changeBytesMax) {
      throw new LimitExceeded(`changeBytesMax is ${CORE_LIMITS.changeBytesMax}`);
    }
    return value;
  }

  /** Applies an op and takes it down. */
  #take(path: Path, op: Op | undefined): Dot | undefined {
    this.#mustBeOpen();
    if (op === undefined) return undefined;
    if (path.length > 1)
      open(this.#fields.root(path), path, this.#origin.author, (at, said) => this.#take(at, said));
    if (this.#ops.length === CORE_LIMITS.opsPerChangeMax) {
      throw new LimitExceeded(`opsPerChangeMax is ${CORE_LIMITS.opsPerChangeMax}`);
    }
    const { author, first, stamp } = this.#origin;
    const dot = { author, counter: first + this.#ops.length };
    if ((op.act === "set" || op.act === "clear") && op.replaces.length > 1) this.#loses(path);
    const index = this.#indexOf(path);
    this.#watch.shifting?.(this.#fields.root(path), path, op);
    if (!isOwnField(path[0]!.name)) this.#watch.made?.(path, op, dot);
    this.#fields.apply(path, { op, dot, stamp, undo: this.#undo });
    this.#ops = added(this.#ops, { path: index, op });
    return dot;
  }

  /** Takes down what nobody will be shown any more once the register at this path is written. */
  #loses(path: Path): void {
    if (isOwnField(path[0]!.name)) return;
    const lost = [...this.#lost, ...lostOf(path, this.#fields.state(path, lwwRegister).siblings)];
    this.#lost = newestLost(lost);
  }

  #indexOf(path: Path): number {
    if (path !== this.#paths[this.#lastIndex]) this.#lastIndex = this.#findIndex(path);
    return this.#lastIndex;
  }

  #findIndex(path: Path): number {
    const paths = this.#paths;
    if (paths.length === 0) {
      this.#watch.before?.(path);
      this.#paths = [path];
      return 0;
    }
    this.#pathIndex ??= new Map([[pathKey(paths[0]!), 0]]);
    const key = pathKey(path);
    const index = this.#pathIndex.get(key) ?? paths.length;
    if (index === paths.length) {
      this.#watch.before?.(path);
      this.#pathIndex.set(key, index);
      paths.push(path);
    }
    return index;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new DraftClosed("the transaction of this draft has ended");
  }
}

/** With one more at the end. A list of one is mostly all there will be, and one that has grown has room for twenty. */
function added<T>(list: T[], each: T): T[] {
  if (list.length === 0) return [each];
  list.push(each);
  return list;
}

/** The path of a field. Throws `InvalidValue` if it may not have this name. */
export function fieldPath(name: string, kind: KindTag): Path {
  const reason =
    checkFieldName(name) ?? (isOwnField(name) ? "names that begin with ~ are the document's own" : undefined);
  if (reason !== undefined) throw new InvalidValue(`field ${JSON.stringify(name)}: ${reason}`);
  return [{ name, kind }];
}

/** A path of a recording, with the type that is there. */
class FieldSite<State, TypeOp extends Op> implements Site<State, TypeOp> {
  readonly state: Source<State>;
  readonly #recording: Recording;
  readonly #path: Path;
  readonly #type: Crdt<State, TypeOp, unknown>;

  constructor(recording: Recording, path: Path, type: Crdt<State, TypeOp, unknown>) {
    this.#recording = recording;
    this.#path = path;
    this.#type = type;
    this.state = () => recording.state(path, type);
  }

  record(prepare: (state: State) => TypeOp | undefined): void {
    this.#recording.record(this.#path, this.#type, prepare);
  }

  child<ChildState, ChildOp extends Op>(
    step: PathStep,
    type: Crdt<ChildState, ChildOp, unknown>,
  ): Site<ChildState, ChildOp> {
    if (this.#path.length === CORE_LIMITS.pathDepthMax) {
      throw new LimitExceeded(`pathDepthMax is ${CORE_LIMITS.pathDepthMax}`);
    }
    return new FieldSite(this.#recording, [...this.#path, step], type);
  }

  reset(step: PathStep): void {
    this.#recording.reset([...this.#path, step]);
  }

  own(value: Value): Value {
    return this.#recording.own(value);
  }
}
