import { expect, test } from "vitest";
import { world } from "./world.js";

test("a write at either master reaches the follower and everybody's clients", () => {
  const cluster = world(1);
  cluster.master("m1", { follow: ["m2"] });
  cluster.master("m2", { follow: ["m1"] });
  cluster.follower("f1", { follow: ["m1", "m2"] });
  const ann = cluster.client("ann", ["m1"]);
  const bob = cluster.client("bob", ["m2"]);
  const cleo = cluster.client("cleo", ["f1"]);
  for (const client of [ann, bob, cleo]) client.open("boards/roadmap");
  ann.write("boards/roadmap", (b) => {
    b.register("title").set("Roadmap");
    b.counter("votes").increment();
  });
  bob.write("boards/roadmap", (b) => {
    b.set("tags").add("p1");
    b.counter("votes").increment(2);
  });
  const third = cleo.write("boards/roadmap", (b) => b.set("tags").add("p2"));
  cluster.settle();
  expect(cluster.nodes.get("f1")?.json("boards/roadmap")).toEqual({
    title: "Roadmap",
    votes: 3,
    tags: ["p1", "p2"],
  });
  expect(cleo.json("boards/roadmap")).toEqual({ title: "Roadmap", votes: 3, tags: ["p1", "p2"] });
  expect(third.committed).toBe(true);
});
