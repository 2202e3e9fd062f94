/**
 * What is wrong on purpose: for every law of `laws.ts` three types or replicas that break it.
 *
 * Each is a mistake that people make, with nothing else wrong about it: a type with one member exchanged, or a replica
 * that does something else with the bytes.
 */
import {
  ByteReader,
  ByteWriter,
  type Dot,
  dwFlag,
  type Exact,
  ewFlag,
  type FlagState,
  gCounter,
  gSet,
  KINDS,
  type KindName,
  lwwRegister,
  openSealed,
  orMap,
  orSet,
  pnCounter,
  readValue,
  type Seen,
  sealed,
  typeOf,
  valueKey,
  writeValue,
} from "@syncline/core";
import { type Act, CASES } from "./cases.js";
import { contextOf, headOf, type LAWS } from "./laws.js";
import { Refused, type Subject, subjectOf } from "./subjects.js";
import { withChecksum } from "./world.js";

export interface Wrong {
  readonly law: keyof typeof LAWS;
  /** What is wrong. */
  readonly what: string;
  readonly kind: KindName;
  readonly make: (author: number) => Subject;
}

export const WRONG: readonly Wrong[] = [
  wrongType(
    "commutative",
    "of concurrent writes a join keeps the receiver's",
    "register",
    lwwRegister,
    (right) => ({
      merge(into, intoSeen, from, fromSeen) {
        right.merge(into, intoSeen, from, fromSeen);
        const own = into.siblings.filter((each) => hasSeen(intoSeen, each));
        if (own.length > 0) into.siblings = own;
      },
    }),
  ),
  wrongType("commutative", "a join takes the sums that come, newer or not", "grow-counter", gCounter, () => ({
    merge(into, _intoSeen, from) {
      for (const [author, theirs] of from.steps) into.steps.set(author, theirs);
    },
  })),
  wrongType(
    "commutative",
    "a join takes the side that has seen more, and its own of equal ones",
    "flag",
    ewFlag,
    () => ({
      merge(into, intoSeen, from, fromSeen) {
        if (countOf(fromSeen) > countOf(intoSeen)) into.dots = from.dots;
      },
    }),
  ),

  wrongType(
    "associative",
    "who wins goes in a circle, and losers are dropped",
    "register",
    lwwRegister,
    (right) => ({
      merge(into, intoSeen, from, fromSeen) {
        right.merge(into, intoSeen, from, fromSeen);
        const all = into.siblings;
        into.siblings = all.filter(
          ({ author }) => !all.some((other) => (other.author - author + 3) % 3 === 1),
        );
      },
    }),
  ),
  wrongType(
    "associative",
    "a join drops what both have, unless they have all in common",
    "grow-set",
    gSet,
    (right) => ({
      merge(into, intoSeen, from, fromSeen) {
        const common = [...from.elements].filter((key) => into.elements.has(key));
        const isSame = common.length === into.elements.size && common.length === from.elements.size;
        right.merge(into, intoSeen, from, fromSeen);
        if (!isSame) for (const key of common) into.elements.delete(key);
      },
    }),
  ),
  wrongType("associative", "a join takes the side that has heard of more people", "set", orSet, (right) => ({
    merge(into, intoSeen, from, fromSeen) {
      if (fromSeen.size > intoSeen.size) into.elements = from.elements.clone();
      else if (fromSeen.size === intoSeen.size) right.merge(into, intoSeen, from, fromSeen);
    },
  })),

  wrongType("idempotent", "a join adds up the sums of both", "grow-counter", gCounter, () => ({
    merge(into, _intoSeen, from) {
      for (const [author, { seq, total }] of from.steps) {
        const mine = into.steps.get(author) ?? { seq: 0, total: { high: 0, low: 0 } };
        into.steps.set(author, { seq: Math.max(seq, mine.seq), total: added(mine.total, total) });
      }
    },
  })),
  wrongType("idempotent", "a join drops what both have", "grow-set", gSet, () => ({
    merge(into, _intoSeen, from) {
      for (const key of from.elements) if (!into.elements.delete(key)) into.elements.add(key);
    },
  })),
  wrongType(
    "idempotent",
    "a join takes all writes that come, also those that are there",
    "register",
    lwwRegister,
    () => ({
      merge(into, _intoSeen, from) {
        into.siblings = [...into.siblings, ...from.siblings].sort(
          (a, b) => a.stamp - b.stamp || a.author - b.author,
        );
      },
    }),
  ),

  wrongType("identity", "what nobody has touched turns others off", "flag", ewFlag, (right) => ({
    merge(into, intoSeen, from, fromSeen) {
      right.merge(into, intoSeen, from, fromSeen);
      if (fromSeen.size === 0) into.dots = [];
    },
  })),
  wrongType(
    "identity",
    "who has seen nothing takes over the winner alone",
    "register",
    lwwRegister,
    (right) => ({
      merge(into, intoSeen, from, fromSeen) {
        right.merge(into, intoSeen, from, fromSeen);
        if (intoSeen.size === 0) into.siblings = into.siblings.slice(-1);
      },
    }),
  ),
  wrongType("identity", "who has seen nothing takes over no resets", "counter", pnCounter, (right) => ({
    merge(into, intoSeen, from, fromSeen) {
      right.merge(into, intoSeen, from, fromSeen);
      if (intoSeen.size > 0) return;
      for (const [author, { steps }] of into.entries) into.entries.set(author, { steps, floor: NO_STEPS });
    },
  })),

  wrongType("inflation", "an add takes the place of what is there", "grow-set", gSet, (right) => ({
    apply(state, op, dot, stamp, undo) {
      state.elements.clear();
      right.apply(state, op, dot, stamp, undo);
    },
  })),
  wrongType(
    "inflation",
    "a step is counted under the number of the first one",
    "counter",
    pnCounter,
    (right) => ({
      apply(state, op, dot, stamp, undo) {
        const seq = state.entries.get(dot.author)?.steps.seq || dot.counter;
        right.apply(state, op, op.act === "step" ? { ...dot, counter: seq } : dot, stamp, undo);
      },
    }),
  ),
  wrongReplica(
    "inflation",
    "a state in which nothing is left does not say what was seen",
    "flag",
    (right) => ({
      state: () => withContext(right.state(), (context, rest) => (rest.length === 0 ? [] : context)),
    }),
  ),

  wrongType("bound", "a join takes the sums that come, newer or not", "counter", pnCounter, () => ({
    merge(into, _intoSeen, from) {
      for (const [author, theirs] of from.entries) into.entries.set(author, theirs);
    },
  })),
  wrongType("bound", "a join takes the larger set", "grow-set", gSet, () => ({
    merge(into, _intoSeen, from) {
      if (from.elements.size < into.elements.size) return;
      into.elements.clear();
      for (const key of from.elements) into.elements.add(key);
    },
  })),
  wrongType("bound", "a join takes the votes that come", "disable-flag", dwFlag, () => ({
    merge(into, _intoSeen, from) {
      into.ballot = from.ballot;
    },
  })),

  wrongReplica("context", "a join takes over what the other one has seen", "counter", (right) => {
    let context: Context | undefined;
    return {
      merge(state) {
        right.merge(state);
        context = contextOf({ bytes: state });
      },
      state: () => withContext(right.state(), (own) => context ?? own),
    };
  }),
  wrongReplica("context", "of others the first op alone counts as seen", "grow-set", (right, author) => ({
    state: () =>
      withContext(right.state(), (context) =>
        context.map(([each, counter]) => [each, each === author ? counter : 1]),
      ),
  })),
  wrongReplica("context", "what comes twice counts as seen twice", "flag", (right) => {
    let twice = 0;
    return {
      apply(op) {
        const arrival = right.apply(op);
        if (arrival === "duplicate") twice++;
        return arrival;
      },
      state: () =>
        withContext(right.state(), (context) => context.map(([each, counter]) => [each, counter + twice])),
    };
  }),

  wrongReplica("dots", "every edit begins to count anew", "set", (right) => ({
    perform: (act, stamp) => right.perform(act, stamp).map((op, i) => withHead(op, { counter: i + 1 })),
  })),
  wrongReplica("dots", "the ops of an edit share a dot", "map", (right) => ({
    perform(act, stamp) {
      const ops = right.perform(act, stamp);
      return ops.map((op) => withHead(op, { counter: headOf(ops[0]!).counter }));
    },
  })),
  wrongReplica("dots", "one goes on as whom one has heard last", "register", (right, author) => {
    let last = author;
    return {
      apply(op) {
        last = headOf(op).author;
        return right.apply(op);
      },
      perform: (act, stamp) => right.perform(act, stamp).map((op) => withHead(op, { author: last })),
    };
  }),

  wrongReplica("seen", "what a state says that was seen is one op behind", "register", (right) => ({
    state: () =>
      withContext(right.state(), (context) =>
        context.map(([author, counter], i) => [
          author,
          counter > 1 && i === context.length - 1 ? counter - 1 : counter,
        ]),
      ),
  })),
  wrongReplica("seen", "a state leaves out one whom it has heard of", "set", (right) => ({
    state: () => withContext(right.state(), (context) => context.slice(0, -1)),
  })),
  wrongType("seen", "an enabling stands under the number of the next op", "flag", ewFlag, (right) => ({
    apply(state, op, dot, stamp, undo) {
      right.apply(state, op, { ...dot, counter: dot.counter + 1 }, stamp, undo);
    },
  })),

  wrongType("observed", "disabling also removes what somebody else may do", "flag", ewFlag, () => ({
    disable: ({ dots }) =>
      dots.length === 0 ? undefined : { act: "disable", removes: [...dots, { author: 8, counter: 1 }] },
  })),
  wrongType(
    "observed",
    "emptying a set takes away the next add of everybody in it, too",
    "set",
    orSet,
    (right) => ({
      clear(state) {
        const op = right.clear(state);
        if (op?.act !== "removeAll") return op;
        return {
          act: "removeAll",
          upTo: op.upTo.map(({ author, counter }) => ({ author, counter: counter + 1 })),
        };
      },
    }),
  ),
  wrongReplica("observed", "an op says that one op more of everybody was seen", "register", (right) => ({
    perform: (act, stamp) =>
      right.perform(act, stamp).map((op) => {
        const observed = headOf(op).observed.map(({ author, counter }) => ({ author, counter: counter + 1 }));
        return withHead(op, { observed });
      }),
  })),

  wrongType("forms", "disabling turns off what was not seen, too", "flag", ewFlag, (right) => ({
    apply(state, op, dot, stamp, undo) {
      right.apply(state, op, dot, stamp, undo);
      if (op.act === "disable") state.dots = [];
    },
  })),
  wrongType(
    "forms",
    "an op drops those who lose against it, a join does not",
    "register",
    lwwRegister,
    (right) => ({
      apply(state, op, dot, stamp, undo) {
        right.apply(state, op, dot, stamp, undo);
        state.siblings = state.siblings.slice(-1);
      },
    }),
  ),
  wrongType("forms", "a join does not take over resets", "counter", pnCounter, (right) => ({
    merge(into, intoSeen, from, fromSeen) {
      const without = right.clone(from);
      for (const [author, { steps }] of without.entries)
        without.entries.set(author, { steps, floor: NO_STEPS });
      right.merge(into, intoSeen, without, fromSeen);
    },
  })),

  wrongType("commuting", "the write that comes last wins", "register", lwwRegister, (right) => ({
    apply(state, op, dot, stamp, undo) {
      state.siblings = [];
      right.apply(state, op, dot, stamp, undo);
    },
  })),
  wrongType("commuting", "removing an element removes it, whoever has added it", "set", orSet, (right) => ({
    apply(state, op, dot, stamp, undo) {
      right.apply(state, op, dot, stamp, undo);
      if (op.act === "remove") state.elements.delete(valueKey(op.element));
    },
  })),
  wrongType("commuting", "a reset takes away all that has arrived", "counter", pnCounter, (right) => ({
    apply(state, op, dot, stamp, undo) {
      right.apply(state, op, dot, stamp, undo);
      if (op.act !== "reset") return;
      for (const [author, { steps }] of state.entries) state.entries.set(author, { steps, floor: steps });
    },
  })),

  wrongReplica("twice", "a step that comes again is counted again", "grow-counter", (right) => ({
    apply(op) {
      const arrival = right.apply(op);
      return arrival === "duplicate" ? right.apply(asNext(op, right)) : arrival;
    },
  })),
  wrongReplica("twice", "what comes twice is told to be new", "set", (right) => ({
    apply(op) {
      const arrival = right.apply(op);
      return arrival === "duplicate" ? "applied" : arrival;
    },
  })),
  wrongReplica("twice", "what comes twice is told to be early", "list", (right) => ({
    apply(op) {
      const arrival = right.apply(op);
      return arrival === "duplicate" ? "early" : arrival;
    },
  })),

  wrongReplica("early", "a gap is closed with what comes after it", "grow-counter", (right) => ({
    apply(op) {
      const arrival = right.apply(op);
      return arrival === "early" ? right.apply(asNext(op, right)) : arrival;
    },
  })),
  wrongReplica("early", "what is early is told to be a duplicate", "set", (right) => ({
    apply(op) {
      const arrival = right.apply(op);
      return arrival === "early" ? "duplicate" : arrival;
    },
  })),
  wrongReplica("early", "what is early counts as seen", "grow-set", (right) => {
    const seen = new Map<number, number>();
    return {
      apply(op) {
        const arrival = right.apply(op);
        const { author, counter } = headOf(op);
        if (arrival === "early") seen.set(author, counter);
        return arrival;
      },
      state: () =>
        withContext(right.state(), (context) =>
          [...new Map([...context, ...seen])].sort(([a], [b]) => a - b),
        ),
    };
  }),

  wrongType("gone", "a join keeps what either side has", "set", orSet, (right) => ({
    merge(into, intoSeen, from) {
      right.merge(into, intoSeen, from, NOBODY);
      for (const [key, dots] of from.elements) if (!into.elements.has(key)) into.elements.set(key, dots);
    },
  })),
  wrongType("gone", "a reset forgets the steps that it takes away", "counter", pnCounter, (right) => ({
    apply(state, op, dot, stamp, undo) {
      if (op.act === "reset") for (const { author } of op.floors) state.entries.delete(author);
      else right.apply(state, op, dot, stamp, undo);
    },
  })),
  wrongType("gone", "a join keeps keys that the other side has removed", "map", orMap, (right) => ({
    merge: (into, intoSeen, from) => right.merge(into, intoSeen, from, NOBODY),
  })),

  wrongType("own", "disabling takes back one enabling only", "flag", ewFlag, () => ({
    disable: ({ dots }) => (dots.length === 0 ? undefined : { act: "disable", removes: dots.slice(0, 1) }),
  })),
  wrongType("own", "a write does not take the place of those it has seen", "register", lwwRegister, () => ({
    set: (_state, value) => ({ act: "set", value, replaces: [] }),
  })),
  wrongType("own", "a reset takes away the steps of one author only", "counter", pnCounter, (right) => ({
    reset(state) {
      const op = right.reset(state);
      return op?.act === "reset" ? { act: "reset", floors: op.floors.slice(0, 1) } : op;
    },
  })),

  wrongType("shown", "the first of concurrent writes is shown", "register", lwwRegister, () => ({
    value: ({ siblings }) => siblings[0]?.value,
  })),
  wrongType("shown", "one who is for it is enough", "disable-flag", dwFlag, () => ({
    value: ({ ballot }) => ballot.yes.length > 0,
  })),
  wrongType("shown", "sums have 32 bits", "grow-counter", gCounter, () => ({
    value: ({ sum }) => sum.low | 0,
  })),

  wrongType("stored", "of concurrent writes the winner alone is read", "register", lwwRegister, (right) => ({
    readState(input, authors, depth) {
      const state = right.readState(input, authors, depth);
      state.siblings = state.siblings.slice(-1);
      return state;
    },
  })),
  wrongType("stored", "resets are not read", "counter", pnCounter, (right) => ({
    readState(input, authors, depth) {
      const state = right.readState(input, authors, depth);
      for (const [author, { steps }] of state.entries) state.entries.set(author, { steps, floor: NO_STEPS });
      return state;
    },
  })),
  wrongType("stored", "that a map was created is not read", "map", orMap, (right) => ({
    readState(input, authors, depth) {
      const state = right.readState(input, authors, depth);
      if (!state.children.isEmpty) state.created = [];
      return state;
    },
  })),

  wrongType("convergence", "elements are written as they came", "grow-set", gSet, () => ({
    writeState(out, { elements }) {
      out.uint(elements.size);
      for (const key of elements) writeValue(out, readValue(new ByteReader(Buffer.from(key, "latin1"))));
    },
    readState: readElements,
  })),
  wrongReplica("convergence", "a state says how often it was joined", "list", (right) => {
    let joins = 0;
    return {
      merge(state) {
        const input = openSealed(state, Number.MAX_SAFE_INTEGER);
        right.merge(withChecksum(input.raw(input.remaining - 1)));
        joins++;
      },
      state() {
        const state = right.state();
        return withChecksum(Uint8Array.of(...state.subarray(0, -4), joins));
      },
    };
  }),
  wrongType("convergence", "enablings stand as they came", "flag", ewFlag, (right) => ({
    apply(state, op, dot, stamp, undo) {
      right.apply(state, op, dot, stamp, undo);
      if (op.act === "enable") state.dots = [dot, ...state.dots.filter((each) => each !== dot)];
    },
    readState: (input, authors) => readEnablings(input, () => authors.readDot(input)),
  })),

  wrongType("encoding", "enablings are read in any order", "flag", ewFlag, () => ({
    readState(input, authors) {
      const state = readEnablings(input, () => authors.readDot(input));
      state.dots = [...state.dots].sort((a, b) => a.author - b.author || a.counter - b.counter);
      return state;
    },
  })),
  wrongType("encoding", "elements are read in any order", "grow-set", gSet, () => ({
    readState: readElements,
  })),
  wrongReplica("encoding", "nobody looks at what stands behind a state", "grow-counter", (right) => ({
    merge(state) {
      try {
        right.merge(state);
      } catch {
        right.merge(withChecksum(state.subarray(0, -5)));
      }
    },
  })),

  wrongReplica("refused", "nobody looks at checksums", "set", (right) => ({
    apply: (op) => right.apply(withChecksum(op.subarray(0, -4))),
    merge: (state) => right.merge(withChecksum(state.subarray(0, -4))),
  })),
  wrongReplica("refused", "what a reader throws is thrown at the caller", "map", (right) => {
    const thrown = <R>(run: () => R): R => {
      try {
        return run();
      } catch (error) {
        throw error instanceof Refused ? new RangeError("offset is out of bounds") : error;
      }
    };
    return {
      apply: (op) => thrown(() => right.apply(op)),
      merge: (state) => thrown(() => right.merge(state)),
    };
  }),
  wrongReplica("refused", "what could not be read leaves something behind", "register", (right) => ({
    merge(state) {
      try {
        right.merge(state);
      } catch (error) {
        right.perform({ kind: "register", act: "set", value: 0 }, 0);
        throw error;
      }
    },
  })),

  wrongReplica("delta", "what was removed since is not told", "set", (right) => ({
    delta: (version) =>
      withLeft(right.delta(version), (from) => from.map((upTo) => (upTo === 0 ? [] : [0, upTo - 1]))),
  })),
  wrongReplica("delta", "nothing is told to be left", "flag", (right) => ({
    delta: (version) => withLeft(right.delta(version), (from) => from.map(() => [])),
  })),
  wrongReplica("delta", "a delta begins after the next op of everybody", "register", (right) => ({
    delta: (version) => right.delta(version.map(({ author, counter }) => ({ author, counter: counter + 1 }))),
  })),
  wrongReplica(
    "delta",
    "what somebody has heard of an author counts for all of them",
    "counter",
    (right) => ({
      delta: (version) => {
        const most = Math.max(0, ...version.map(({ counter }) => counter));
        return right.delta(version.map(({ author }) => ({ author, counter: most })));
      },
    }),
  ),

  wrongReplica("late", "a step that comes again is counted again", "grow-counter", (right) => ({
    take(delta) {
      const arrival = right.take(delta);
      if (arrival === "duplicate") right.perform(ONE_STEP, 0);
      return arrival;
    },
  })),
  wrongReplica("late", "what is there is told to be new", "list", (right) => ({
    take(delta) {
      const arrival = right.take(delta);
      return arrival === "duplicate" ? "applied" : arrival;
    },
  })),
  wrongReplica("late", "what is here is emptied before a delta is looked at", "set", (right) => ({
    take(delta) {
      const arrival = right.take(delta);
      if (arrival === "duplicate") right.perform(EMPTYING, 0);
      return arrival;
    },
  })),

  wrongReplica("gap", "a gap is closed with what comes after it", "set", (right) => ({
    take(delta) {
      const arrival = right.take(delta);
      return arrival === "early" ? right.take(withFrom(delta, contextOf({ bytes: right.state() }))) : arrival;
    },
  })),
  wrongReplica("gap", "what is early is told to be a duplicate", "map", (right) => ({
    take(delta) {
      const arrival = right.take(delta);
      return arrival === "early" ? "duplicate" : arrival;
    },
  })),
  wrongReplica("gap", "what is early counts as seen", "register", (right) => {
    const seen = new Map<number, number>();
    return {
      take(delta) {
        const arrival = right.take(delta);
        if (arrival === "early")
          for (const [author, counter] of partsOf(delta).seen) seen.set(author, counter);
        return arrival;
      },
      state: () =>
        withContext(right.state(), (context) =>
          [...new Map([...context, ...seen])].sort(([a], [b]) => a - b),
        ),
    };
  }),

  wrongType("undone", "an op of a failed edit is not taken back", "flag", ewFlag, (right) => ({
    apply: (state, op, dot, stamp) => right.apply(state, op, dot, stamp),
  })),
  wrongReplica("undone", "the first op of a failed edit stays", "list", (right) => ({
    fail: (acts, stamp) => void right.perform(acts[0]!, stamp),
  })),
  wrongReplica("undone", "the numbers of a failed edit are not used again", "set", (right) => {
    let lost = 0;
    return {
      fail(acts, stamp) {
        right.fail(acts, stamp);
        lost += acts.length;
      },
      perform: (act, stamp) =>
        right.perform(act, stamp).map((op) => withHead(op, { counter: headOf(op).counter + lost })),
    };
  }),
];

