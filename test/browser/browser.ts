import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, test } from "vitest";

/**
 * A real browser: the system's Chromium, driven from outside, with pages that are bundled as an app's would be.
 *
 * Where there is no browser these tests are skipped, and that is said loudly. Nothing is downloaded.
 */
const EXECUTABLES = [
  ...(process.env.CHROMIUM === undefined ? [] : [process.env.CHROMIUM]),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const executable = EXECUTABLES.find((path) => existsSync(path));

/** What nobody here looks at stays off: no sandbox in containers, no graphics card, no calls home. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

if (executable === undefined) {
  console.warn("\n  NO BROWSER: the tests in test/browser are SKIPPED. Install Chromium, or set CHROMIUM.\n");
}

export const hasBrowser = executable !== undefined;

/** A test that needs a browser. */
export const browserTest: ReturnType<typeof test.skipIf> = test.skipIf(executable === undefined);

export interface Site {
  /** Its URL: an origin of its own, with storage of its own in each profile. */
  readonly url: string;
}

let browser: Browser | undefined;
const contexts: BrowserContext[] = [];
const sites: (() => void)[] = [];

/** To be called once in a test file: the browser lives as long as the file. */
export function useBrowser(): void {
  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await chromium.launch({ executablePath: executable, args: ARGUMENTS });
  });
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    for (const close of sites.splice(0)) close();
  });
}

/** A profile of its own: its pages share storage with each other and with nobody else. */
export async function profile(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  if (browser === undefined) throw new Error("useBrowser is called first");
  const context = await browser.newContext(options);
  contexts.push(context);
  return context;
}

/** One that is kept in a folder, over the end of its browser. */
export async function keptProfile(folder: string): Promise<BrowserContext> {
  const options = { args: ARGUMENTS, ...(executable !== undefined && { executablePath: executable }) };
  const context = await chromium.launchPersistentContext(folder, options);
  contexts.push(context);
  return context;
}

/** A page in this profile, or in a new one. What it throws fails whatever is asked of it next. */
export async function tab(site: Site, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await profile())).newPage();
  page.on("pageerror", (error) => console.error("uncaught in the page:", error));
  await page.goto(site.url);
  return page;
}

/** For whom a page is bundled: `production` is what apps deploy, minified, with marks instead of sentences. */
export type Purpose = "development" | "production";

/** Bundles a file of `pages/` for browsers and serves it until the end of the test file. */
export async function serve(name: string, purpose: Purpose = "development"): Promise<Site> {
  const { script, styles } = await bundled(join(import.meta.dirname, "pages", name), purpose);
  const files: Record<string, readonly [type: string, body: string]> = {
    "/": ["text/html", DOCUMENT],
    "/page.js": ["text/javascript", script],
    "/page.css": ["text/css", styles],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url ?? "/"] ?? [];
    if (type === undefined) response.statusCode = 404;
    else response.setHeader("content-type", type);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  sites.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const DOCUMENT =
  '<!doctype html><meta charset="utf-8"><title>test</title><link rel="stylesheet" href="/page.css">' +
  '<div id="root"></div><script src="/page.js"></script>';

const LEAN = pathToFileURL(join(import.meta.dirname, "../../scripts/lean.mjs")).href;

async function bundled(input: string, purpose: Purpose): Promise<{ script: string; styles: string }> {
  const styles: string[] = [];
  const isProduction = purpose === "production";
  // What is deployed is made of what has been built, as it is now.
  if (isProduction) ((await import(LEAN)) as { lean(): number }).lean();
  const build = await rolldown({
    input,
    platform: "browser",
    logLevel: "silent",
    transform: { define: { "process.env.NODE_ENV": JSON.stringify(purpose) } },
    ...(isProduction && { resolve: { conditionNames: ["production", "browser", "import", "default"] } }),
    plugins: [
      {
        // What editors import as their styles is the style of the page, in the order in which it is found.
        name: "styles",
        load(id) {
          if (!id.endsWith(".css")) return null;
          styles.push(readFileSync(id, "utf8"));
          return { code: "", moduleType: "js", moduleSideEffects: true };
        },
      },
    ],
  });
  const { output } = await build.generate({ format: "iife", codeSplitting: false, minify: isProduction });
  await build.close();
  return { script: output[0].code, styles: styles.join("\n") };
}
