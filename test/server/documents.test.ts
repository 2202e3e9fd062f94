/** Documents over HTTP: what is written is read, and what is wrong is refused with nothing applied. */
import { CORE_LIMITS, CounterOverflow, Document } from "@syncline/core";
import { DamagedStore, SyncNode } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { SERVER_LIMITS } from "@syncline/server";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ask, post, started } from "./servers.js";

afterEach(() => vi.restoreAllMocks());

const ROADMAP = "/v1/docs/boards/roadmap";

describe("writing and reading", () => {
  test("a list of ops is one change, and a read shows it", async () => {
    const server = await started();
    const written = await post(server, ROADMAP, [
      { field: "votes", op: "increment", by: 2 },
      { field: "tags", op: "add", value: "p1" },
      { field: "title", op: "set", value: "Roadmap" },
    ]);
    expect(written.status).toBe(200);
    expect(written.json).toEqual({
      outcome: "committed",
      change: expect.stringMatching(/^boards\/roadmap@\d+:1-3$/),
      token: expect.stringMatching(/^1[\w-]+$/),
      nodes: ["m1"],
    });
    expect(written.headers["syncline-token"]).toBe(written.json.token);

    const read = await ask(server, ROADMAP);
    expect(read.status).toBe(200);
    expect(read.json).toEqual({
      value: { tags: ["p1"], title: "Roadmap", votes: 2 },
      kinds: { tags: "set", title: "register", votes: "counter" },
    });
    expect(read.headers["syncline-token"]).toMatch(/^1[\w-]+$/);
  });

  test("every op there is", async () => {
    const server = await started();
    const shown = async (ops: unknown) => {
      const { status, json } = await post(server, "/v1/docs/c/k", ops);
      expect(status, JSON.stringify(json)).toBe(200);
      return (await ask(server, "/v1/docs/c/k")).json.value;
    };
    expect(await shown([{ field: "r", op: "set", value: { a: [1, null, true, "x"] } }])).toEqual({
      r: { a: [1, null, true, "x"] },
    });
    expect(await shown([{ field: "r", op: "clear" }])).toEqual({});
    expect(
      await shown([
        { field: "n", op: "increment" },
        { field: "n", op: "decrement", by: 5 },
      ]),
    ).toEqual({ n: -4 });
    expect(await shown([{ field: "n", op: "reset" }])).toEqual({ n: 0 });
    expect(
      await shown([
        { field: "s", op: "add", value: 1 },
        { field: "s", op: "add", value: "one" },
        { field: "s", op: "remove", value: 1 },
      ]),
    ).toEqual({ n: 0, s: ["one"] });
    expect(await shown([{ field: "s", op: "clear", kind: "set" }])).toEqual({ n: 0, s: [] });
    expect(await shown([{ path: ["s"], op: "set", kind: "register", value: 1 }])).toEqual({
      n: 0,
      s: [],
      "s@register": 1,
    });
  });

  test("the other kinds of fields go by their name where another kind has the op as well", async () => {
    const server = await started();
    const send = (ops: unknown) => post(server, "/v1/docs/c/k", ops);
    await send([
      { field: "open", op: "enable" },
      { field: "paid", op: "enable", kind: "disable-flag" },
      { field: "visits", op: "increment", by: 2, kind: "grow-counter" },
      { field: "guests", op: "add", value: "ann", kind: "remove-set" },
      { field: "guests", op: "add", value: "bob", kind: "remove-set" },
      { field: "seen", op: "add", value: "p1", kind: "grow-set" },
    ]);
    await send([
      { field: "paid", op: "disable", kind: "disable-flag" },
      { field: "guests", op: "remove", value: "ann", kind: "remove-set" },
    ]);
    expect((await ask(server, "/v1/docs/c/k")).json).toEqual({
      value: { guests: ["bob"], open: true, paid: false, seen: ["p1"], visits: 2 },
      kinds: {
        guests: "remove-set",
        open: "flag",
        paid: "disable-flag",
        seen: "grow-set",
        visits: "grow-counter",
      },
    });
  });

  test("a path leads through maps to what is to be changed, made, or taken away", async () => {
    const server = await started();
    const shown = async (ops: unknown) => {
      const { status, json } = await post(server, "/v1/docs/c/k", ops);
      expect(status, JSON.stringify(json)).toBe(200);
      return (await ask(server, "/v1/docs/c/k")).json.value;
    };
    const ops = [
      { path: ["cards", "c1", "done"], op: "enable" },
      { path: ["cards", "c1", "title"], op: "set", value: "Buy milk" },
      { path: ["cards", "c1", "votes"], op: "increment" },
      { path: ["cards", "c2"], op: "create" },
    ];
    expect(await shown(ops)).toEqual({ cards: { c1: { done: true, title: "Buy milk", votes: 1 }, c2: {} } });
    expect(await shown([{ path: ["cards", "c1", "title"], op: "delete" }])).toEqual({
      cards: { c1: { done: true, votes: 1 }, c2: {} },
    });
    expect(await shown([{ path: ["cards", "c1"], op: "delete" }])).toEqual({ cards: { c2: {} } });
    expect(await shown([{ field: "cards", op: "clear", kind: "map" }])).toEqual({});
  });

  test("a list has inserts, deletions and moves, in a field or under a key", async () => {
    const server = await started();
    const shown = async (...ops: unknown[]) => {
      const { status, json } = await post(server, "/v1/docs/c/k", ops);
      expect(status, JSON.stringify(json)).toBe(200);
      return (await ask(server, "/v1/docs/c/k")).json.value;
    };
    const push = (value: unknown) => ({ field: "items", op: "push", value });
    expect(
      await shown(push("a"), push("b"), { field: "items", op: "insert", at: 1, value: { n: 1 } }),
    ).toEqual({
      items: ["a", { n: 1 }, "b"],
    });
    expect(await shown({ field: "items", op: "move", from: 2, to: 0 })).toEqual({
      items: ["b", "a", { n: 1 }],
    });
    expect(await shown({ field: "items", op: "delete", at: 2 })).toEqual({ items: ["b", "a"] });
    expect(await shown({ field: "items", op: "delete", at: 0, count: 2 })).toEqual({ items: [] });
    expect(await shown({ path: ["m", "l"], op: "insert", at: 0, value: 1 })).toEqual({
      items: [],
      m: { l: [1] },
    });
    expect(await shown({ path: ["m", "l"], op: "clear", kind: "list" })).toEqual({ items: [] });
  });

  test("a path leads through a record that is there", async () => {
    const server = await started();
    const send = (...ops: unknown[]) => post(server, "/v1/docs/c/k", ops);
    await send(
      { path: ["cards", "c1"], op: "create", kind: "record" },
      { path: ["cards", "c2"], op: "create" },
    );
    await send(
      { path: ["cards", "c1", "votes"], op: "increment" },
      { path: ["cards", "c2", "votes"], op: "increment" },
    );
    expect((await ask(server, "/v1/docs/c/k")).json.value).toEqual({
      cards: { c1: { votes: 1 }, c2: { votes: 1 } },
    });
    await send({ path: ["cards", "c1"], op: "clear", kind: "record" });
    expect((await ask(server, "/v1/docs/c/k")).json.value).toEqual({ cards: { c2: { votes: 1 } } });
  });

  test("a map in which using keeps goes by its kind, and is found where it is", async () => {
    const server = await started();
    const send = async (...ops: unknown[]) => {
      const { status, json } = await post(server, "/v1/docs/c/k", ops);
      expect(status, JSON.stringify(json)).toBe(200);
      return (await ask(server, "/v1/docs/c/k")).json;
    };
    await send({ path: ["cards", "c1", "votes"], kinds: ["keep-map", "record"], op: "increment" });
    expect(await send({ path: ["cards", "c1", "votes"], op: "increment" })).toEqual({
      value: { cards: { c1: { votes: 2 } } },
      kinds: { cards: "keep-map" },
    });
    expect((await send({ path: ["cards", "c1"], op: "delete" })).value).toEqual({});
    expect((await send({ path: ["cards", "c2"], kinds: ["keep-map"], op: "create" })).value).toEqual({
      cards: { c2: {} },
    });
    expect((await send({ field: "cards", kind: "keep-map", op: "clear" })).value).toEqual({});
  });

  test("a map in which removing wins is made, led through, and emptied; a path says by `kinds` what it leads through", async () => {
    const server = await started();
    const send = async (...ops: unknown[]) => {
      const { status, json } = await post(server, "/v1/docs/c/k", ops);
      expect(status, JSON.stringify(json)).toBe(200);
      return (await ask(server, "/v1/docs/c/k")).json.value;
    };
    const kinds = ["remove-map", "record"];
    expect(
      await send(
        { path: ["cards", "c1", "title"], kinds, op: "set", value: "Milk" },
        // What is there by now is found.
        { path: ["cards", "c1", "votes"], op: "increment" },
        { path: ["cards", "c2"], kind: "remove-map", op: "create" },
      ),
    ).toEqual({ cards: { c1: { title: "Milk", votes: 1 }, c2: {} } });
    expect((await ask(server, "/v1/docs/c/k")).json.kinds).toEqual({ cards: "remove-map" });
    expect(await send({ path: ["cards", "c1"], op: "delete" })).toEqual({ cards: { c2: {} } });
    expect(await send({ path: ["cards", "c3"], kinds: ["map"], op: "create" })).toEqual({
      cards: { c2: {} },
      "cards@map": { c3: {} },
    });
    expect(await send({ field: "cards", kind: "remove-map", op: "clear" })).toEqual({
      "cards@map": { c3: {} },
    });
  });

  test("bytes go in and out as base64, and look-alikes stay what they are", async () => {
    const server = await started();
    const value = {
      raw: { $bytes: "AP/+" },
      like: { $$bytes: "AP/+" },
      more: { $$$bytes: 1 },
      other: { $bytes: "AA==", x: 1 },
    };
    const ops = Object.entries(value).map(([field, one]) => ({ field, op: "set", value: one }));
    expect((await post(server, "/v1/docs/c/bytes", ops)).status).toBe(200);
    expect((await ask(server, "/v1/docs/c/bytes")).json.value).toEqual(value);
  });

  test("ops without effect make no change", async () => {
    const server = await started();
    const { status, json } = await post(server, "/v1/docs/c/k", [{ field: "s", op: "remove", value: 1 }]);
    expect(status).toBe(200);
    expect(json).toMatchObject({ outcome: "committed", change: null });
    expect((await ask(server, "/v1/docs/c/k")).status).toBe(404);
  });

  test("an unknown document is not found", async () => {
    const server = await started();
    const { status, json, headers } = await ask(server, "/v1/docs/boards/nothing");
    expect(status).toBe(404);
    expect(json.error).toMatchObject({ code: "NOT_FOUND", message: "there is no document boards/nothing" });
    expect(headers["content-type"]).toMatch(/^application\/json/);
    // Absence is seen too.
    expect(headers["syncline-token"]).toMatch(/^1/);
  });

  test("keys are decoded once, whatever is in them", async () => {
    const server = await started();
    const keys = ["a/b", "%2F", "ä 😀", "...", "constructor", "a%b", "?", "#", "a+b"];
    for (const key of keys) {
      const path = `/v1/docs/odd/${encodeURIComponent(key)}`;
      const written = await post(server, path, [{ field: "key", op: "set", value: key }]);
      expect(written.status, `${key}: ${written.text}`).toBe(200);
      expect((await ask(server, path)).json.value).toEqual({ key });
    }
    const { json } = await ask(server, "/v1/docs/odd");
    expect(json.keys).toHaveLength(keys.length);
    expect(new Set(json.keys)).toEqual(new Set(keys));
  });

  test("the keys of a collection come in pages", async () => {
    const server = await started();
    for (const key of ["b", "a", "d", "c"])
      await post(server, `/v1/docs/pages/${key}`, [{ field: "x", op: "increment" }]);
    await post(server, "/v1/docs/pages2/z", [{ field: "x", op: "increment" }]);
    expect((await ask(server, "/v1/docs/pages")).json).toEqual({ keys: ["a", "b", "c", "d"], next: null });
    expect((await ask(server, "/v1/docs/pages?limit=3")).json).toEqual({ keys: ["a", "b", "c"], next: "c" });
    expect((await ask(server, "/v1/docs/pages?limit=3&after=c")).json).toEqual({ keys: ["d"], next: null });
    expect((await ask(server, "/v1/docs/none")).json).toEqual({ keys: [], next: null });
  });

  test("the largest number of ops, and one more", async () => {
    const server = await started();
    const ops = Array.from({ length: CORE_LIMITS.opsPerChangeMax }, () => ({ field: "n", op: "increment" }));
    expect((await post(server, "/v1/docs/c/many", ops)).status).toBe(200);
    expect((await ask(server, "/v1/docs/c/many")).json.value).toEqual({ n: ops.length });
    const { status, json } = await post(server, "/v1/docs/c/many", [...ops, ops[0]]);
    expect([status, json.error.code]).toEqual([413, "LIMIT_EXCEEDED"]);
    expect((await ask(server, "/v1/docs/c/many")).json.value).toEqual({ n: ops.length });
  });
});

