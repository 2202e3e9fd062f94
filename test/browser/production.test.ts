import type { Page } from "playwright-core";
import { afterEach, beforeAll, expect } from "vitest";
import { type Server, Servers, startBoth } from "../processes/server.js";
import { browserTest, profile, type Site, serve, tab, useBrowser } from "./browser.js";
import "./pages/board.js";

/**
 * What apps deploy, in a real browser: the modules that bundlers take under the condition `production`, minified. All
 * other tests run what the compiler has made, with the sentences that are marks here.
 */
useBrowser();

let deployed: Site;
let developed: Site;
let servers = new Servers();

beforeAll(async () => {
  deployed = await serve("board.ts", "production");
  developed = await serve("board.ts");
});

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

async function open(page: Page, list: readonly Server[], keptAs?: string): Promise<void> {
  const urls = list.map((server) => server.url);
  await page.evaluate(([urls, keptAs]) => openBoard(urls, keptAs === undefined ? {} : { keptAs }), [
    urls,
    keptAs,
  ] as const);
  await page.evaluate(() => board.ready());
}

const vote = (page: Page, tag: string) => page.evaluate((tag) => board.vote(tag), tag);
const until = (page: Page, votes: number) => page.evaluate((votes) => board.until(votes), votes);

browserTest("what is deployed and what is developed show each other the same", async () => {
  const m1 = await servers.started("m1");
  const [ann, bob] = [await tab(deployed), await tab(developed)];
  for (const page of [ann, bob]) await open(page, [m1]);
  expect(await Promise.all([vote(ann, "ann"), vote(bob, "bob")])).toEqual(["committed", "committed"]);
  const expected = { votes: 2, tags: ["ann", "bob"] };
  expect(await Promise.all([until(ann, 2), until(bob, 2)])).toEqual([expected, expected]);
});

browserTest("what is deployed goes on with another master, and keeps what was not sent", async () => {
  const [m1, m2] = [servers.server("m1"), servers.server("m2")];
  await startBoth(m1, m2);
  const context = await profile();
  const page = await tab(deployed, context);
  await open(page, [m1, m2], "app");
  expect(await vote(page, "at m1")).toBe("committed");
  await page.evaluate(() => board.untilSaved());
  await m1.kill();
  expect(await vote(page, "at m2")).toBe("committed");
  await m2.kill();
  expect(await page.evaluate(() => board.voteToKeep("offline"))).toBe(true);

  await page.reload();
  await open(page, [m1, m2], "app");
  expect(await page.evaluate(() => board.shown())).toEqual({ votes: 3, tags: ["at m1", "at m2", "offline"] });
  await Promise.all([m1.start(), m2.start()]);
  await page.evaluate(() => board.untilSaved());
  const other = await tab(developed);
  await open(other, [m2]);
  expect(await until(other, 3)).toEqual({ votes: 3, tags: ["at m1", "at m2", "offline"] });
});

browserTest("what is deployed says what is wrong in marks, with the codes that it always has", async () => {
  const page = await tab(deployed);
  const error = await page.evaluate(() => {
    try {
      openBoard(["ftp://here"]);
      return undefined;
    } catch (error) {
      const { code, message } = error as Error & { code: string };
      return { code, message };
    }
  });
  expect(error?.code).toBe("INVALID_VALUE");
  expect(error?.message).toMatch(/«/);
});
