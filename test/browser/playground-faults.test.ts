import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { encodeMessage } from "@syncline/protocol";
import { afterAll, beforeAll, expect } from "vitest";
import { WebSocketServer } from "ws";
import { helloOf } from "../engine/rawpeer.js";
import { Servers } from "../processes/server.js";
import { browserTest, hasBrowser, profile, useBrowser } from "./browser.js";
import { buildPlayground, PlaygroundTab, type TabOptions } from "./demo.js";

/** What the playground says, in plain words, when something is wrong around it; and that one can go on. */
useBrowser();

const servers = new Servers();
const m1 = servers.server("m1");
const url = () => `http://127.0.0.1:${m1.port}`;

beforeAll(async () => {
  if (!hasBrowser) return;
  buildPlayground();
  const gone = servers.server("gone");
  await Promise.all([m1.start(), gone.start()]);
  await gone.stop();
  nowhere = gone.url;
});

afterAll(() => servers.end());

/** Where nobody listens any more. */
let nowhere = "";

let boards = 0;
const tab = (options: TabOptions = {}) => {
  boards += 1;
  return PlaygroundTab.open(url(), { ...options, query: { board: `board-${boards}`, ...options.query } });
};

/** It is said, and the board can be used all the same: nothing that is done is lost while the page is there. */
async function saysAndGoesOn(tab: PlaygroundTab, words: RegExp): Promise<void> {
  await tab.page.locator(".notice", { hasText: words }).waitFor();
  await tab.add("To do", "All the same");
  await tab.vote("All the same");
  await tab.hasVotes("All the same", 1);
  expect(tab.faults).toEqual([]);
}

browserTest("an address that is none", async () => {
  const ann = await tab({ query: { server: "roadmap" } });
  await ann.shows("There is no server at this address");
  await ann.shows(/like ws:\/\/localhost:1234/);
  await ann.page.getByRole("link", { name: "Back to this server" }).click();
  await ann.connected("On m1");
});

browserTest("an address of a board that can have no name", async () => {
  const ann = await tab({ query: { board: "x".repeat(257) } });
  await ann.page.locator(".notice", { hasText: "No board can have this name" }).waitFor();
  await ann.connected("On m1");
  await ann.add("To do", "Nowhere");
  await ann.page.locator(".notice", { hasText: "That cannot be stored. Nothing was changed." }).waitFor();
  expect(ann.faults).toEqual([]);
});

browserTest("an address where nobody listens", async () => {
  const ann = await tab({ query: { server: nowhere } });
  await saysAndGoesOn(ann, /No server answers.*kept on this device/);
  await ann.saved("offline");
});

browserTest("a server of another cluster", async () => {
  const other = servers.server("m2", "--cluster", "other");
  await other.start();
  await saysAndGoesOn(await tab({ query: { server: other.url } }), /belongs to another cluster/);
});

browserTest("a server of another version", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    const hello = helloOf({ peer: "master", name: "m9", versionMin: 9, versionMax: 9 });
    socket.send(Uint8Array.of(0, ...encodeMessage(hello)));
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await saysAndGoesOn(await tab({ query: { server: `ws://127.0.0.1:${port}` } }), /speak different versions/);
  server.close();
});

browserTest("a device that keeps nothing, as in a private window", async () => {
  const context = await profile();
  await context.addInitScript("Object.defineProperty(window, 'indexedDB', { value: undefined })");
  const ann = await tab({ context });
  await saysAndGoesOn(ann, /Nothing can be kept on this device/);
  await ann.saved();
});

browserTest("who leaves with changes that are only in this tab is asked, and nobody else", async () => {
  const context = await profile();
  await context.addInitScript("Object.defineProperty(window, 'indexedDB', { value: undefined })");
  const ann = await tab({ context, query: { server: nowhere } });
  await ann.add("To do", "Only here");
  await ann.saved("offline");
  const asked = ann.page.waitForEvent("dialog");
  await ann.page.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  const gone = ann.page.waitForEvent("close");
  await dialog.accept();
  await gone;
  // What is saved, or kept on this device, needs no question.
  for (const query of [{}, { server: nowhere }]) {
    const bob = await tab({ query });
    await bob.add("To do", "Kept");
    await bob.saved("server" in query ? "offline" : "saved");
    await bob.page.locator(".receipt", { hasText: /kept on this device|on the disk/ }).waitFor();
    bob.page.on("dialog", (dialog) => bob.faults.push(dialog.type()));
    const closed = bob.page.waitForEvent("close");
    await bob.page.close({ runBeforeUnload: true });
    await closed;
    expect(bob.faults).toEqual([]);
  }
});

browserTest("a device that is full", async () => {
  const context = await profile();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: url(), quotaSize: 1_000 });
  const ann = await tab({ context });
  await saysAndGoesOn(ann, /This device is full/);
  // It is sent as usual.
  await ann.saved();
});

browserTest("rubbish in what the device had kept", async () => {
  const context = await profile();
  const query = { board: "kept" };
  const before = await tab({ context, query });
  await before.add("To do", "Kept");
  await before.saved();
  // From a page of the same server on which the app does not run.
  await before.page.goto(`${url()}/status`);
  await before.page.evaluate(spoilAll);
  await before.page.close();
  const ann = await tab({ context, query });
  await saysAndGoesOn(ann, /cannot be read/);
  await ann.card("Kept").waitFor();
  await ann.saved();
});

browserTest("a value that is too large is not stored, and that is said until it is read", async () => {
  const ann = await tab();
  await ann.connected("On m1");
  await ann.page.evaluate(() => {
    for (const field of document.querySelectorAll("input")) field.removeAttribute("maxlength");
  });
  await ann.add("To do", "x".repeat(1 << 20));
  await ann.shows(/That cannot be stored/);
  await ann.page.getByRole("button", { name: "Understood" }).click();
  await ann.page.locator(".notice").waitFor({ state: "detached" });
  expect(await ann.titles("To do")).toEqual([]);
  expect(ann.faults).toEqual([]);
});

/** In the page: overwrites everything that was kept. */
async function spoilAll(): Promise<void> {
  for (const { name = "" } of await indexedDB.databases()) {
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
}
