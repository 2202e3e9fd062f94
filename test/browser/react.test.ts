import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { Servers } from "../processes/server.js";
import { browserTest, type Site, serve, tab, useBrowser } from "./browser.js";
import "./pages/concurrent.js";
import "./pages/react.js";

/** Components in a real browser, under StrictMode, on a real server. */
useBrowser();

let site: Site;
let concurrent: Site;
const servers = new Servers();
const m1 = servers.server("m1");

beforeAll(async () => {
  site = await serve("react.ts");
  concurrent = await serve("concurrent.ts");
  await m1.start();
});

afterAll(async () => {
  await servers.end();
});

async function app(): Promise<Page> {
  const page = await tab(site);
  await page.evaluate((url) => startApp(url), m1.url);
  return page;
}

const shows = (page: Page, id: string, text: string) =>
  page.locator(`#${id}`, { hasText: new RegExp(`^${text}$`) }).waitFor({ state: "attached" });

browserTest("two tabs show each other's votes, and a component renders only for what it reads", async () => {
  const [ann, bob] = await Promise.all([app(), app()]);
  await Promise.all([shows(ann, "votes", "0"), shows(bob, "votes", "0")]);
  await shows(bob, "saved", "saved m1");
  const before = await bob.evaluate(() => tagRendersSeen());
  await ann.click("#vote");
  await ann.click("#vote");
  await shows(ann, "votes", "2");
  await shows(bob, "votes", "2");
  expect(await bob.evaluate(() => tagRendersSeen())).toBe(before);
  await shows(ann, "saved", "saved m1");
  // Each write once, also under StrictMode, and none of those of others.
  await shows(ann, "receipts", "durable,durable");
  await shows(bob, "receipts", "");
});

browserTest(
  "who is here is shown, and who forgot to ask for it sees why, once, in an app that goes on",
  async () => {
    const [ann, bob, cy] = await Promise.all([tab(site), tab(site), tab(site)]);
    const thrown: string[] = [];
    cy.on("pageerror", ({ message }) => thrown.push(message));
    await ann.evaluate((url) => startApp(url, "ann", true), m1.url);
    await bob.evaluate((url) => startApp(url, "bob", true), m1.url);
    await cy.evaluate((url) => startApp(url, "cy"), m1.url);
    await Promise.all([shows(ann, "people", "bob"), shows(bob, "people", "ann")]);
    await shows(cy, "people", "INVALID_VALUE");
    await shows(cy, "saved", "saved m1");
    await cy.click("#vote");
    await shows(cy, "receipts", "durable");
    expect(thrown).toEqual([expect.stringContaining("connect is given `presence`")]);
  },
);

browserTest("a component that is mounted again shows what is there now", async () => {
  const page = await app();
  await shows(page, "saved", "saved m1");
  await page.click("#toggle");
  await page.locator("#votes").waitFor({ state: "detached" });
  await m1.post("/v1/docs/boards/roadmap", [{ field: "tags", op: "add", value: "p1" }]);
  await page.click("#toggle");
  await shows(page, "tags", "p1");
});

browserTest(
  "rendered in pieces while a document changes, all components show one moment of it, and whole changes",
  async () => {
    // Components that read on their own show several moments at once here: so this looks closely enough.
    const naive = await (await tab(concurrent)).evaluate((url) => renderWhileItChanges(url, "naive"), m1.url);
    expect(naive.torn).toBeGreaterThan(0);
    const ours = await (await tab(concurrent)).evaluate((url) => renderWhileItChanges(url, "hooks"), m1.url);
    expect(ours).toMatchObject({ torn: 0, halves: 0 });
    expect(ours.commits).toBeGreaterThan(0);
  },
);

browserTest(
  "a page that was rendered on a server is hydrated without complaint, and then shows what is known",
  async () => {
    const page = await tab(concurrent);
    const said: string[] = [];
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    expect(await page.evaluate((url) => hydrate(url), m1.url)).toBe(
      '<p id="hydrated">nothing, connecting</p>',
    );
    await page.locator("#hydrated", { hasText: /^\d+ votes, \d+ tags, connected$/ }).waitFor();
    expect(await page.evaluate(() => complaints)).toEqual([]);
    expect(said).toEqual([]);
  },
);
