/** `syncline promote`, `demote` and `sync`: what they print, what they refuse, and with which exit code. */
import { expect, test } from "vitest";
import { run, serve } from "./commands.js";

test("promote, demote and sync: done, done already, and refused in one line", async () => {
  const m1 = await serve("--memory");
  const f1 = await serve("--memory", "--role", "follower", "--follow", m1.url);
  const of = (server: { http: string }) => ["--url", server.http];
  expect(await run(["promote", ...of(f1), "--sync", "ANY 2 (x"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^syncline: BAD_REQUEST: \?sync=: /),
  });
  const promoted = await run(["promote", ...of(f1)]);
  expect([promoted.code, promoted.stderr]).toEqual([0, ""]);
  expect(promoted.stdout).toMatch(/^\S+ is a master now\n$/);
  expect((await run(["promote", ...of(f1), "--json"])).stdout).toMatch(
    /^{"node":"\S+","role":"master","doubts":\[\]}\n$/,
  );
  // A name that nobody has may be a mistake: it is done, and said.
  const waiting = await run(["sync", "ANY 1 (f9)", ...of(f1)]);
  expect(waiting.stdout).toMatch(/^\S+ commits by ALL \(f9\) now\n$/);
  expect(waiting.stderr).toMatch(/^no member yet: f9\. /);
  expect((await run(["sync", "local", ...of(f1), "--json"])).stdout).toMatch(
    /^{"node":"\S+","rule":"LOCAL","unknown":\[\]}\n$/,
  );
  expect(await run(["sync", "ANY 2 (x", ...of(f1)])).toMatchObject({ code: 2 });
  expect((await run(["demote", ...of(m1)])).stdout).toMatch(/^\S+ is a follower now\n$/);
  expect((await run(["sync", "LOCAL", ...of(m1)])).stderr).toMatch(
    new RegExp(`^syncline: READ_ONLY_FOLLOWER: [^\\n]* masters named in this answer: ${f1.url}\\n$`),
  );
  const unsaid = await fetch(`${f1.http}/v1/sync`, { method: "POST" });
  expect([unsaid.status, ((await unsaid.json()) as { error: { code: string } }).error.code]).toEqual([
    400,
    "BAD_REQUEST",
  ]);
  const refused = await fetch(`${f1.http}/v1/promote`);
  expect([refused.status, refused.headers.get("allow")]).toEqual([405, "POST"]);
});