type Law = keyof typeof LAWS;
type Context = ReturnType<typeof contextOf>;

const ONE_STEP: Act = { kind: "grow-counter", act: "step", by: 1 };
const EMPTYING: Act = { kind: "set", act: "clear" };
const NO_STEPS = { seq: 0, total: { high: 0, low: 0 } };
const NOBODY: Seen = new Map();

/** The type of a kind with some of its members exchanged, while somebody does something with a replica. */
function wrongType<T extends object>(
  law: Law,
  what: string,
  kind: KindName,
  type: T,
  wrong: (right: T) => Partial<T>,
): Wrong {
  // What documents and replicas play ops with may be another object than what is exported.
  const known: object = typeOf(KINDS[kind])!.empty().rules;
  const [right, rightKnown] = [{ ...type }, { ...known }];
  const members = wrong(right);
  const during = <R>(run: () => R): R => {
    Object.assign(type, members);
    Object.assign(known, members);
    try {
      return run();
    } finally {
      Object.assign(type, right);
      Object.assign(known, rightKnown);
    }
  };
  const make = (author: number): Subject => {
    const subject = rightOne(kind, author);
    return {
      perform: (act, stamp) => during(() => subject.perform(act, stamp)),
      apply: (op) => during(() => subject.apply(op)),
      state: () => during(() => subject.state()),
      merge: (state) => during(() => subject.merge(state)),
      delta: (version) => during(() => subject.delta(version)),
      take: (delta) => during(() => subject.take(delta)),
      read: () => during(() => subject.read()),
      fail: (acts, stamp) => during(() => subject.fail(acts, stamp)),
    };
  };
  return { law, what, kind, make };
}