describe("tokens", () => {
  test("a token that is covered is no wait", async () => {
    const server = await started();
    const { json } = await post(server, ROADMAP, [{ field: "x", op: "increment" }]);
    for (const path of [ROADMAP, "/v1/docs/boards"]) {
      expect((await ask(server, path, { headers: { "Syncline-Token": json.token } })).status).toBe(200);
    }
  });

  test("a token that cannot be covered runs out", async () => {
    const [one, two] = [await started(), await started({ name: "m2" })];
    const { json } = await post(one, ROADMAP, [{ field: "x", op: "increment" }]);
    const headers = { "Syncline-Token": json.token };
    const answers = [
      await ask(two, `${ROADMAP}?timeoutMs=1`, { headers }),
      await ask(two, "/v1/docs/boards?timeoutMs=1", { headers }),
      await post(two, `${ROADMAP}?timeoutMs=1`, [{ field: "x", op: "increment" }], headers),
    ];
    for (const { status, json } of answers)
      expect([status, json.error.code]).toEqual([504, "CAUSAL_WAIT_TIMEOUT"]);
    expect((await ask(two, ROADMAP)).status).toBe(404);
  });

  test.each(["nonsense", "1", "1!!!", "2AAAA", "1AQ"])("%s is no token", async (token) => {
    const server = await started();
    const { status, json } = await ask(server, ROADMAP, { headers: { "Syncline-Token": token } });
    // An empty vector is a token of a node that has seen nothing.
    if (token === "1") expect(status).toBe(400);
    expect([status, json.error.code]).toEqual([400, "INVALID_TOKEN"]);
  });
});

