/**
 * A flag that is on while somebody's enabling stands: enabling wins over concurrent disabling.
 *
 * It is a set with one possible element. Each enabling is a dot in place of those observed; disabling removes exactly
 * the dots that were observed, so nothing is kept of a flag that is off.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { type Dots, dotsBy, joinDots, NO_DOTS, plusDot, type Seen, withoutDots } from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { know } from "./types.js";

/** What is done to a flag. */
export type FlagOp =
  /** Turns it on, in place of the enablings observed. */
  | { readonly act: "enable"; readonly replaces: Dots }
  /** Removes the enablings observed. */
  | { readonly act: "disable"; readonly removes: Dots };

/** What is kept of a flag. */
export class FlagState {
  /** The enablings that stand. Never changed in place. */
  dots: Dots = NO_DOTS;
}

/** Reads a flag. */
export interface FlagView {
  readonly value: boolean;
}

/** Writes a flag within a transaction. */
export interface FlagDraft extends FlagView {
  /** Enabling what is on already renews it. */
  enable(): void;
  /** Nothing happens if it is off. */
  disable(): void;
}

/** The flag's own prepare functions, beside those of every type. */
export interface FlagType extends FieldType<FlagState, FlagOp, boolean, FlagView, FlagDraft> {
  /** Prepares setting it. Wins over a concurrent disabling. */
  enable(state: FlagState): FlagOp;
  /** Undefined if it is off. */
  disable(state: FlagState): FlagOp | undefined;
}

/** A flag that is on while an enabling stands: enabling wins over concurrent disabling. */
export const ewFlag: FlagType = {
  kind: KINDS.flag,

  enable: (state) => ({ act: "enable", replaces: state.dots }),
  disable: (state) => (state.dots.length === 0 ? undefined : { act: "disable", removes: state.dots }),

  reset: (state) => ewFlag.disable(state),

  isVacant: (state) => state.dots.length === 0,
  isBlank: (state) => state.dots.length === 0,

  value: (state) => state.dots.length > 0,
  json: (state) => state.dots.length > 0,

  empty: () => new FlagState(),
  isState: (state): state is FlagState => state instanceof FlagState,
  isOp: (op: AnyOp): op is FlagOp => op.act === "enable" || op.act === "disable",

  apply(state: FlagState, op: FlagOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    const before = state.dots;
    const left = withoutDots(before, removedBy(op));
    state.dots = op.act === "enable" ? plusDot(left, dot) : left;
    undo?.push(() => {
      state.dots = before;
    });
  },

  merge(into: FlagState, intoSeen: Seen, from: FlagState, fromSeen: Seen): void {
    into.dots = joinDots(into.dots, intoSeen, from.dots, fromSeen);
  },

  clone(state: FlagState): FlagState {
    const copy = new FlagState();
    copy.dots = state.dots;
    return copy;
  },

  again: (state, op) => (op.act === "enable" ? ewFlag.enable(state) : ewFlag.disable(state)),

  inverse(before, op) {
    if (op.act === "disable") return (state) => (ewFlag.value(state) ? [] : [{ op: ewFlag.enable(state) }]);
    if (ewFlag.value(before)) return undefined;
    return (state, dot) => {
      const removes = dotsBy(dot.author, state.dots);
      return removes.length === 0 ? [] : [{ op: { act: "disable", removes } }];
    };
  },

  mentions(op: FlagOp, visit: (author: Author, counter: number) => void): void {
    for (const dot of removedBy(op)) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: FlagOp, authors: AuthorTable): void {
    out.byte(OPCODE[op.act]);
    authors.writeDots(out, removedBy(op));
  },

  readOp(input: ByteReader, authors: AuthorTable): FlagOp | undefined {
    const at = input.offset;
    switch (input.byte()) {
      case OPCODE.enable:
        return { act: "enable", replaces: authors.readDotsToEnd(input) };
      case OPCODE.disable: {
        const removes = authors.readDotsToEnd(input);
        if (removes.length === 0) input.fail("a disabling of nothing", at);
        return { act: "disable", removes };
      }
      default:
        return undefined;
    }
  },

  writeState: (out, state, authors) => authors.writeCountedDots(out, state.dots),

  readState(input: ByteReader, authors: AuthorTable): FlagState {
    const state = new FlagState();
    state.dots = authors.readCountedDots(input);
    return state;
  },

  view: (source) => new LiveFlag(source),
  edit: (site) => new FlagEditor(site),
};

know(ewFlag);

// On the wire for ever.
const OPCODE = { enable: 1, disable: 2 } as const;

function removedBy(op: FlagOp): Dots {
  return op.act === "enable" ? op.replaces : op.removes;
}

class LiveFlag implements FlagView {
  readonly #source: Source<FlagState>;

  constructor(source: Source<FlagState>) {
    this.#source = source;
  }

  get value(): boolean {
    return ewFlag.value(this.#source());
  }
}

class FlagEditor extends LiveFlag implements FlagDraft {
  readonly #site: Site<FlagState, FlagOp>;

  constructor(site: Site<FlagState, FlagOp>) {
    super(site.state);
    this.#site = site;
  }

  enable(): void {
    this.#site.record(ewFlag.enable);
  }

  disable(): void {
    this.#site.record(ewFlag.disable);
  }
}
