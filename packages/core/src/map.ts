/**
 * A map from names to CRDTs of any kind, maps among them.
 *
 * It keeps nothing of its own about its keys: a key is there while something is shown under it, and removing one takes
 * away exactly what the remover saw there, op by op. So what others did to it at the same time stays, and a key leaves
 * nothing behind but what its types must remember. One name may hold several kinds, so that people who use it for
 * different things do not lose anything to each other. A map that must be there while it is empty is *created*, which
 * is a dot that lives like an element of a set.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import { Children } from "./children.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { type Dots, joinDots, NO_DOTS, plusDot, type Seen, withoutDots } from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { checkedStep } from "./path.js";
import { know, type Op } from "./types.js";
import type { Value } from "./value.js";

/** What is done to a map itself; what is done to its entries is theirs. */
export type MapOp =
  /** Makes the map be there, in place of the creations observed. */
  | { readonly act: "create"; readonly replaces: Dots }
  /** Removes the creations observed. */
  | { readonly act: "vanish"; readonly removes: Dots };

/** What is kept of a map: its cells, and who created it. */
export class MapState {
  /** The creations that stand. Never changed in place. */
  created: Dots = NO_DOTS;
  children = new Children();
}

/** Reads a map. */
export interface MapView {
  /** What is under a name, of this type. Throws `InvalidValue` for a name that no key may have. */
  at<State, ChildOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, ChildOp, unknown, View, Editor>,
  ): View;
  /** O(kinds under all names). */
  has(name: string): boolean;
  /** In the order of their UTF-8 bytes. O(n log n). */
  readonly keys: readonly string[];
  /** A plain copy of all that is under its keys. O(size). */
  toJSON(): Record<string, Value>;
}

/** Writes a map within a transaction. */
export interface MapDraft extends MapView {
  at<State, ChildOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, ChildOp, unknown, View, Editor>,
  ): Editor;
  /** Makes the map be there even if nothing is in it. */
  create(): void;
  /** Takes away all that is under a name, whatever its kind. What only grows stays. O(what is there). */
  delete(name: string): void;
  /** Takes away all that is under all names. A map that was created stays, with nothing in it. O(what is there). */
  clear(): void;
}

/** A type of map: what is under a key is written by its own type, so besides what every type has there is nothing to prepare. */
export type MapTypeOf<State extends MapState, TypeOp extends Op> = FieldType<
  State,
  TypeOp,
  Record<string, Value>,
  MapView,
  MapDraft
>;

export interface MapType extends MapTypeOf<MapState, MapOp> {
  /** Prepares that the map is there although it has no keys. Takes the place of earlier ones. */
  create(state: MapState): MapOp;
}

/** A map of fields of any type by key; removing a key removes what was observed in it. */
export const orMap: MapType = {
  kind: KINDS.map,

  create: (state) => ({ act: "create", replaces: state.created }),
  reset: (state) => (state.created.length === 0 ? undefined : { act: "vanish", removes: state.created }),

  value: (state) => state.children.json(),
  json: (state) => state.children.json(),

  empty: () => new MapState(),
  isState: (state): state is MapState => state instanceof MapState,
  isOp: (op: AnyOp): op is MapOp => op.act === "create" || op.act === "vanish",
  isVacant: (state) => state.created.length === 0 && !state.children.hasShown(),
  isBlank: (state) => state.created.length === 0 && state.children.isEmpty,
  children: (state) => state.children,

  apply(state: MapState, op: MapOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    const before = state.created;
    const left = withoutDots(before, removedBy(op));
    state.created = op.act === "create" ? plusDot(left, dot) : left;
    undo?.push(() => {
      state.created = before;
    });
  },

  merge(into: MapState, intoSeen: Seen, from: MapState, fromSeen: Seen): void {
    into.created = joinDots(into.created, intoSeen, from.created, fromSeen);
    into.children.merge(intoSeen, from.children, fromSeen);
  },

  clone(state: MapState): MapState {
    const copy = new MapState();
    copy.created = state.created;
    copy.children = state.children.clone();
    return copy;
  },

  again: (state, op) => (op.act === "create" ? orMap.create(state) : orMap.reset(state)),

  mentions(op: MapOp, visit: (author: Author, counter: number) => void): void {
    for (const dot of removedBy(op)) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: MapOp, authors: AuthorTable): void {
    out.byte(OPCODE[op.act]);
    authors.writeDots(out, removedBy(op));
  },

  readOp(input: ByteReader, authors: AuthorTable): MapOp | undefined {
    const at = input.offset;
    const opcode = input.byte();
    if (opcode === OPCODE.create) return { act: "create", replaces: authors.readDotsToEnd(input) };
    if (opcode !== OPCODE.vanish) return undefined;
    const removes = authors.readDotsToEnd(input);
    if (removes.length === 0) input.fail("a removal of nothing", at);
    return { act: "vanish", removes };
  },

  readState(input: ByteReader, authors: AuthorTable, depth: number): MapState {
    const state = new MapState();
    state.created = authors.readCountedDots(input);
    state.children = Children.readState(input, authors, depth);
    return state;
  },

  view: (source) => new LiveMap(source),
  edit: (site) => new MapEditor(site),
};

know(orMap);

/** What all types of maps have in common. */
export const COMMON_OF_MAPS: Omit<MapType, "many"> = orMap;

// On the wire for ever.
const OPCODE = { create: 1, vanish: 2 } as const;

function removedBy(op: MapOp): Dots {
  return op.act === "create" ? op.replaces : op.removes;
}

export class LiveMap implements MapView {
  readonly #source: Source<MapState>;

  constructor(source: Source<MapState>) {
    this.#source = source;
  }

  at<State, ChildOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, ChildOp, unknown, View, Editor>,
  ): View {
    checkedStep(name, type.kind);
    return type.view(() => this.#source().children.state(name, type));
  }

  has(name: string): boolean {
    return this.#source().children.names().includes(name);
  }

  get keys(): readonly string[] {
    return this.#source().children.names();
  }

  toJSON(): Record<string, Value> {
    return this.#source().children.json();
  }
}

/** A place of a map of any kind. */
type MapSite = Omit<Site<MapState, MapOp>, "record"> & {
  record(prepare: (state: MapState) => MapOp | undefined): void;
};

export class MapEditor extends LiveMap implements MapDraft {
  readonly #site: MapSite;

  constructor(site: MapSite) {
    super(site.state);
    this.#site = site;
  }

  override at<State, ChildOp extends Op, View, Editor extends View>(
    name: string,
    type: FieldType<State, ChildOp, unknown, View, Editor>,
  ): Editor {
    return type.edit(this.#site.child(checkedStep(name, type.kind), type));
  }

  create(): void {
    this.#site.record(orMap.create);
  }

  delete(name: string): void {
    for (const step of this.#site.state().children.steps()) if (step.name === name) this.#site.reset(step);
  }

  clear(): void {
    for (const step of this.#site.state().children.steps()) this.#site.reset(step);
  }
}
