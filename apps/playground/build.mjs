/**
 * Builds the playground for browsers, from what `tsc -b` has made of the packages, into the folder of the command that
 * ships and serves it: `apps/syncline/dist/site`.
 *
 *   node apps/playground/build.mjs
 *
 * Files in `assets/` have the hash of their contents in their name. A build that has nothing new to build is over at
 * once: the stamp beside the site holds a hash of every file that went into it. A new one replaces the old one as a
 * whole, so whoever serves it never sees half of it.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const here = import.meta.dirname;
const source = (name) => join(here, "src", name);
const site = join(here, "..", "syncline", "dist", "site");
const stamp = `${site}.stamp.json`;

/** Builds if something has changed. Resolves with what there is to say. */
export async function buildPlayground() {
  if (isUpToDate()) return "up to date";
  const build = await rolldown({
    input: source("main.tsx"),
    platform: "browser",
    // Sources name each other as the compiler's output is named.
    resolve: { extensionAlias: { ".js": [".tsx", ".ts", ".js"] } },
    transform: { define: { "process.env.NODE_ENV": '"production"' } },
    onLog(level, log, handle) {
      // What "use client" says is of no meaning in a bundle for browsers.
      if (level === "warn" && log.code !== "MODULE_LEVEL_DIRECTIVE") throw new Error(log.message);
      if (level === "warn") return;
      handle(level, log);
    },
  });
  const { output } = await build.generate({
    format: "esm",
    minify: true,
    entryFileNames: "assets/[name]-[hash].js",
    chunkFileNames: "assets/[name]-[hash].js",
  });
  const modules = (await build.watchFiles).filter((path) => existsSync(path));
  await build.close();

  const files = new Map(output.map(({ fileName, code }) => [fileName, code]));
  const styles = readFileSync(source("styles.css"), "utf8");
  const stylesName = `assets/styles-${hashOf(styles).slice(0, 8)}.css`;
  files.set(stylesName, styles);
  files.set("icon.svg", readFileSync(source("icon.svg"), "utf8"));
  const main = output.find(({ isEntry }) => isEntry).fileName;
  files.set(
    "index.html",
    readFileSync(source("index.html"), "utf8")
      .replace("styles.css", `/${stylesName}`)
      .replace("main.js", `/${main}`),
  );
  const names = [...files.keys()].filter((name) => name !== "index.html").map((name) => `/${name}`);
  files.set(
    "sw.js",
    readFileSync(source("sw.js"), "utf8")
      .replace('"FILES"', names.map((name) => JSON.stringify(name)).join(", "))
      .replace("VERSION", hashOf(names.join()).slice(0, 8)),
  );
  replaceSite(files);

  const inputs = [...modules, ...["styles.css", "icon.svg", "index.html", "sw.js"].map(source)];
  inputs.push(fileURLToPath(import.meta.url));
  const hashes = Object.fromEntries(inputs.map((path) => [relative(here, path), hashOf(readFileSync(path))]));
  writeFileSync(stamp, JSON.stringify(hashes));
  const bytes = [...files.values()].reduce((sum, text) => sum + gzipSync(text).length, 0);
  return `${files.size} files, ${(bytes / 1000).toFixed(0)} kB compressed`;
}

function isUpToDate() {
  if (!existsSync(stamp) || !existsSync(join(site, "index.html"))) return false;
  return Object.entries(JSON.parse(readFileSync(stamp, "utf8"))).every(([path, hash]) => {
    const file = join(here, path);
    return existsSync(file) && hashOf(readFileSync(file)) === hash;
  });
}

function replaceSite(files) {
  const fresh = `${site}.${randomBytes(4).toString("hex")}`;
  const old = `${fresh}.old`;
  mkdirSync(join(fresh, "assets"), { recursive: true });
  for (const [name, text] of files) writeFileSync(join(fresh, name), text);
  if (existsSync(site)) renameSync(site, old);
  renameSync(fresh, site);
  rmSync(old, { recursive: true, force: true });
}

function hashOf(content) {
  return createHash("sha256").update(content).digest("hex");
}

if (basename(process.argv[1] ?? "") === "build.mjs") console.log(`playground: ${await buildPlayground()}`);
