import { checkSessions, GUARANTEES, type Guarantee, type Recording } from "@syncline/simulation";
import { describe, expect, test } from "vitest";
import { Story } from "./stories.js";

/** The checker of what clients saw, proved on recordings made by hand: broken ones, and for each the nearest good one. */
const A = "boards/a";
const B = "boards/b";

/** In these stories a document is worth as many points as it has changes. */
const points = (_document: string, changes: readonly string[]) => ({ votes: changes.length });

const lines = (recording: Recording) => checkSessions(recording, points).map(({ line }) => line);

/** A broken story and the line it must give; a good one, and no line. */
type Case = [what: string, story: Story, line?: string];

const CASES: Record<Guarantee, Case[]> = {
  "read your writes": [
    [
      "the own write is not shown",
      new Story().write("ann", "x").read("ann", A, []),
      "read your writes: ann is shown boards/a at 20 without x, which it had written at 10",
    ],
    ["it is shown", new Story().write("ann", "x").read("ann", A, ["x"])],
    [
      "it is not shown at another node",
      new Story()
        .write("ann", "x")
        .read("ann", A, ["x"])
        .write("ann", "y")
        .move("ann", "m2")
        .read("ann", A, ["x"]),
      "read your writes: ann is shown boards/a at 50 without y, which it had written at 30",
    ],
    [
      "another document is shown",
      new Story()
        .write("ann", "x")
        .read("ann", A, ["x"])
        .write("ann", "y")
        .move("ann", "m2")
        .read("ann", B, []),
    ],
    [
      "a caller was told of the write, and is not shown it",
      new Story().write("ann", "x", A, { asked: true }).told("ann", "x").read("ann", A, []),
      "read your writes: ann is shown boards/a at 30 without x, which it had written at 10",
    ],
    ["a caller was not answered", new Story().write("ann", "x", A, { asked: true }).read("ann", A, [])],
    [
      "the write was refused",
      new Story().write("ann", "x").told("ann", "x", { outcome: "rejected" }).read("ann", A, []),
    ],
    [
      "a token of the write is presented, and the write is not shown",
      new Story()
        .write("ann", "x")
        .told("ann", "x", { gave: "t" })
        .read("bob", A, [], { took: "t", where: "f1" }),
      "read your writes: bob is shown boards/a by f1 at 30 without x, which it had written at 10",
    ],
    [
      "no token is presented",
      new Story().write("ann", "x").told("ann", "x", { gave: "t" }).read("bob", A, [], { where: "f1" }),
    ],
  ],
  "monotonic reads": [
    [
      "something has gone",
      new Story().write("ann", "x").read("bob", A, ["x"]).read("bob", A, []),
      "monotonic reads: bob is shown boards/a at 30 without x, which it had been shown before",
    ],
    [
      "it is still there",
      new Story().write("ann", "x").read("bob", A, []).read("bob", A, ["x"]).read("bob", A, ["x"]),
    ],
    [
      "it has gone after the session has turned to another node",
      new Story()
        .write("ann", "x")
        .write("ann", "y")
        .read("bob", A, ["x", "y"])
        .move("bob", "f2")
        .read("bob", A, ["x"]),
      "monotonic reads: bob is shown boards/a at 50 without y, which it had been shown before",
    ],
    ["another session is behind", new Story().write("ann", "x").read("bob", A, ["x"]).read("eve", A, [])],
    [
      "a token of a read is presented, and less is shown",
      new Story().write("ann", "x").read("bob", A, ["x"], { gave: "t" }).read("eve", A, [], { took: "t" }),
      "monotonic reads: eve is shown boards/a at 30 without x, which it had been shown before",
    ],
    [
      "an older token is presented",
      new Story()
        .write("ann", "x")
        .read("bob", A, [], { gave: "t" })
        .read("bob", A, ["x"])
        .read("eve", A, [], { took: "t" }),
    ],
  ],
  "monotonic writes": [
    [
      "the second is shown without the first",
      new Story().write("ann", "x").write("ann", "y").read("bob", A, ["y"]),
      "monotonic writes: bob is shown boards/a at 30 without x, which was written before y by the same session",
    ],
    [
      "the first is shown without the second",
      new Story().write("ann", "x").write("ann", "y").read("bob", A, ["x"]),
    ],
    [
      "the second is shown in another document, and then not the first",
      new Story().write("ann", "x").write("ann", "y", B).read("bob", B, ["y"]).read("bob", A, []),
      "monotonic writes: bob is shown boards/a at 40 without x, which was written before y by the same session",
    ],
    [
      "not the first, and only then the second in another document",
      new Story().write("ann", "x").write("ann", "y", B).read("bob", A, []).read("bob", B, ["y"]),
    ],
    [
      "the first is made again after the second, in its own place, and is shown without the second",
      new Story()
        .write("ann", "x")
        .write("ann", "y", B)
        .told("ann", "x", { outcome: "rejected" })
        .write("ann", "z", A, { insteadOf: "x" })
        .read("bob", A, ["z"])
        .read("bob", B, []),
    ],
    [
      "what was written before the first is owed to who is shown it made again",
      new Story()
        .write("ann", "w", B)
        .write("ann", "x")
        .told("ann", "x", { outcome: "rejected" })
        .write("ann", "z", A, { insteadOf: "x" })
        .read("bob", A, ["z"])
        .read("bob", B, []),
      "monotonic writes: bob is shown boards/b at 60 without w, which was written before z by the same session",
    ],
    [
      "the second was rescued, by somebody who did not have the first",
      new Story()
        .write("ann", "x")
        .write("ann", "y", B)
        .rescued("y")
        .read("bob", B, ["y"])
        .read("bob", A, []),
    ],
    [
      "the first was cut off by a forced retirement",
      new Story()
        .write("ann", "x")
        .write("ann", "y", B)
        .givenUp("x")
        .read("bob", B, ["y"])
        .read("bob", A, []),
    ],
    [
      "the one before the first was not cut off",
      new Story()
        .write("ann", "w", A)
        .write("ann", "x")
        .write("ann", "y", B)
        .givenUp("x")
        .read("bob", B, ["y"])
        .read("bob", A, []),
      "monotonic writes: bob is shown boards/a at 60 without w, which was written before y by the same session",
    ],
    [
      "what is rescued is still in order within its document",
      new Story().write("ann", "x").write("ann", "y").rescued("y").read("bob", A, ["y"]),
      "monotonic writes: bob is shown boards/a at 40 without x, which was written before y by the same session",
    ],
  ],
  "writes follow reads": [
    [
      "an answer is shown without the question",
      new Story().write("ann", "q").read("bob", A, ["q"]).write("bob", "r").read("eve", A, ["r"]),
      "writes follow reads: eve is shown boards/a at 40 without q, which the writer of r had been shown",
    ],
    [
      "the answer was written without a look at the question",
      new Story().write("ann", "q").write("bob", "r").read("eve", A, ["r"]),
    ],
    [
      "the question is in another document",
      new Story()
        .write("ann", "q")
        .read("bob", A, ["q"])
        .write("bob", "r", B)
        .read("eve", B, ["r"])
        .read("eve", A, []),
      "writes follow reads: eve is shown boards/a at 50 without q, which the writer of r had been shown",
    ],
    [
      "the question is shown",
      new Story()
        .write("ann", "q")
        .read("bob", A, ["q"])
        .write("bob", "r", B)
        .read("eve", B, ["r"])
        .read("eve", A, ["q"]),
    ],
    [
      "the question is two answers away",
      new Story()
        .write("ann", "q")
        .read("bob", A, ["q"])
        .write("bob", "r", B)
        .read("cid", B, ["r"])
        .write("cid", "s", "notes/c")
        .read("eve", "notes/c", ["s"])
        .read("eve", A, []),
      "writes follow reads: eve is shown boards/a at 70 without q, which the writer of s had been shown",
    ],
    [
      "the answer was rescued, by somebody who did not have the question",
      new Story()
        .write("ann", "q")
        .read("bob", A, ["q"])
        .write("bob", "r", B)
        .rescued("r")
        .read("eve", B, ["r"])
        .read("eve", A, []),
    ],
    [
      "a token of the answer owes the question",
      new Story()
        .write("ann", "q")
        .read("bob", A, ["q"])
        .write("bob", "r", B)
        .told("bob", "r", { gave: "t" })
        .read("eve", A, [], { took: "t" }),
      "writes follow reads: eve is shown boards/a at 50 without q, which the writer of what its token stands for had been shown",
    ],
  ],
  "atomic visibility": [
    [
      "the second op is missing",
      new Story().write("ann", "x", A, { ops: 2 }).read("bob", A, ["x.1"]),
      "atomic visibility: bob is shown boards/a at 20 with a part of x",
    ],
    [
      "the first op is missing in the end",
      new Story().write("ann", "x", A, { ops: 3 }).read("m1", A, ["x.2", "x.3"], { final: true }),
      "atomic visibility: m1 is shown boards/a at 20 with a part of x",
    ],
    ["all of it is shown", new Story().write("ann", "x", A, { ops: 2 }).read("bob", A, ["x.1", "x.2"])],
    ["nothing of it is shown", new Story().write("ann", "x", A, { ops: 2 }).read("bob", A, [])],
  ],
  "exactly once": [
    [
      "a change is counted twice",
      new Story().write("ann", "x").read("bob", A, ["x"], { value: { votes: 2 } }),
      'exactly once: bob is shown boards/a at 20 as {"votes":2}, and its changes amount to {"votes":1}',
    ],
    ["it is counted once", new Story().write("ann", "x").read("bob", A, ["x"], { value: { votes: 1 } })],
    [
      "a change is not counted",
      new Story()
        .write("ann", "x")
        .write("ann", "y")
        .read("bob", A, ["x", "y"], { value: { votes: 1 } }),
      'exactly once: bob is shown boards/a at 30 as {"votes":1}, and its changes amount to {"votes":2}',
    ],
    [
      "something is shown that nobody has made",
      new Story().write("ann", "x").read("bob", A, ["x", "nothing"]),
      "exactly once: bob is shown boards/a at 20 with op 1 of author 99, which nobody has made",
    ],
    [
      "something is shown before it is made",
      new Story()
        .write("ann", "x")
        .read("bob", A, ["x"], { shows: [[1, 1, 2]] })
        .write("ann", "y"),
      "exactly once: bob is shown boards/a at 20 with y, which was made later",
    ],
    [
      "it is shown once it is made",
      new Story()
        .write("ann", "x")
        .write("ann", "y")
        .read("bob", A, ["x"], { shows: [[1, 1, 2]] }),
    ],
  ],
  "honest outcomes": [
    [
      "what was rejected is shown to another session",
      new Story().write("ann", "x").read("bob", A, ["x"]).told("ann", "x", { outcome: "rejected" }),
      "honest outcomes: bob is shown boards/a at 20 with x, which was rejected",
    ],
    [
      "its writer was shown it until he was told",
      new Story()
        .write("ann", "x")
        .read("ann", A, ["x"])
        .told("ann", "x", { outcome: "rejected" })
        .final("m1", A, []),
    ],
    [
      "what was rejected is there in the end",
      new Story().write("ann", "x").told("ann", "x", { outcome: "rejected" }).final("ann", A, ["x"]),
      "honest outcomes: ann is shown boards/a at 30 with x, which was rejected",
    ],
    [
      "what was committed is not there in the end",
      new Story().write("ann", "x").told("ann", "x").final("m1", A, ["x"]).final("f1", A, []),
      "honest outcomes: f1 is shown boards/a at 40 without x, which was told to be committed",
    ],
    [
      "it is everywhere in the end",
      new Story().write("ann", "x").told("ann", "x").final("m1", A, ["x"]).final("f1", A, ["x"]),
    ],
    [
      "what is unconfirmed may be lost",
      new Story().write("ann", "x").told("ann", "x", { outcome: "unconfirmed" }).final("m1", A, []),
    ],
    [
      "disks were lost, and the writer has gone",
      new Story("safe").write("ann", "x").told("ann", "x").end("ann").final("m1", A, []),
    ],
    [
      "disks were lost, and the writer was told that it is safe",
      new Story("safe").write("ann", "x").told("ann", "x", { level: "safe" }).end("ann").final("m1", A, []),
      "honest outcomes: m1 is shown boards/a at 40 without x, which was told to be committed",
    ],
    [
      "disks were lost, and the writer is still there to offer it again",
      new Story("safe").write("ann", "x").told("ann", "x").final("m1", A, []),
      "honest outcomes: m1 is shown boards/a at 30 without x, which was told to be committed",
    ],
    [
      "disks were lost, and callers over HTTP offer nothing again",
      new Story("safe").write("ann", "x", A, { asked: true }).told("ann", "x").final("m1", A, []),
    ],
  ],
  staleness: [
    [
      "older than allowed",
      new Story().write("ann", "x").told("ann", "x").read("bob", A, [], { at: 520, maxStalenessMs: 500 }),
      "staleness: bob is shown boards/a at 520 at most 500 ms old, without x, committed at 20",
    ],
    [
      "as old as allowed",
      new Story().write("ann", "x").told("ann", "x").read("bob", A, [], { at: 519, maxStalenessMs: 500 }),
    ],
    [
      "not even what was there when it was asked",
      new Story().write("ann", "x").told("ann", "x").read("bob", A, [], { maxStalenessMs: 0, where: "f1" }),
      "staleness: bob is shown boards/a by f1 at 30 at most 0 ms old, without x, committed at 20",
    ],
    [
      "what a retirement has cut off that could not know of it",
      new Story()
        .write("ann", "x")
        .told("ann", "x")
        .givenUp("x")
        .read("bob", A, [], { at: 520, maxStalenessMs: 500 }),
    ],
    [
      "only a master has answered for it of which the node cannot have heard",
      new Story()
        .write("ann", "x")
        .told("ann", "x", { by: "m3" })
        .read("bob", A, [], { at: 520, maxStalenessMs: 500, unheardOf: ["m3"] }),
    ],
    [
      "another one has answered for it as well",
      new Story()
        .write("ann", "x")
        .told("ann", "x", { by: "m3" })
        .told("ann", "x", { by: "m1" })
        .read("bob", A, [], { at: 520, maxStalenessMs: 400, unheardOf: ["m3"] }),
      "staleness: bob is shown boards/a at 520 at most 400 ms old, without x, committed at 20",
    ],
    [
      "the node can have heard of who has answered for it",
      new Story()
        .write("ann", "x")
        .told("ann", "x", { by: "m3" })
        .read("bob", A, [], { at: 520, maxStalenessMs: 500, unheardOf: ["m2"] }),
      "staleness: bob is shown boards/a at 520 at most 500 ms old, without x, committed at 20",
    ],
    [
      "a master took over without it, and the node cannot have heard of it",
      new Story()
        .write("ann", "x")
        .told("ann", "x", { by: "m1" })
        .read("bob", A, [], { at: 520, maxStalenessMs: 500, late: [{ by: ["m1"], without: [] }] }),
    ],
    [
      "the master that took over had it",
      (() => {
        const story = new Story().write("ann", "x").told("ann", "x", { by: "m1" });
        const late = [{ by: ["m1"], without: story.spans(["x"]) }];
        return story.read("bob", A, [], { at: 520, maxStalenessMs: 500, late });
      })(),
      "staleness: bob is shown boards/a at 520 at most 500 ms old, without x, committed at 20",
    ],
    [
      "the master that took over has answered for it as well",
      new Story()
        .write("ann", "x")
        .told("ann", "x", { by: "m1" })
        .told("ann", "x", { by: "m2" })
        .read("bob", A, [], { at: 520, maxStalenessMs: 400, late: [{ by: ["m1"], without: [] }] }),
      "staleness: bob is shown boards/a at 520 at most 400 ms old, without x, committed at 20",
    ],
    [
      "no bound was asked for",
      new Story().write("ann", "x").told("ann", "x").read("bob", A, [], { at: 520 }),
    ],
    ["nobody was told", new Story().write("ann", "x").read("bob", A, [], { at: 520, maxStalenessMs: 500 })],
    [
      "it might be lost with a disk",
      new Story("safe")
        .write("ann", "x")
        .told("ann", "x")
        .read("bob", A, [], { at: 520, maxStalenessMs: 500 }),
    ],
  ],
};

