/**
 * The pictures of the playground in docs/images: two people at one board, on the nodes of `syncline demo`.
 *
 *   node scripts/screenshots.mjs [folder]
 *
 * They are taken by the Chromium of this machine (or the one that CHROMIUM names): light, dark, on a phone, and after a split
 * in which both have moved the same card.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { root } from "./house.mjs";

const folder = resolve(process.argv[2] ?? join(root, "docs/images"));
const desk = { width: 1280, height: 860 };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const demo = spawn(process.execPath, [join(root, "apps/syncline/bin/syncline.js"), "demo", "--port", "0"], {
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
await new Promise((resolve) => {
  demo.stdout.on("data", (chunk) => {
    said += chunk;
    if (said.includes("What is done to them")) resolve();
  });
});
const url = (node) => new RegExp(`^ {2}${node} {2}(\\S+)$`, "m").exec(said)[1];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

async function open(node, name, options = { viewport: desk }) {
  const context = await browser.newContext(options);
  // Who is at the board is drawn by lot, and pictures should not change with it.
  await context.addInitScript((name) => sessionStorage.setItem("playground/name", name), name);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(url(node));
  await page.locator("[data-connection]", { hasText: /^On / }).waitFor();
  return page;
}

const shot = (page, name) => page.screenshot({ path: join(folder, `${name}.png`) });
const saved = (page) => page.locator('[data-save-state="saved"]').waitFor();
const vote = (page, title) => page.getByRole("button", { name: new RegExp(`^Vote for ${title}`) }).click();

async function type(page, text) {
  await page.getByRole("textbox", { name: "Shared note" }).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
}

/** By the keyboard, from its column to the next. */
const moveRight = (page, title) =>
  page.getByRole("button", { name: `Move ${title}: arrow keys`, exact: true }).press("ArrowRight");

try {
  const [ann, bob] = [await open("m1", "Lynx"), await open("m2", "Otter")];
  await ann.getByRole("button", { name: "Fill it with an example" }).click();
  await bob.locator("[data-card]").nth(5).waitFor();
  await vote(ann, "Kill the server");
  await vote(bob, "Kill the server");
  await vote(bob, "Two people write");
  await vote(ann, "Two people write");
  await vote(ann, "Move one card");
  await type(ann, "Both write here at once, and nobody waits.\n");
  await ann.getByText("nobody waits").waitFor();
  await bob.getByText("nobody waits").waitFor();
  await type(bob, "Even when the network is cut: each goes on, and they meet later.");
  await ann.getByText("they meet later").waitFor();
  const there = await open("f1", "Heron", phone);
  await there.getByText("they meet later").waitFor();
  await Promise.all([saved(ann), saved(bob), saved(there)]);
  await ann.locator(".person").nth(2).waitFor();
  await ann.locator('.receipt[data-stage="quorum"]', { hasText: "Typed" }).waitFor();
  for (const scheme of ["light", "dark"]) {
    await ann.emulateMedia({ colorScheme: scheme });
    await shot(ann, `playground-${scheme}`);
  }
  await ann.emulateMedia({ colorScheme: "light" });
  await shot(there, "playground-phone");

  await ann.getByRole("button", { name: "Split in two" }).click();
  await ann.locator('[data-node="m2"]:not([data-state="connected"])').waitFor();
  await moveRight(ann, "Move one card from two tabs at once");
  await moveRight(bob, "Move one card from two tabs at once");
  await moveRight(bob, "Move one card from two tabs at once");
  await Promise.all([saved(ann), saved(bob)]);
  await ann.getByRole("button", { name: "Heal all" }).click();
  await ann.locator("[data-conflict]").waitFor();
  await ann.getByText("has everything · in the quorum").nth(1).waitFor();
  await ann.evaluate(() => document.activeElement.blur());
  await shot(ann, "playground-conflict");
} finally {
  await browser.close();
  const ended = once(demo, "exit");
  demo.kill("SIGINT");
  await ended;
}
