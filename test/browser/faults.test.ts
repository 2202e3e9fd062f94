import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fault } from "@syncline/protocol";
import type { BrowserContext, Frame, Page } from "playwright-core";
import { afterEach, beforeAll, expect } from "vitest";
import { type Server, Servers } from "../processes/server.js";
import { started } from "../server/servers.js";
import { browserTest, keptProfile, profile, type Site, serve, tab, useBrowser } from "./browser.js";
import type { BoardOptions } from "./pages/board.js";

/**
 * What goes wrong around a page, in a real browser: each is a state or an error that a UI can show, the page goes on, and
 * what was changed meanwhile is there in the end, once. Time is the page's, and goes as fast as the test says.
 */
useBrowser();

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let site: Site;
let servers = new Servers();
/** What pages threw. There must be nothing. */
let faults: string[] = [];

beforeAll(async () => {
  site = await serve("board.ts");
});

afterEach(async () => {
  await servers.end();
  servers = new Servers();
  const thrown = faults;
  faults = [];
  expect(thrown).toEqual([]);
});

async function master(...flags: string[]): Promise<Server> {
  const m1 = servers.server("m1", ...flags);
  await m1.start();
  return m1;
}

/** A page whose clock is the test's. */
async function pageAt(ms?: number, context?: BrowserContext): Promise<Page> {
  const own = context ?? (await profile());
  await own.clock.install(ms === undefined ? {} : { time: ms });
  return await blank(own);
}

async function blank(context?: BrowserContext): Promise<Page> {
  const page = await tab(site, context);
  page.on("pageerror", (error) => faults.push(String(error)));
  return page;
}

const open = (page: Page | Frame, url: string, options: BoardOptions = {}) =>
  page.evaluate(([url, options]) => openBoard([url], options), [url, options] as const);
const vote = (page: Page | Frame, tag: string) =>
  page.evaluate((tag) => {
    void board.vote(tag);
    return board.saveState;
  }, tag);
const shown = (page: Page | Frame) => page.evaluate(() => board.shown());
const error = (page: Page | Frame) => page.evaluate(async () => (await board.untilError()).code);

/** What a server shows over HTTP. */
async function stored(server: Server): Promise<unknown> {
  const answer = (await (await server.get("/v1/docs/boards/roadmap")).json()) as { value: unknown };
  return answer.value;
}

browserTest(
  "a server that is gone for an hour: it says so, all goes on, and everything is sent once",
  async () => {
    const m1 = await master();
    const page = await pageAt();
    await open(page, m1.url);
    await page.evaluate(() => board.ready());
    expect(await page.evaluate(() => board.vote("before"))).toBe("committed");
    await m1.kill();
    expect(await error(page)).toBe("UNREACHABLE");
    for (let i = 0; i < 6; i++) {
      expect(await vote(page, `after ${10 * i} minutes`)).toBe("offline");
      await page.clock.fastForward(10 * MINUTE_MS);
    }
    expect(await page.evaluate(() => ({ ...board.status, error: undefined }))).toMatchObject({
      connection: "connecting",
      writable: false,
      pending: 6,
    });
    await m1.start();
    // It is tried again within a minute, however long it was gone.
    await page.clock.fastForward(MINUTE_MS);
    await page.evaluate(() => board.untilSaved());
    expect(await page.evaluate(() => board.status.error)).toBeUndefined();
    expect(await stored(m1)).toMatchObject({ votes: 7 });
  },
);

browserTest("a laptop that was closed for a day: it wakes, connects, and sends what it had", async () => {
  const m1 = await master();
  const [ann, bob] = [await pageAt(), await blank()];
  for (const page of [ann, bob]) {
    await open(page, m1.url);
    await page.evaluate(() => board.ready());
  }
  await ann.clock.pauseAt(Date.now() + 10_000);
  await vote(ann, "ann, with the lid half closed");
  expect(await bob.evaluate(() => board.vote("bob, meanwhile"))).toBe("committed");
  await ann.clock.fastForward(DAY_MS);
  await ann.clock.resume();
  for (const page of [ann, bob]) {
    expect(await page.evaluate(() => board.until(2))).toEqual({
      votes: 2,
      tags: expect.arrayContaining(["ann, with the lid half closed", "bob, meanwhile"]),
    });
    await page.evaluate(() => board.untilSaved());
  }
  expect(await stored(m1)).toMatchObject({ votes: 2 });
});

for (const [words, byMs] of [
  ["ahead", DAY_MS],
  ["behind", -DAY_MS],
] as const) {
  browserTest(
    `a clock that is a day ${words}: what is written later wins, and nothing is refused`,
    async () => {
      const m1 = await master();
      const [ann, bob] = [await pageAt(Date.now() + byMs), await blank()];
      // Without a server to tell it what time it is there.
      await m1.kill();
      for (const page of [ann, bob]) await open(page, m1.url);
      const name = (page: Page, title: string) => page.evaluate((title) => board.name(title), title);
      const offline = name(ann, "Ann's, offline");
      await m1.start();
      expect(await offline).toBe("committed");
      for (const [page, other, title] of [
        [bob, ann, "Bob's, after it"],
        [ann, bob, "Ann's, after that"],
      ] as const) {
        await page.evaluate(() => board.ready());
        expect(await name(page, title)).toBe("committed");
        await other.evaluate((title) => board.untilNamed(title), title);
      }
      expect(await ann.evaluate(() => board.status)).toMatchObject({ connection: "connected", pending: 0 });
      expect(await stored(m1)).toEqual({ title: "Ann's, after that" });
    },
  );
}