function wrongReplica(
  law: Law,
  what: string,
  kind: KindName,
  wrong: (right: Subject, author: number) => Partial<Subject>,
): Wrong {
  const make = (author: number): Subject => {
    const right = rightOne(kind, author);
    return { ...right, ...wrong(right, author) };
  };
  return { law, what, kind, make };
}

function rightOne(kind: KindName, author: number): Subject {
  return subjectOf(CASES.find((each) => each.kind === kind)!, author);
}

function hasSeen(seen: Seen, { author, counter }: Dot): boolean {
  return (seen.get(author) ?? 0) >= counter;
}

function countOf(seen: Seen): number {
  return [...seen.values()].reduce((sum, each) => sum + each, 0);
}

function added(a: Exact, b: Exact): Exact {
  const low = a.low + b.low;
  return { high: a.high + b.high + Math.floor(low / 2 ** 32), low: low % 2 ** 32 };
}

/** The state with something else said to have been seen. */
function withContext(state: Uint8Array, change: (context: Context, rest: Uint8Array) => Context): Uint8Array {
  const input = openSealed(state, Number.MAX_SAFE_INTEGER);
  const out = new ByteWriter();
  out.byte(input.byte());
  out.uint(input.uint());
  const context = readPairs(input);
  const rest = input.raw(input.remaining);
  writePairs(out, change(context, rest));
  out.raw(rest);
  return sealed(out);
}