for (const [guarantee, cases] of Object.entries(CASES)) {
  describe(guarantee, () => {
    for (const [what, story, line] of cases) {
      test(`${what}: ${line === undefined ? "good" : "broken"}`, () => {
        expect(lines(story.recording)).toEqual(line === undefined ? [] : [line]);
      });
    }

    test("has two broken stories and a good one at least", () => {
      expect(cases.filter(([, , line]) => line?.startsWith(guarantee)).length).toBeGreaterThanOrEqual(2);
      expect(cases.some(([, , line]) => line === undefined)).toBe(true);
    });
  });
}

test("every guarantee is proved", () => {
  expect(Object.keys(CASES)).toEqual(Object.keys(GUARANTEES));
});

test("a recording is plain data", () => {
  const { recording } = new Story().write("ann", "x").told("ann", "x").read("bob", A, []).final("m1", A, []);
  const again = JSON.parse(JSON.stringify(recording)) as Recording;
  expect(again).toEqual(recording);
  expect(lines(again)).toEqual(lines(recording));
});

test("two changes that claim one op are told of", () => {
  const story = new Story().write("ann", "x");
  story.events.push({ ...story.events[0]!, at: 20, change: "y" } as (typeof story.events)[number]);
  expect(lines(story.recording)).toEqual(["exactly once: ann wrote y at 20, and its ops were taken"]);
});
