/** `syncline promote` and `syncline demote`: what they print, what they refuse, and with which exit code. */
import { expect, test } from "vitest";
import { run, serve } from "./commands.js";

test("promote and demote: done, done already, and refused in one line", async () => {
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
  expect((await run(["demote", ...of(m1)])).stdout).toMatch(/^\S+ is a follower now\n$/);
  const refused = await fetch(`${f1.http}/v1/promote`);
  expect([refused.status, refused.headers.get("allow")]).toEqual([405, "POST"]);
});
