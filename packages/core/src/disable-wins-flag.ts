/**
 * A flag that is on only while nobody is against it: disabling wins over concurrent enabling.
 *
 * It keeps a ballot, so that a flag which nobody has touched is off, and one that is reset is as if nobody had.
 */
import type { AuthorTable } from "./author-table.js";
import {
  type Ballot,
  hasVotes,
  hasVotesOfOthers,
  isCarried,
  joinBallots,
  NO_VOTES,
  readBallot,
  voted,
  votes,
  writeBallot,
} from "./ballot.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Stamp } from "./clock.js";
import type { AnyOp, Undo } from "./crdt.js";
import { type Dots, dotsBy, type Seen } from "./dots.js";
import type { FieldType, Site, Source } from "./field-type.js";
import type { FlagDraft, FlagView } from "./flag.js";
import type { Author, Dot } from "./ids.js";
import { KINDS } from "./kinds.js";
import { know } from "./types.js";

/** What can be done to such a flag. Each op names the dots whose place it takes. */
export type DisableWinsFlagOp =
  /** Votes for or against, in place of the votes observed. */
  | { readonly act: "allow" | "forbid"; readonly replaces: Dots }
  /** Removes the votes observed. */
  | { readonly act: "withdraw"; readonly replaces: Dots };

/** What is kept of such a flag: the enablings and disablings that no later one has replaced. */
export class DisableWinsFlagState {
  ballot: Ballot = NO_VOTES;
}

export interface DisableWinsFlagType
  extends FieldType<DisableWinsFlagState, DisableWinsFlagOp, boolean, FlagView, FlagDraft> {
  /** Prepares setting it. A concurrent disabling wins. */
  enable(state: DisableWinsFlagState): DisableWinsFlagOp;
  /** Undefined if it is off. */
  disable(state: DisableWinsFlagState): DisableWinsFlagOp | undefined;
}

/** A flag in which disabling wins over concurrent enabling. */
export const dwFlag: DisableWinsFlagType = {
  kind: KINDS["disable-flag"],

  enable: ({ ballot }) => ({ act: "allow", replaces: votes(ballot) }),
  disable: ({ ballot }) => (isCarried(ballot) ? { act: "forbid", replaces: votes(ballot) } : undefined),

  reset: ({ ballot }) => (hasVotes(ballot) ? { act: "withdraw", replaces: votes(ballot) } : undefined),

  isVacant: (state) => !hasVotes(state.ballot),
  isBlank: (state) => !hasVotes(state.ballot),

  value: (state) => isCarried(state.ballot),
  json: (state) => isCarried(state.ballot),

  empty: () => new DisableWinsFlagState(),
  isState: (state): state is DisableWinsFlagState => state instanceof DisableWinsFlagState,
  isOp: (op: AnyOp): op is DisableWinsFlagOp =>
    op.act === "allow" || op.act === "forbid" || op.act === "withdraw",

  apply(state: DisableWinsFlagState, op: DisableWinsFlagOp, dot: Dot, _stamp: Stamp, undo?: Undo): void {
    const before = state.ballot;
    state.ballot = voted(before, SIDE[op.act], dot, op.replaces);
    undo?.push(() => {
      state.ballot = before;
    });
  },

  merge(into: DisableWinsFlagState, intoSeen: Seen, from: DisableWinsFlagState, fromSeen: Seen): void {
    into.ballot = joinBallots(into.ballot, intoSeen, from.ballot, fromSeen);
  },

  clone(state: DisableWinsFlagState): DisableWinsFlagState {
    const copy = new DisableWinsFlagState();
    copy.ballot = state.ballot;
    return copy;
  },

  again(state: DisableWinsFlagState, op: DisableWinsFlagOp): DisableWinsFlagOp | undefined {
    if (op.act === "withdraw") return dwFlag.reset(state);
    return op.act === "allow" ? dwFlag.enable(state) : dwFlag.disable(state);
  },

  inverse({ ballot }, op) {
    const wasOn = isCarried(ballot);
    const isOn = op.act === "allow";
    if (wasOn === isOn) return undefined;
    return (state, { author }) => {
      if (isCarried(state.ballot) !== isOn || (isOn && hasVotesOfOthers(state.ballot, author))) return [];
      const replaces = dotsBy(author, votes(state.ballot));
      return [{ op: { act: wasOn ? "allow" : "forbid", replaces } }];
    };
  },

  mentions(op: DisableWinsFlagOp, visit: (author: Author, counter: number) => void): void {
    for (const dot of op.replaces) visit(dot.author, dot.counter);
  },

  writeOp(out: ByteWriter, op: DisableWinsFlagOp, authors: AuthorTable): void {
    out.byte(OPCODE[op.act]);
    authors.writeDots(out, op.replaces);
  },

  readOp(input: ByteReader, authors: AuthorTable): DisableWinsFlagOp | undefined {
    const at = input.offset;
    const opcode = input.byte();
    if (opcode === OPCODE.allow) return { act: "allow", replaces: authors.readDotsToEnd(input) };
    if (opcode !== OPCODE.forbid && opcode !== OPCODE.withdraw) return undefined;
    const replaces = authors.readDotsToEnd(input);
    if (replaces.length === 0) input.fail("a disabling of nothing", at);
    return { act: opcode === OPCODE.forbid ? "forbid" : "withdraw", replaces };
  },

  writeState: (out, state, authors) => writeBallot(out, state.ballot, authors),

  readState(input: ByteReader, authors: AuthorTable): DisableWinsFlagState {
    const state = new DisableWinsFlagState();
    state.ballot = readBallot(input, authors);
    return state;
  },

  view: (source) => new LiveDisableWinsFlag(source),
  edit: (site) => new DisableWinsFlagEditor(site),
};

know(dwFlag);

// On the wire for ever.
const OPCODE = { allow: 1, forbid: 2, withdraw: 3 } as const;

const SIDE = { allow: "yes", forbid: "no", withdraw: undefined } as const;

class LiveDisableWinsFlag implements FlagView {
  readonly #source: Source<DisableWinsFlagState>;

  constructor(source: Source<DisableWinsFlagState>) {
    this.#source = source;
  }

  get value(): boolean {
    return dwFlag.value(this.#source());
  }
}

class DisableWinsFlagEditor extends LiveDisableWinsFlag implements FlagDraft {
  readonly #site: Site<DisableWinsFlagState, DisableWinsFlagOp>;

  constructor(site: Site<DisableWinsFlagState, DisableWinsFlagOp>) {
    super(site.state);
    this.#site = site;
  }

  enable(): void {
    this.#site.record(dwFlag.enable);
  }

  disable(): void {
    this.#site.record(dwFlag.disable);
  }
}
