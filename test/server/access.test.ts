/** The hook decides who comes in and who does what, over HTTP as over WebSockets; and what it does wrong harms one caller. */
import type { Access } from "@syncline/engine";
import { fault } from "@syncline/protocol";
import { CannotStart, startServer } from "@syncline/server";
import { describe, expect, test } from "vitest";
import { ask, configOf, post, started } from "./servers.js";

const OPS = [{ field: "x", op: "increment" }];
const secret = new TextEncoder().encode("a secret of more than 16 bytes");

/** Ann reads and writes what begins with a, everybody may read the collection `open`. */
const rules: Access = {
  authenticate: ({ token }, answer) =>
    answer(
      token === "ann's-token"
        ? { name: "ann" }
        : token === ""
          ? { name: "" }
          : fault("UNAUTHORIZED", "no such token"),
    ),
  authorize: (who, { collection, key }, right) =>
    (who.name === "ann" && key.startsWith("a")) || (collection === "open" && right === "read"),
};
const ann = { authorization: "Bearer ann's-token" };

describe("rights", () => {
  test("reading and writing", async () => {
    const server = await started({}, { access: rules });
    expect((await post(server, "/v1/docs/c/a1", OPS, ann)).status).toBe(200);
    expect((await ask(server, "/v1/docs/c/a1", { headers: ann })).status).toBe(200);
    for (const answer of [
      await post(server, "/v1/docs/c/b1", OPS, ann),
      await post(server, "/v1/docs/c/a1", OPS),
      await post(server, "/v1/docs/open/b", OPS, ann),
      await ask(server, "/v1/docs/c/a1"),
    ]) {
      expect([answer.status, answer.json.error.code]).toEqual([403, "FORBIDDEN"]);
    }
    expect((await ask(server, "/v1/docs/c/a1", { headers: ann })).json.value).toEqual({ x: 1 });
  });

  test("who may not read cannot tell what exists from what does not", async () => {
    const server = await started({}, { access: rules });
    await post(server, "/v1/docs/c/a1", OPS, ann);
    const [there, absent] = [await ask(server, "/v1/docs/c/a1"), await ask(server, "/v1/docs/c/a2")];
    expect(there.text.replaceAll("a1", "*")).toBe(absent.text.replaceAll("a2", "*"));
    expect(there.headers["syncline-token"]).toBeUndefined();
  });

  test("a listing leaves out what the caller may not read, and still goes on", async () => {
    const access: Access = {
      ...rules,
      authorize: (who, { key }) => who.name === "ann" || !key.startsWith("b"),
    };
    const server = await started({}, { access });
    for (const key of ["a", "b1", "b2", "c"]) await post(server, `/v1/docs/x/${key}`, OPS, ann);
    expect((await ask(server, "/v1/docs/x")).json).toEqual({ keys: ["a", "c"], next: null });
    expect((await ask(server, "/v1/docs/x?limit=2")).json).toEqual({ keys: ["a"], next: "b1" });
    expect((await ask(server, "/v1/docs/x?limit=2&after=b1")).json).toEqual({ keys: ["c"], next: null });
  });

  test("a token that is refused", async () => {
    const server = await started({}, { access: rules });
    const { status, json } = await ask(server, "/v1/docs/open/k", {
      headers: { authorization: "Bearer other" },
    });
    expect([status, json.error.code]).toEqual([401, "UNAUTHORIZED"]);
    const denied = await ask(server, "/v1/status", { headers: { authorization: "Bearer other" } });
    expect([denied.status, denied.text.includes("m1")]).toEqual([401, false]);
    expect((await ask(server, "/v1/status", { headers: ann })).status).toBe(200);
    const long = await ask(server, "/v1/docs/open/k", {
      headers: { authorization: `Bearer ${"x".repeat(9000)}` },
    });
    expect([long.status, long.json.error.code]).toEqual([401, "UNAUTHORIZED"]);
  });
});

describe("a hook that does wrong", () => {
  const broken: [what: string, access: Access, status: number][] = [
    [
      "throws when asked who",
      {
        ...rules,
        authenticate: () => {
          throw new Error("secret detail");
        },
      },
      401,
    ],
    ["answers nonsense", { ...rules, authenticate: (_hello, answer) => answer(JSON.parse("7")) }, 401],
    [
      "throws when asked what",
      {
        ...rules,
        authorize: () => {
          throw new Error("secret detail");
        },
      },
      403,
    ],
    ["answers something like true", { ...rules, authorize: () => JSON.parse('"yes"') }, 403],
  ];
  test.each(broken)("%s", async (_what, access, status) => {
    const server = await started({}, { access });
    const answer = await ask(server, "/v1/docs/open/k", { headers: ann });
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain("secret");
    expect((await ask(server, "/livez")).status).toBe(200);
  });

  test("answers twice: the first counts", async () => {
    const access: Access = {
      ...rules,
      authenticate: (_hello, answer) => {
        answer(fault("UNAUTHORIZED", "no"));
        answer({ name: "ann" });
      },
    };
    const server = await started({}, { access });
    expect((await ask(server, "/v1/docs/c/a1", { headers: ann })).status).toBe(401);
  });
});

describe("listening beyond this machine", () => {
  const attempt = (changes: Parameters<typeof configOf>[0], access?: Access) =>
    startServer(configOf({ host: "0.0.0.0", ...changes }), access === undefined ? {} : { access }).then(
      (server) => server.stop().then(() => "started"),
      (error: unknown) => (error instanceof CannotStart ? error.message : error),
    );

  test("takes a secret and client authentication", async () => {
    expect(await attempt({})).toBe(
      "--host 0.0.0.0: other machines could connect, which takes a cluster secret (--cluster-secret-file) and client authentication (issuing tokens comes with a later version); use --host localhost",
    );
    expect(await attempt({ secret })).toMatch(/which takes client authentication/);
    expect(await attempt({}, rules)).toMatch(/which takes a cluster secret \(--cluster-secret-file\); use/);
    expect(await attempt({ host: "::" })).toMatch(/other machines could connect/);
    expect(await attempt({ secret, logLevel: "error" }, rules)).toBe("started");
  });

  test.each(["127.0.0.1", "127.0.0.2", "::1", "[::1]"])("%s is this machine", async (host) => {
    const server = await started({ host });
    expect(server.addresses).toEqual([host.replace(/[[\]]/g, "")]);
  });
});
