/** A change that is refused for good: it is nowhere, its caller knows, and all else goes on. */
import { type Access, openAccess } from "@syncline/engine";
import { describe, expect, test } from "vitest";
import { world } from "../scenarios/world.js";

/** Who may not do `right` in documents of the collection "closed". */
const without = (...rights: string[]): Access => ({
  ...openAccess,
  authorize: (_, { collection }, right) => collection !== "closed" || !rights.includes(right),
});

function build(access: Access, flushMs = 1) {
  const cluster = world(1);
  const m1 = cluster.master("m1", { access, flushMs });
  const ann = cluster.client("ann", ["m1"]);
  const increment = (id: string) => ann.write(id, (b) => b.counter("votes").increment());
  return { cluster, m1, ann, increment };
}

describe("a refused change does not hold up the others", () => {
  test("when its document may not be read either", () => {
    const { cluster, m1, ann, increment } = build(without("read", "write"));
    const refused = increment("closed/a");
    const taken = increment("boards/a");
    cluster.pass(2_000);
    expect(refused.rejected?.code).toBe("FORBIDDEN");
    expect(taken.durable).toBe(true);
    expect(m1.json("boards/a")).toEqual({ votes: 1 });
    expect(ann.json("closed/a") ?? {}).toEqual({});
    expect(ann.engine.status().pending).toBe(0);
  });

  test("when its document was closed before the answer, and others are answered meanwhile", () => {
    const { cluster, m1, ann, increment } = build(without("write"), 50);
    const told: unknown[] = [];
    ann.engine.onRejected((own) => told.push(own.rejected?.code));
    const closed = ann.open("closed/a");
    cluster.pass(1_000);
    cluster.network.faults.delayMsMin = cluster.network.faults.delayMsMax = 100;
    // The refusal comes at once, the receipt of the change before it after the flush, the document after both.
    increment("boards/a");
    const refused = increment("closed/a");
    ann.engine.close(closed);
    cluster.pass(1_000);
    expect(refused.rejected?.code).toBe("FORBIDDEN");
    expect(told).toEqual(["FORBIDDEN"]);
    const taken = increment("boards/a");
    cluster.pass(2_000);
    expect(taken.durable).toBe(true);
    expect(m1.json("boards/a")).toEqual({ votes: 2 });
  });
});

describe("a refused change takes nothing with it that was accepted", () => {
  test("also when the provider from which the document is had anew is behind (I2)", () => {
    const cluster = world(2);
    let isStrict = false;
    const access: Access = { ...openAccess, authorize: (_, __, right) => right === "read" || !isStrict };
    const m1 = cluster.master("m1", { access });
    const f1 = cluster.follower("f1", { follow: ["m1"] });
    const f2 = cluster.follower("f2", { follow: ["m1"] });
    cluster.pass(1_000);
    const ann = cluster.client("ann", ["f2", "f1"]);
    const increment = () => ann.write("boards/a", (b) => b.counter("votes").increment());
    ann.open("boards/a");
    cluster.pass(1_000);
    // What ann sees, and her change builds on, never reaches f1; then f1 is all that she can read from.
    cluster.network.cut("m1", "f1");
    m1.write("boards/a", (b) => b.counter("votes").increment());
    cluster.pass(500);
    const accepted = increment();
    cluster.pass(100);
    expect(accepted.durable).toBe(true);
    f2.kill();
    cluster.passUntil("ann reads at f1", () => {
      const { provider, writable } = ann.engine.status();
      return provider === "f1" && writable;
    });
    isStrict = true;
    const refused = increment();
    cluster.pass(200);
    expect(refused.rejected?.code).toBe("FORBIDDEN");
    isStrict = false;
    // On the next link she offers all that is not safe.
    m1.restart();
    cluster.pass(1_000);
    cluster.network.healAll();
    cluster.passUntil("f1 has it", () => f1.json("boards/a") !== undefined);
    cluster.pass(5_000);
    for (const shown of [m1, f1, ann]) expect(shown.json("boards/a")).toEqual({ votes: 2 });
    increment();
    cluster.pass(1_000);
    for (const shown of [m1, f1, ann]) expect(shown.json("boards/a")).toEqual({ votes: 3 });
  });

  test("what followed it in the document is made again, under a new author, and kept", () => {
    const cluster = world(3);
    let isStrict = true;
    const access: Access = { ...openAccess, authorize: (_, __, right) => right === "read" || !isStrict };
    const m1 = cluster.master("m1", { access });
    cluster.pass(100);
    const bob = cluster.client("bob", ["m1"]);
    bob.open("boards/a");
    cluster.pass(500);
    cluster.network.faults.delayMsMin = cluster.network.faults.delayMsMax = 50;
    const tag = (name: string) => bob.write("boards/a", (b) => b.set("tags").add(name));
    const refused = tag("first");
    // They are offered before the refusal is heard of; m1 forgets what it was offered behind a refused change.
    const followers = [tag("second"), tag("third")];
    cluster.pass(75);
    isStrict = false;
    cluster.pass(2_000);
    expect(refused.rejected?.code).toBe("FORBIDDEN");
    expect(followers.map(({ durable }) => durable)).toEqual([true, true]);
    const authors = new Set(followers.map(({ change }) => change.author));
    expect(authors.has(refused.change.author)).toBe(false);
    const both = { tags: expect.arrayContaining(["second", "third"]) };
    for (const shown of [m1, bob]) {
      expect(shown.json("boards/a")).toEqual(both);
      expect(shown.json("boards/a")).not.toEqual({ tags: expect.arrayContaining(["first"]) });
    }
  });
});
