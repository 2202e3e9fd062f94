import type { Page } from "playwright-core";
import { afterEach, beforeAll, expect } from "vitest";
import { type Server, Servers, startBoth } from "../processes/server.js";
import { browserTest, type Site, serve, tab, useBrowser } from "./browser.js";
import "./pages/board.js";

/** Tabs of a real browser on real servers: they converge, outlive a master, and write through a follower. */
useBrowser();

let site: Site;
let servers = new Servers();

beforeAll(async () => {
  site = await serve("board.ts");
});

afterEach(async () => {
  await servers.end();
  servers = new Servers();
});

/** Two masters that follow each other. */
async function twoMasters(): Promise<[Server, Server]> {
  const [m1, m2] = [servers.server("m1"), servers.server("m2")];
  await startBoth(m1, m2);
  return [m1, m2];
}

/** A tab with the board, connected to these servers in this order. */
async function boardOn(...list: Server[]): Promise<Page> {
  const page = await tab(site);
  await page.evaluate(
    (urls) => openBoard(urls),
    list.map((server) => server.url),
  );
  await page.evaluate(() => board.ready());
  return page;
}

const vote = (page: Page, tag: string) => page.evaluate((tag) => board.vote(tag), tag);
const until = (page: Page, votes: number) => page.evaluate((votes) => board.until(votes), votes);

browserTest("two browsers on two masters show the same", async () => {
  const [m1, m2] = await twoMasters();
  const [ann, bob] = await Promise.all([boardOn(m1), boardOn(m2)]);
  expect(await Promise.all([vote(ann, "ann"), vote(bob, "bob")])).toEqual(["committed", "committed"]);
  const expected = { votes: 2, tags: ["ann", "bob"] };
  expect(await Promise.all([until(ann, 2), until(bob, 2)])).toEqual([expected, expected]);
});

browserTest("a tab goes on when its master is killed, and nothing is lost or doubled", async () => {
  const [m1, m2] = await twoMasters();
  const [ann, bob] = await Promise.all([boardOn(m1, m2), boardOn(m2)]);
  expect(await vote(ann, "before")).toBe("committed");
  await until(bob, 1);
  await m1.kill();
  // Not yet noticed, or just: it is sent to whoever is left.
  expect(await vote(ann, "after")).toBe("committed");
  expect(await ann.evaluate(() => board.status.master)).toBe("m2");
  expect(await until(bob, 2)).toEqual({ votes: 2, tags: ["after", "before"] });
});

browserTest("a tab that reads from a follower writes to the master that it names", async () => {
  const m1 = await servers.started("m1");
  const f1 = await servers.started("f1", "--role", "follower", "--follow", m1.url);
  const ann = await boardOn(f1);
  expect(await vote(ann, "ann")).toBe("committed");
  expect(await ann.evaluate(() => [board.status.provider, board.status.master])).toEqual(["f1", "m1"]);
  expect(await until(ann, 1)).toEqual({ votes: 1, tags: ["ann"] });
});
