import type { Scheduler } from "@syncline/engine";
import { SeededRandom } from "@syncline/simulation";
import { memoryStorage, plainMemory } from "@syncline/storage";
import { describe, expect, test } from "vitest";
import { SEED } from "../seed.js";
import { ALL, bytes, found, put, text } from "./bytes.js";
import { conformsToStorage } from "./conformance.js";

/** Turns of the real event loop; the store uses nothing else. */
const realTurns: Scheduler = {
  after: () => expect.unreachable(),
  turn: (task) => void setImmediate(task),
};

conformsToStorage("memory", async () => memoryStorage({ scheduler: realTurns }));

/** Turns that pass only when the test says so. */
function heldTurns() {
  let due: (() => void)[] = [];
  const scheduler: Scheduler = { after: () => expect.unreachable(), turn: (task) => void due.push(task) };
  const pass = () => {
    const tasks = due;
    due = [];
    for (const task of tasks) task();
    return tasks.length;
  };
  return { scheduler, pass };
}

describe("a memory store that crashes", () => {
  test("keeps what was done, and nothing else", () => {
    const { scheduler, pass } = heldTurns();
    const store = memoryStorage({ scheduler });
    const done: string[] = [];
    store.commit([put("a", "1")], () => done.push("a"));
    store.commit([put("b", "1")], () => done.push("b"));
    expect(found(store)).toEqual([]);
    pass();
    store.commit([put("a", "2"), put("c", "1")], () => done.push("c"));
    const after = store.restart();
    expect(pass()).toBe(1);
    expect(done).toEqual(["a", "b"]);
    expect(found(after)).toEqual([
      ["a", "1"],
      ["b", "1"],
    ]);
    after.commit([put("a", "3")], () => done.push("again"));
    pass();
    expect(done).toEqual(["a", "b", "again"]);
    expect(text(after.get(bytes("a")))).toBe("3");
  });

  test("may crash within a done: of the commits of one turn a prefix is left", () => {
    const { scheduler, pass } = heldTurns();
    const store = memoryStorage({ scheduler });
    const done: number[] = [];
    let after = store;
    for (let i = 1; i <= 5; i++) {
      store.commit([put("x", `${i}`), put(`k${i}`, "")], () => {
        done.push(i);
        if (i === 3) after = store.restart();
      });
    }
    pass();
    expect(done).toEqual([1, 2, 3]);
    expect(found(after).map(([key]) => key)).toEqual(["k1", "k2", "k3", "x"]);
    expect(text(after.get(bytes("x")))).toBe("3");
  });

  test("is over: what still uses it is told", async () => {
    const { scheduler } = heldTurns();
    const store = memoryStorage({ scheduler });
    store.restart();
    expect(() => store.commit([], () => {})).toThrow("crashed");
    expect(() => store.get(bytes("a"))).toThrow("crashed");
    expect(() => store.restart()).toThrow("twice");
    await store.close();
  });

  test("crashes while it is being closed, and the close ends", async () => {
    const { scheduler } = heldTurns();
    const store = memoryStorage({ scheduler });
    const closed = store.close();
    store.restart();
    await closed;
  });

  test("opens again after a close, on another scheduler", async () => {
    const first = heldTurns();
    const store = memoryStorage({ scheduler: first.scheduler });
    store.commit([put("a", "1")], () => {});
    const closed = store.close();
    first.pass();
    await closed;
    const second = heldTurns();
    const after = store.restart({ scheduler: second.scheduler });
    after.commit([put("b", "1")], () => {});
    expect(first.pass()).toBe(0);
    expect(second.pass()).toBe(1);
    expect(found(after).map(([key]) => key)).toEqual(["a", "b"]);
  });

  test("does not notice when the caller reuses its arrays once they are done", () => {
    const { scheduler, pass } = heldTurns();
    const store = memoryStorage({ scheduler });
    const key = bytes("a");
    const value = bytes("1");
    const long = new Uint8Array(5_000).fill(1);
    store.commit(
      [
        { key, value },
        { key: bytes("b"), value: long },
      ],
      () => {
        key[0] = 0;
        value[0] = 0;
        long[0] = 0;
      },
    );
    pass();
    expect(text(store.get(bytes("a")))).toBe("1");
    expect(store.get(bytes("b"))).toEqual(new Uint8Array(5_000).fill(1));
  });
});

describe("entries packed in blocks", () => {
  test("are what was put there, of any length, however often they were replaced and removed", () => {
    const random = new SeededRandom(SEED);
    const memory = plainMemory();
    const model = new Map<string, Uint8Array>();
    const keyOf = (n: number) => `k${String(n).padStart(5, "0")}`;
    for (let round = 0; round < 6_000; round++) {
      const key = keyOf(random.integer(900));
      const isRemoved = random.chance(round % 2_000 < 1_500 ? 0.2 : 0.9);
      const length = random.chance(0.05) ? 900 + random.integer(300) : random.integer(60);
      const value = isRemoved ? undefined : new Uint8Array(length).fill(round);
      memory.apply([{ key: bytes(key), value }]);
      if (value === undefined) model.delete(key);
      else model.set(key, value);
      if (round % 500 !== 499) continue;
      const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(Array.from(memory.scan(ALL), ([key, value]) => [text(key), value])).toEqual(expected);
    }
  });

  test("are found from where a scan is on, whatever came and went meanwhile", () => {
    for (const reverse of [false, true]) {
      const memory = plainMemory();
      const keys = Array.from({ length: 700 }, (_, i) => String(i * 10).padStart(5, "0"));
      memory.apply(keys.map((key) => put(key, key)));
      const seen: string[] = [];
      for (const [key] of memory.scan({ ...ALL, reverse })) {
        const at = text(key) ?? "";
        seen.push(at);
        const beside = (by: number) => String(Number(at) + (reverse ? -by : by)).padStart(5, "0");
        // The one here goes, and two come for it: one was passed already.
        if (at.endsWith("0") && at > "00010")
          memory.apply([{ key, value: undefined }, put(beside(5), ""), put(beside(-5), "")]);
      }
      const expected = reverse ? [...seen].sort().reverse() : [...seen].sort();
      expect(seen).toEqual(expected);
      expect(seen.filter((key) => key.endsWith("0"))).toHaveLength(700);
      expect(seen.filter((key) => key.endsWith("5"))).toHaveLength(698);
    }
  });
});
