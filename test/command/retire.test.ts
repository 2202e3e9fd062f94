/** `syncline retire`: what it prints, what it refuses, and with which exit code. */
import { expect, test } from "vitest";
import { run, serve } from "./commands.js";

test("retire: refused with who is missing, done by force, and done already", async () => {
  const m1 = await serve("--memory", "--name", "m1");
  const m2 = await serve("--memory", "--name", "m2", "--follow", m1.url);
  const at = ["--url", m1.http];
  expect(await run(["retire", "x", ...at])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^syncline: NOT_FOUND: no node named x/),
  });
  expect(await run(["retire", "m1", ...at])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/RETIREMENT_WOULD_LOSE: a node does not retire itself/),
  });
  expect(await run(["retire", ...at])).toMatchObject({ code: 2 });
  await expect
    .poll(async () => (await run(["retire", "m2", ...at])).stderr, { timeout: 120_000 })
    .toMatch(/RETIREMENT_WOULD_LOSE: m2 is there: stop it first/);
  m2.child.kill();
  await m2.ended;
  const soon = await fetch(`${m1.http}/v1/retire?node=m2&timeoutMs=200`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect([soon.status, await soon.json()]).toMatchObject([
    409,
    { error: { code: "RETIREMENT_WOULD_LOSE", message: "only 1 of 2 members are heard, and not m2" } },
  ]);
  const forced = await run(["retire", "m2", ...at, "--force"]);
  expect(forced).toMatchObject({ code: 0, stderr: "" });
  expect(forced.stdout).toBe("m2 is retired\nin doubt: only 1 of 2 members are heard, and not m2\n");
  expect((await run(["retire", "m2", ...at, "--json"])).stdout).toMatch(
    /^{"node":"m2","by":"m1","streams":0,"doubts":\[\]}\n$/,
  );
  const status = (await run(["status", ...at])).stdout.replace(/ +/g, " ");
  expect(status).toMatch(/\n\nCLOSED OF HOW ENDED OPEN DECIDING\nm2 retired once 0 0 -\n$/);
  const refused = await fetch(`${m1.http}/v1/retire`);
  expect([refused.status, refused.headers.get("allow")]).toEqual([405, "POST"]);
});