describe("a bad op: its index, its field, the reason, and nothing applied", () => {
  const good = { field: "title", op: "set", value: "x" };
  const cases: [what: string, op: unknown, field: string | undefined, reason: RegExp][] = [
    ["not an object", 7, undefined, /an op is an object/],
    ["null", null, undefined, /an op is an object/],
    ["a list", [], undefined, /an op is an object/],
    ["no field", { op: "increment" }, undefined, /"field" is missing/],
    ["a field that is a number", { field: 1, op: "increment" }, undefined, /"field" is not text/],
    ["an empty field", { field: "", op: "increment" }, "", /1 to 128 bytes/],
    ["a field with an @", { field: "a@b", op: "increment" }, "a@b", /no @/],
    ["a field that is a prototype", { field: "__proto__", op: "increment" }, "__proto__", /not a name/],
    ["both field and path", { field: "a", path: ["a"], op: "increment" }, undefined, /not both/],
    ["a path that is no list", { path: "a", op: "increment" }, undefined, /"path" is a list/],
    ["a path too deep", { path: Array(17).fill("m"), op: "increment" }, "m", /pathDepthMax is 16/],
    ["a key of a prototype", { path: ["cards", "__proto__"], op: "increment" }, "cards", /not a name/],
    ["an empty key", { path: ["cards", ""], op: "increment" }, "cards", /1 to 256 bytes/],
    ["a field to delete", { field: "cards", op: "delete" }, "cards", /a field stays/],
    ["no op", { field: "a" }, "a", /"op" is missing; there are set, clear \(register\)/],
    [
      "an op that is not there yet",
      { field: "a", op: "spend" },
      "a",
      /"spend" is no op of this version.*add, remove, clear \(set\)/,
    ],
    ["an op of a prototype", { field: "a", op: "constructor" }, "a", /is no op of this version/],
    [
      "a kind that is not there yet",
      { field: "a", op: "set", kind: "bounded-counter", value: 1 },
      "a",
      /kind bounded-counter comes with a later version; there are register, counter, set/,
    ],
    ["a kind that never was", { field: "a", op: "set", kind: "tree", value: 1 }, "a", /"tree" is no kind/],
    [
      "an op of another kind",
      { field: "a", op: "set", kind: "counter", value: 1 },
      "a",
      /a counter has no op "set"; it has increment, decrement, reset/,
    ],
    ["an insert without a place", { field: "l", op: "insert", value: 1 }, "l", /"at" is missing/],
    ["an insert of nothing", { field: "l", op: "insert", at: 0 }, "l", /"value" is missing/],
    [
      "an insert beyond the end",
      { field: "l", op: "insert", at: 1, value: 1 },
      "l",
      /index 1 is not in a list of 0/,
    ],
    ["an index that is text", { field: "l", op: "delete", at: "0" }, "l", /"at" is not a number/],
    ["a move to nowhere", { field: "l", op: "move", from: 0 }, "l", /"to" is missing/],
    [
      "a deletion of too many",
      { field: "l", op: "delete", at: 0, count: 2 },
      "l",
      /index 1 is not in a list of 0/,
    ],
    [
      "a deletion with a value",
      { field: "l", op: "delete", at: 0, value: 1 },
      "l",
      /takes "at" and "count", not "value"/,
    ],
    ["kinds that are none", { path: ["a", "b"], kinds: "map", op: "create" }, "a", /"kinds" is a list of/],
    ["a way through a sum", { path: ["a", "b"], kinds: ["counter"], op: "create" }, "a", /"kinds" is a list/],
    ["more kinds than steps", { path: ["a", "b"], kinds: ["map", "map"], op: "create" }, "a", /has more/],
    ["an unknown key", { ...good, vlaue: 1 }, "title", /"vlaue" has no meaning/],
    ["no value", { field: "a", op: "set" }, "a", /"value" is missing/],
    ["a value where there is none", { field: "a", op: "reset", value: 1 }, "a", /takes no "value"/],
    ["a step as value", { field: "a", op: "increment", value: 1 }, "a", /takes "by", not "value"/],
    ["a step of text", { field: "a", op: "increment", by: "1" }, "a", /"by" is not a number/],
    ["a step of null", { field: "a", op: "increment", by: null }, "a", /"by" is not a number/],
    ["a broken step", { field: "a", op: "increment", by: 0.5 }, "a", /not an integer/],
    ["a huge step", { field: "a", op: "increment", by: 2 ** 31 + 1 }, "a", /not an integer of magnitude/],
    ["bytes that are none", { field: "a", op: "set", value: { $bytes: "?" } }, "a", /base64/],
    [
      "a value too deep",
      { field: "a", op: "set", value: JSON.parse("[".repeat(65) + "]".repeat(65)) },
      "a",
      /deeper than 64/,
    ],
    [
      "a value too large",
      { field: "a", op: "set", value: "x".repeat(CORE_LIMITS.valueBytesMax) },
      "a",
      /larger than/,
    ],
    ["a lone surrogate", { field: "a", op: "set", value: "\ud800" }, "a", /lone surrogate/],
  ];

  test.each(cases)("%s", async (_what, op, field, reason) => {
    const server = await started();
    for (const index of [0, 2]) {
      const ops = [...Array.from({ length: index }, () => good), op, good];
      const { status, json } = await post(server, ROADMAP, ops);
      expect(status, JSON.stringify(json)).toBe(400);
      expect(json.error).toMatchObject({
        code: "MALFORMED_OP",
        message: expect.stringContaining(`op ${index}`),
        remedy: expect.any(String),
        op: index,
        reason: expect.stringMatching(reason),
      });
      expect(json.error.field).toBe(field);
    }
    expect((await ask(server, ROADMAP)).status).toBe(404);
  });

  test("a key that would set a prototype", async () => {
    const server = await started();
    const { status, json } = await post(
      server,
      ROADMAP,
      '[{"field":"a","op":"set","value":{"__proto__":{"isAdmin":true}}}]',
    );
    expect(status).toBe(400);
    expect(json.error).toMatchObject({
      code: "MALFORMED_OP",
      op: 0,
      field: "a",
      reason: expect.stringMatching(/__proto__/),
    });
  });

  test("values that are too large only together", async () => {
    const server = await started();
    const ops = Array.from({ length: 3 }, (_, i) => ({
      field: `f${i}`,
      op: "set",
      value: "x".repeat(200_000),
    }));
    const { status, json } = await post(server, ROADMAP, ops);
    expect([status, json.error.code]).toEqual([413, "LIMIT_EXCEEDED"]);
    expect((await ask(server, ROADMAP)).status).toBe(404);
  });
});

