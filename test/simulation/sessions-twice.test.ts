import { checkSessions, type Late, type Recording, type SessionEvent, type Span } from "@syncline/simulation";
import fc from "fast-check";
import { expect, test } from "vitest";
import { naiveBreaches } from "./naive-sessions.js";
import { Story } from "./stories.js";

/**
 * The checker against a second one that is too slow to be wrong in the same way, on small recordings in which anything
 * may have gone wrong: what is shown is drawn blindly.
 */
const SESSIONS = ["ann", "bob", "eve"];
const DOCUMENTS = ["boards/a", "boards/b", "notes/c"];

const session = fc.constantFrom(...SESSIONS);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      did: fc.constant("write" as const),
      session,
      document: fc.constantFrom(...DOCUMENTS),
      ops: fc.constantFrom(1, 1, 2),
      asked: fc.constantFrom(undefined, undefined, undefined, true as const),
      rescued: fc.constantFrom(false, false, false, true),
      givenUp: fc.constantFrom(false, false, false, false, true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      did: fc.constant("read" as const),
      session,
      document: fc.constantFrom(...DOCUMENTS),
      /** Which of the changes so far, one bit each: all of them, all but one, or any. */
      mask: fc.oneof(
        { weight: 3, arbitrary: fc.constant(255) },
        { weight: 3, arbitrary: fc.nat(7).map((left) => 255 - 2 ** left) },
        fc.nat(255),
      ),
      torn: fc.constantFrom(false, false, false, false, false, false, true),
      final: fc.constantFrom(undefined, undefined, true as const),
      maxStalenessMs: fc.constantFrom(undefined, 0, 30),
      unheardOf: fc.constantFrom(undefined, undefined, ["m3"], ["m2", "m3"]),
      /** Of which masters there is a takeover that is late, and which of the changes so far it had. */
      late: fc.constantFrom(undefined, undefined, ["m3"], ["m2", "m3"]),
      had: fc.nat(255),
      until: fc.constantFrom(undefined, 60, 100),
      gives: fc.constantFrom(undefined, "t", "u"),
      takes: fc.constantFrom(undefined, undefined, undefined, undefined, "t", "u"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      did: fc.constant("told" as const),
      change: fc.nat(7),
      outcome: fc.constantFrom(
        "committed" as const,
        "committed" as const,
        "unconfirmed" as const,
        "rejected" as const,
      ),
      level: fc.constantFrom("received" as const, "durable" as const, "safe" as const),
      by: fc.constantFrom(undefined, "m2", "m3"),
      gives: fc.constantFrom(undefined, "t", "u"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ did: fc.constant("end" as const), session }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const recording: fc.Arbitrary<Recording> = fc
  .record({
    steps: fc.array(step, { minLength: 6, maxLength: 18, size: "max" }),
    survives: fc.constantFrom("received" as const, "durable" as const, "safe" as const),
  })
  .map(({ steps, survives }) => {
    const story = new Story(survives);
    const changes: { name: string; document: string; session: string }[] = [];
    for (const one of steps) play(story, changes, one);
    return story.recording;
  });

const lateBy = (by: readonly string[], without: readonly Span[], until: number | undefined): Late => ({
  without,
  ...(until === 60 ? {} : { by }),
  ...(until !== undefined && { until }),
});

function play(story: Story, changes: { name: string; document: string; session: string }[], one: Step): void {
  switch (one.did) {
    case "write": {
      const name = `x${changes.length}`;
      const { ops, asked } = one;
      changes.push({ name, document: one.document, session: one.session });
      story.write(one.session, name, one.document, asked === undefined ? { ops } : { ops, asked });
      if (one.rescued) story.rescued(name);
      if (one.givenUp) story.givenUp(name);
      return;
    }
    case "read": {
      const chosen = (mask: number): string[] =>
        changes
          .filter(({ document }, index) => document === one.document && ((mask >> (index & 7)) & 1) === 1)
          .map(({ name }) => name);
      const shown = chosen(one.mask).map((name, index) => (one.torn && index === 0 ? `${name}.1` : name));
      const { final, maxStalenessMs, unheardOf, late: by, until, gives, takes } = one;
      story.read(one.session, one.document, shown, {
        ...(final === undefined ? {} : { final }),
        ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
        ...(unheardOf === undefined ? {} : { unheardOf }),
        ...(by === undefined ? {} : { late: [lateBy(by, story.spans(chosen(one.had)), until)] }),
        ...(gives === undefined ? {} : { gave: gives }),
        ...(takes === undefined ? {} : { took: takes }),
      });
      return;
    }
    case "told": {
      const change = changes[one.change];
      if (change === undefined) return;
      const { outcome, level, by, gives } = one;
      story.told(change.session, change.name, {
        outcome,
        level,
        ...(by === undefined ? {} : { by }),
        ...(gives === undefined ? {} : { gave: gives }),
      });
      return;
    }
    case "end":
      story.end(one.session);
  }
}

const found = (what: Recording) =>
  checkSessions(what, () => undefined).map(({ event, guarantee }) => `${event} ${guarantee}`);

test("both find the same in every small recording", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(recording, (what) => {
      const naive = naiveBreaches(what);
      for (const line of naive) seen.add(line.replace(/^\d+ /, ""));
      expect(found(what).sort()).toEqual(naive.sort());
    }),
    { numRuns: 12_000 },
  );
  // Each guarantee but one was broken somewhere; what values amount to is proved by hand.
  expect([...seen].sort()).toEqual([
    "atomic visibility",
    "honest outcomes",
    "monotonic reads",
    "monotonic writes",
    "read your writes",
    "staleness",
    "writes follow reads",
  ]);
});

test("a recording cut short is judged alike up to there, unless something is told later", () => {
  fc.assert(
    fc.property(recording, fc.nat(18), ({ events, survives }, length) => {
      const later = (event: SessionEvent) =>
        event.did === "told" || event.did === "rescued" || event.did === "end" || event.did === "write";
      fc.pre(!events.slice(length).some(later));
      const short = found({ events: events.slice(0, length), survives });
      expect(found({ events, survives }).slice(0, short.length)).toEqual(short);
    }),
  );
});