/** What a delta says, in its parts: see docs/encoding.md. */
function partsOf(delta: Uint8Array) {
  const input = openSealed(delta, Number.MAX_SAFE_INTEGER);
  const version = input.byte();
  const kind = input.uint();
  const seen = readPairs(input);
  const since = seen.map(([, counter]) => counter - input.uint());
  const left = seen.map(() => Array.from({ length: 2 * input.uint() }, () => input.uint()));
  return { version, kind, seen, since, left, news: input.raw(input.remaining) };
}

function deltaOf({ version, kind, seen, since, left, news }: ReturnType<typeof partsOf>): Uint8Array {
  const out = new ByteWriter();
  out.byte(version);
  out.uint(kind);
  writePairs(out, seen);
  for (const [i, [, counter]] of seen.entries()) out.uint(counter - since[i]!);
  for (const ranges of left) for (const each of [ranges.length / 2, ...ranges]) out.uint(each);
  out.raw(news);
  return sealed(out);
}

/** The delta with something else told to be left. @param change of each author's beginning. */
function withLeft(delta: Uint8Array, change: (since: readonly number[]) => number[][]): Uint8Array {
  const parts = partsOf(delta);
  return deltaOf({ ...parts, left: change(parts.since) });
}

/** The delta with the beginning at what somebody has. */
function withFrom(delta: Uint8Array, context: Context): Uint8Array {
  const parts = partsOf(delta);
  const of = new Map(context);
  return deltaOf({
    ...parts,
    since: parts.seen.map(([author, counter]) => Math.min(counter, of.get(author) ?? 0)),
  });
}