describe("a bad request", () => {
  const cases: [
    what: string,
    path: string,
    question: Parameters<typeof ask>[2],
    status: number,
    code: string,
  ][] = [
    ["no JSON", ROADMAP, { body: "{" }, 400, "MALFORMED_OP"],
    ["no list", ROADMAP, { body: "{}" }, 400, "MALFORMED_OP"],
    ["an empty list", ROADMAP, { body: "[]" }, 400, "MALFORMED_OP"],
    ["no body", ROADMAP, {}, 400, "MALFORMED_OP"],
    [
      "bytes that are no text",
      ROADMAP,
      { body: Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d) },
      400,
      "MALFORMED_OP",
    ],
    ["nesting without end", ROADMAP, { body: "[".repeat(100_000) }, 400, "MALFORMED_OP"],
    [
      "a form",
      ROADMAP,
      { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "a=1" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "plain text",
      ROADMAP,
      { headers: { "content-type": "text/plain" }, body: "[]" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "no type",
      ROADMAP,
      { headers: { "content-type": undefined }, body: "[]" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "a type that begins like JSON",
      ROADMAP,
      { headers: { "content-type": "application/jsonx" }, body: "[]" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "a body too large",
      ROADMAP,
      { body: `[${" ".repeat(SERVER_LIMITS.bodyBytesMax)}]` },
      413,
      "LIMIT_EXCEEDED",
    ],
    ["another ack", `${ROADMAP}?ack=applied`, { body: "[]" }, 400, "BAD_REQUEST"],
    ["no time", `${ROADMAP}?timeoutMs=0`, { body: "[]" }, 400, "BAD_REQUEST"],
    ["too much time", `${ROADMAP}?timeoutMs=60001`, { body: "[]" }, 400, "BAD_REQUEST"],
    ["a bad collection", "/v1/docs/a%20b/k", { body: "[]" }, 400, "BAD_REQUEST"],
    ["a hidden collection", "/v1/docs/.git/k", { body: "[]" }, 400, "BAD_REQUEST"],
    ["a key too long", `/v1/docs/c/${"k".repeat(257)}`, { body: "[]" }, 400, "BAD_REQUEST"],
    ["a key with a null", "/v1/docs/c/a%00b", { body: "[]" }, 400, "BAD_REQUEST"],
    ["a key that is no UTF-8", "/v1/docs/c/%ff", { body: "[]" }, 400, "BAD_REQUEST"],
    ["a path that goes up", "/v1/docs/a/%2e%2e/boards/roadmap", { body: "[]" }, 400, "BAD_REQUEST"],
    ["a key with a bare slash", "/v1/docs/c/a/b", { body: "[]" }, 404, "NOT_FOUND"],
    ["no key", "/v1/docs/c/", { body: "[]" }, 404, "NOT_FOUND"],
  ];

  test.each(cases)("%s", async (_what, path, question, status, code) => {
    const server = await started();
    const answer = await ask(server, path, {
      method: "POST",
      ...question,
      headers: { "content-type": "application/json", ...question?.headers },
    });
    expect([answer.status, answer.json.error.code]).toEqual([status, code]);
    expect(answer.json.error).toMatchObject({ message: expect.any(String), remedy: expect.any(String) });
    expect((await ask(server, ROADMAP)).status).toBe(404);
    expect((await ask(server, "/livez")).status).toBe(200);
  });

  test.each([
    ["PUT", ROADMAP, "GET, HEAD, POST, DELETE"],
    ["POST", "/v1/docs/boards", "GET, HEAD"],
    ["POST", "/v1/status", "GET, HEAD"],
    ["DELETE", "/", "GET, HEAD"],
  ])("%s %s", async (method, path, allow) => {
    const server = await started();
    const { status, json, headers } = await ask(server, path, { method });
    expect([status, json.error.code, headers.allow]).toEqual([405, "METHOD_NOT_ALLOWED", allow]);
  });

  test.each(["limit=0", `limit=${LIMITS.pageKeysMax + 1}`, "limit=x", "limit=-1", "after="])(
    "a listing with %s",
    async (query) => {
      const server = await started();
      const { status, json } = await ask(server, `/v1/docs/boards?${query}`);
      expect([status, json.error.code]).toEqual([400, "BAD_REQUEST"]);
    },
  );

  test.each([
    "GET /v1/conflicts?document=abc",
    "GET /v1/digests?document=abc",
    "GET /v1/digests?after=abc",
    "GET /v1/purge?document=abc",
    "POST /v1/purge",
  ])("%s names no document", async (request) => {
    const server = await started();
    const [method, path = ""] = request.split(" ");
    const { status, json } = await ask(server, path, { method: method ?? "" });
    expect([status, json.error.code]).toEqual([400, "BAD_REQUEST"]);
  });

  test("a counter beyond what JSON can say is told apart from a fault", async () => {
    const overflowing = new Document({ collection: "c", key: "big" });
    overflowing.toJSON = () => {
      throw new CounterOverflow("the counter's value lies outside ±(2^53 - 1)");
    };
    vi.spyOn(SyncNode.prototype, "read").mockImplementation((_name, { token }, answer) =>
      answer({ ok: true, document: overflowing, token }),
    );
    const server = await started();
    const { status, json } = await ask(server, "/v1/docs/c/big");
    expect([status, json.error.code]).toEqual([409, "COUNTER_OVERFLOW"]);
    expect((await ask(server, "/livez")).status).toBe(200);
  });

  test("damage on the disk is no 500: the process ends", async () => {
    vi.spyOn(SyncNode.prototype, "read").mockImplementation(() => {
      throw new DamagedStore("a record is damaged");
    });
    const server = await started();
    const { status, json } = await ask(server, "/v1/docs/c/k");
    expect([status, json.error.code]).toEqual([503, "STORAGE_FAILED"]);
    expect((await server.ended).failure).toBeInstanceOf(DamagedStore);
  });

  test("a fault of ours is a 500 for one caller", async () => {
    vi.spyOn(SyncNode.prototype, "keys").mockImplementation(() => {
      throw new TypeError("secret detail");
    });
    const server = await started();
    const { status, text, json } = await ask(server, "/v1/docs/c");
    expect([status, json.error.code]).toEqual([500, "INTERNAL"]);
    expect(text).not.toContain("secret");
    expect((await ask(server, "/livez")).status).toBe(200);
  });
});
