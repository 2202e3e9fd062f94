import type { Status } from "@syncline/client";
import type { BrowserContext, Page } from "playwright-core";
import { afterEach, beforeAll, expect } from "vitest";
import { type Server, Servers } from "../processes/server.js";
import { browserTest, profile, type Site, serve, tab, useBrowser } from "./browser.js";
import type { BoardOptions } from "./pages/board.js";

/** Tabs of a real browser without a network: what they show, what they keep, and that it is sent once. */
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

/** Soon enough that nobody waits for it here. */
const SOON = { inheritEveryMs: 300 };

async function open(page: Page, server: Server, options: BoardOptions = {}): Promise<void> {
  const all = { keptAs: "app", limits: SOON, ...options };
  await page.evaluate(([url, options]) => openBoard([url], options), [server.url, all] as const);
}

async function boardOn(server: Server, context: BrowserContext, options: BoardOptions = {}): Promise<Page> {
  const page = await tab(site, context);
  await open(page, server, options);
  return page;
}

const keep = (page: Page, tag: string) => page.evaluate((tag) => board.voteToKeep(tag), tag);
const ready = (page: Page) => page.evaluate(() => board.ready());
const shown = (page: Page) => page.evaluate(() => board.shown());

/** What a server shows over HTTP. */
async function stored(server: Server): Promise<unknown> {
  const answer = (await (await server.get("/v1/docs/boards/roadmap")).json()) as { value: unknown };
  return answer.value;
}

browserTest("a reload without a network shows the document, and what was not sent is sent once", async () => {
  const m1 = servers.server("m1");
  await m1.start();
  const page = await boardOn(m1, await profile());
  expect(await page.evaluate(() => board.vote("online"))).toBe("committed");
  await m1.kill();
  expect(await keep(page, "offline")).toBe(true);

  await page.reload();
  await open(page, m1);
  await ready(page);
  expect(await shown(page)).toEqual({ votes: 2, tags: ["online", "offline"] });
  expect(await page.evaluate(() => board.saveState)).toBe("offline");
  expect(await keep(page, "again")).toBe(true);

  await m1.start();
  await page.evaluate(() => board.untilSaved());
  expect(await stored(m1)).toEqual({ votes: 3, tags: ["again", "online", "offline"] });
});

browserTest("what a tab that crashed had not sent the other tab sends, once", async () => {
  const m1 = servers.server("m1");
  await m1.start();
  const context = await profile();
  const [ann, bob] = [await boardOn(m1, context), await boardOn(m1, context)];
  await Promise.all([ready(ann), ready(bob)]);
  await m1.kill();
  expect(await keep(ann, "ann")).toBe(true);
  expect(await keep(bob, "bob")).toBe(true);
  // Each has its own, and shows what it has.
  expect(await shown(ann)).toEqual({ votes: 1, tags: ["ann"] });
  const session = await context.newCDPSession(bob);
  const crashed = bob.waitForEvent("crash");
  void session.send("Page.crash").catch(() => {});
  await crashed;
  await m1.start();
  await ann.evaluate(() => board.until(2));
  await ann.evaluate(() => board.untilSaved());
  expect(await stored(m1)).toEqual({ votes: 2, tags: ["ann", "bob"] });
});

browserTest("a page that may keep nothing works all the same, and says so", async () => {
  const m1 = servers.server("m1");
  await m1.start();
  const context = await profile();
  await context.addInitScript("Object.defineProperty(window, 'indexedDB', { value: undefined })");
  const page = await boardOn(m1, context);
  expect(await keep(page, "kept by the master, if by anybody")).toBe(false);
  await page.evaluate(() => board.untilSaved());
  const error = await page.evaluate(() => ({ ...board.status.storageError, name: board.status.storage }));
  expect(error).toMatchObject({ code: "OFFLINE_UNAVAILABLE", name: "failed" });
});

browserTest("a full device is a typed error, and what is made is kept once there is room", async () => {
  const m1 = servers.server("m1");
  await m1.start();
  const context = await profile();
  const page = await tab(site, context);
  const session = await context.newCDPSession(page);
  const origin = new URL(site.url).origin;
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
  await open(page, m1, { limits: { ...SOON, storeRetryMs: 200 } });
  await ready(page);
  await m1.kill();
  expect(await keep(page, "x".repeat(200_000))).toBe(false);
  expect(await page.evaluate(() => board.status.storageError?.code)).toBe("OFFLINE_FULL");
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000_000 });
  await page.evaluate(() => board.untilStatus({ storage: "ready" }));
  await page.reload();
  await open(page, m1);
  await ready(page);
  expect(await shown(page)).toEqual({ votes: 1, tags: ["x".repeat(200_000)] });
});

browserTest(
  "what the browser throws away under a page is kept again, and that is a typed error",
  async () => {
    const m1 = servers.server("m1");
    await m1.start();
    const context = await profile();
    const page = await boardOn(m1, context, { limits: { ...SOON, storeRetryMs: 200 } });
    expect(await page.evaluate(() => board.vote("online"))).toBe("committed");
    await m1.kill();
    expect(await keep(page, "offline")).toBe(true);
    const session = await context.newCDPSession(page);
    // The page looks before anything is thrown away: it fails for no longer than storeRetryMs.
    await page.evaluate(() => {
      Object.assign(globalThis, { failing: board.untilStatus({ storage: "failed" }) });
    });
    const { origin } = new URL(site.url);
    await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    const code = await page.evaluate(
      async () => (await (globalThis as unknown as { failing: Promise<Status> }).failing).storageError?.code,
    );
    expect(code).toBe("OFFLINE_UNAVAILABLE");
    await page.evaluate(() => board.untilStatus({ storage: "ready" }));
    // Nothing was done meanwhile, and what was not sent outlives the tab all the same. What servers have comes from them.
    await page.reload();
    await open(page, m1);
    expect(await page.evaluate(() => board.until(1))).toMatchObject({
      tags: expect.arrayContaining(["offline"]),
    });
    await m1.start();
    expect(await page.evaluate(() => board.until(2))).toEqual({ votes: 2, tags: ["online", "offline"] });
    await page.evaluate(() => board.untilSaved());
    expect(await stored(m1)).toEqual({ votes: 2, tags: ["online", "offline"] });
  },
);

browserTest("a store with rubbish in it costs what was rubbish, and is usable", async () => {
  const m1 = servers.server("m1");
  await m1.start();
  const page = await boardOn(m1, await profile());
  expect(await page.evaluate(() => board.vote("safe"))).toBe("committed");
  await page.reload();
  await page.evaluate(spoil, "syncline/app");
  await open(page, m1);
  expect(await page.evaluate(() => board.until(1))).toEqual({ votes: 1, tags: ["safe"] });
  expect(await page.evaluate(() => board.status.storageError?.code)).toBe("OFFLINE_DAMAGED");
  expect(await keep(page, "after")).toBe(true);
});

/** In the page: overwrites everything in all slots of a database. */
async function spoil(name: string): Promise<void> {
  const opened = indexedDB.open(name);
  await new Promise((resolve) => {
    opened.onsuccess = resolve;
  });
  const transaction = opened.result.transaction("entries", "readwrite");
  const store = transaction.objectStore("entries");
  const keys = store.getAllKeys();
  keys.onsuccess = () => {
    for (const key of keys.result) store.put(Uint8Array.of(1, 2, 3), key);
  };
  await new Promise((resolve) => {
    transaction.oncomplete = resolve;
  });
  opened.result.close();
}
