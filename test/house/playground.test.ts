/** The built playground: complete, without a script in its page, and built again only when something has changed. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const SITE = join(ROOT, "apps", "syncline", "dist", "site");

const build = () =>
  execFileSync(process.execPath, [join(ROOT, "apps", "playground", "build.mjs")], { encoding: "utf8" });

const file = (name: string) => readFileSync(join(SITE, name), "utf8");

test("what is built already is not built again", () => {
  expect(build()).toMatch(/^playground: (?:up to date|\d+ files, \d+ kB compressed)\n$/);
  expect(build()).toBe("playground: up to date\n");
});

test("the page has no script and no style of its own, and what it names is there", () => {
  build();
  const page = file("index.html");
  expect(page.match(/<script/g)?.length).toBe(1);
  expect(page).toMatch(/<script type="module" src="\/assets\/main-[\w-]+\.js"><\/script>/);
  expect(page).not.toMatch(/<style|style=|onload=|onclick=/);
  expect(page).toContain('<meta name="syncline" content="">');
  const named = [...page.matchAll(/(?:href|src)="\/([^"]+\.(?:js|css|svg))"/g)].map(([, name = ""]) => name);
  expect(named.length).toBe(3);
  for (const name of named) expect([name, existsSync(join(SITE, name))]).toEqual([name, true]);
});

test("the service worker keeps every file, and its cache has another name when one of them has", () => {
  build();
  const worker = file("sw.js");
  const listed = [...worker.matchAll(/"\/((?:assets\/)?[\w.-]+)"/g)].map(([, name = ""]) => name).sort();
  const all = readdirSync(SITE, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("."));
  expect(listed).toEqual(all.filter((name) => name !== "index.html" && name !== "sw.js").sort());
  expect(worker).toMatch(/const KEPT = "playground-[0-9a-f]{8}";/);
});

test("it is built for production, and asks nobody else for anything", () => {
  build();
  for (const name of readdirSync(join(SITE, "assets"))) {
    const text = file(join("assets", name));
    expect([name, text.includes("process.env.NODE_ENV")]).toEqual([name, false]);
    // Names of XML and addresses in messages are no requests.
    const asked = [...text.matchAll(/(?:fetch|import|url)\(\s*["'`](https?:[^"'`]+)/g)].map(([, url]) => url);
    expect([name, asked]).toEqual([name, []]);
  }
});