interface Head {
  readonly author: number;
  readonly counter: number;
  readonly observed: readonly Dot[];
}

/** The op with something else at its beginning. */
function withHead(op: Uint8Array, change: Partial<Head>): Uint8Array {
  const input = openSealed(op, Number.MAX_SAFE_INTEGER);
  const out = new ByteWriter();
  out.byte(input.byte());
  out.uint(input.uint());
  const { author, counter, observed } = { ...headOf(op), ...change };
  input.uint();
  input.uint();
  out.uint(author);
  out.uint(counter);
  out.uint(input.uint());
  readPairs(input);
  writePairs(
    out,
    observed.map((dot) => [dot.author, dot.counter]),
  );
  out.raw(input.raw(input.remaining));
  return sealed(out);
}

/** The op as the one that its author's next is for this replica. */
function asNext(op: Uint8Array, { state }: Subject): Uint8Array {
  const held = new Map(contextOf({ bytes: state() })).get(headOf(op).author) ?? 0;
  return withHead(op, { counter: held + 1 });
}

function readPairs(input: ByteReader): Context {
  return Array.from({ length: input.uint() }, () => [input.uint(), input.uint()] as const);
}

function writePairs(out: ByteWriter, pairs: Context): void {
  out.uint(pairs.length);
  for (const [first, second] of pairs) {
    out.uint(first);
    out.uint(second);
  }
}

function readElements(input: ByteReader): ReturnType<typeof gSet.empty> {
  const state = gSet.empty();
  for (let left = input.uint(); left > 0; left--) state.elements.add(valueKey(readValue(input)));
  return state;
}

function readEnablings(input: ByteReader, readDot: () => Dot): FlagState {
  const state = ewFlag.empty();
  state.dots = Array.from({ length: input.uint() }, readDot);
  return state;
}