browserTest("who is not let in, and who may not read a document, is told which", async () => {
  const { port } = await started(
    {},
    {
      access: {
        authenticate: ({ token }, answer) =>
          answer(token === "ann" ? { name: token } : fault("UNAUTHORIZED", "nobody knows you")),
        authorize: (_who, _document, right) => right === "write",
      },
    },
  );
  const url = `ws://localhost:${port}`;
  const [stranger, ann] = [await blank(), await blank()];
  await open(stranger, url, { token: "eve" });
  expect(await vote(stranger, "kept for now")).toBe("offline");
  expect(await error(stranger)).toBe("UNAUTHORIZED");
  expect(await shown(stranger)).toEqual({ votes: 1, tags: ["kept for now"] });
  await open(ann, url, { token: "ann" });
  expect(await ann.evaluate(() => board.ready().catch(({ code }) => code))).toBe("FORBIDDEN");
  expect(await ann.evaluate(() => board.status.connection)).toBe("connected");
});

browserTest(
  "a page of another site, over http: the server is not reached, nothing can be kept, and it goes on",
  async () => {
    const m1 = await master();
    const context = await profile();
    await context.route("http://elsewhere.test/**", async (route) => {
      const { pathname } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: new URL(pathname, site.url).href }) });
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto("http://elsewhere.test/");
    await open(page, m1.url, { keptAs: "app" });
    expect(await error(page)).toBe("UNREACHABLE");
    expect(await vote(page, "all the same")).toBe("offline");
    await page.evaluate(() => board.untilStatus({ storage: "failed" }));
    expect(await page.evaluate(() => board.status.storageError?.code)).toBe("OFFLINE_UNAVAILABLE");
  },
);

browserTest(
  "a frame that may have no storage, as where people forbid it: a typed error, and it goes on",
  async () => {
    const m1 = await master();
    const page = await blank();
    await page.evaluate(() => {
      const frame = document.createElement("iframe");
      frame.sandbox.add("allow-scripts");
      frame.src = "/";
      document.body.append(frame);
    });
    await expect.poll(() => page.frames().length).toBe(2);
    const frame = page.frames()[1] as Frame;
    await frame.waitForFunction("globalThis.openBoard !== undefined");
    await open(frame, m1.url, { keptAs: "app" });
    await frame.evaluate(() => board.untilStatus({ storage: "failed" }));
    expect(await frame.evaluate(() => board.status.storageError?.code)).toBe("OFFLINE_UNAVAILABLE");
    await vote(frame, "all the same");
    expect(await shown(frame)).toEqual({ votes: 1, tags: ["all the same"] });
  },
);

browserTest("others who have the fields in other kinds: theirs are beside one's own", async () => {
  const m1 = await master();
  await m1.post("/v1/docs/boards/roadmap", [{ path: ["votes"], op: "set", value: "many" }]);
  const page = await blank();
  await open(page, m1.url);
  await page.evaluate(() => board.ready());
  expect(await page.evaluate(() => board.vote("one"))).toBe("committed");
  expect(await shown(page)).toEqual({ votes: 1, "votes@register": "many", tags: ["one"] });
});

browserTest("an app that is too old for the cluster is refused, and keeps what it has not sent", async () => {
  const m1 = await master();
  const page = await blank();
  await m1.post("/v1/schema", [{ do: "minimum", version: 2 }]);
  await open(page, m1.url, { version: 1, keptAs: "app" });
  expect(await error(page)).toBe("SCHEMA_VERSION");
  expect(await page.evaluate(() => board.voteToKeep("by an old app"))).toBe(true);
  // The app is updated.
  await page.reload();
  await open(page, m1.url, { version: 2, keptAs: "app" });
  await page.evaluate(() => board.until(1));
  await page.evaluate(() => board.untilSaved());
  expect(await stored(m1)).toEqual({ votes: 1, tags: ["by an old app"] });
});

browserTest(
  "a database that the browser itself cannot read any more is called damaged, and used anew",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "syncline-profile-"));
    try {
      const m1 = await master();
      const before = await keptProfile(folder);
      let page = await blank(before);
      await open(page, m1.url, { keptAs: "app" });
      expect(await page.evaluate(() => board.vote("safe"))).toBe("committed");
      expect(await page.evaluate(() => board.status.storage)).toBe("ready");
      await before.close();
      spoil(join(folder, "Default", "IndexedDB"));

      const after = await keptProfile(folder);
      page = await blank(after);
      await open(page, m1.url, { keptAs: "app" });
      expect(await page.evaluate(() => board.until(1))).toEqual({ votes: 1, tags: ["safe"] });
      expect(await page.evaluate(() => board.status)).toMatchObject({ storage: "ready" });
      expect(await page.evaluate(() => board.status.storageError?.code)).toBe("OFFLINE_DAMAGED");
      expect(await page.evaluate(() => board.voteToKeep("after"))).toBe(true);
      await after.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** Overwrites all files of databases in a profile. */
function spoil(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    if (!/MANIFEST|CURRENT/.test(name)) continue;
    writeFileSync(path, readFileSync(path).fill(0x5a));
  }
}
