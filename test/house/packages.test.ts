/**
 * What would be published is what an app needs, and all of it: the files that npm packs, in a folder that knows nothing of this
 * repository, with the libraries of others beside them. Types are checked as strictly as an app may, those of ours too.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const REPOSITORY = join(import.meta.dirname, "../..");
/** The names of the packages of the client's side, and those of others that they use, by the package that has them. */
const PACKAGES = ["core", "protocol", "engine", "transport", "client", "react", "text"];
const OTHERS = {
  idb: "packages/client",
  ws: "packages/transport",
  yjs: "packages/text",
  "y-protocols": "packages/text",
  react: ".",
  "@types/react": ".",
};

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const app = mkdtempSync(join(tmpdir(), "syncline-app-"));
const packed = new Map<string, readonly string[]>();

const manifestOf = (name: string): Manifest =>
  JSON.parse(readFileSync(join(app, "node_modules/@syncline", name, "package.json"), "utf8")) as Manifest;

const run = (file: string, ...args: string[]) => spawnSync(file, args, { cwd: app, encoding: "utf8" });

/** What is for who builds a server, and installs the types of `ws` with it: depending on them would give them, and those of Node, to pages. */
const FOR_SERVERS = "@syncline/transport/node";

/** What apps import: each entry of each package. */
const entries = (): string[] =>
  PACKAGES.flatMap((name) =>
    Object.keys(manifestOf(name).exports)
      .filter((entry) => !entry.endsWith(".json"))
      .map((entry) => `@syncline/${name}${entry.slice(1)}`),
  );

beforeAll(() => {
  const folders = PACKAGES.map((name) => join(REPOSITORY, "packages", name));
  const { stdout, stderr } = spawnSync(
    "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline", ...folders],
    { cwd: app, encoding: "utf8", maxBuffer: 1 << 26 },
  );
  if (stdout === "") throw new Error(stderr);
  const lists = Object.values(JSON.parse(stdout)) as { name: string; files: { path: string }[] }[];
  for (const { name, files } of lists) {
    const short = name.slice("@syncline/".length);
    packed.set(
      short,
      files.map(({ path }) => path),
    );
    for (const { path } of files) {
      const target = join(app, "node_modules", name, path);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(REPOSITORY, "packages", short, path), target);
    }
  }
  for (const [name, owner] of Object.entries(OTHERS)) {
    const target = join(app, "node_modules", name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(REPOSITORY, owner, "node_modules", name), target);
  }
  writeFileSync(join(app, "package.json"), '{ "type": "module" }');
});

afterAll(() => rmSync(app, { recursive: true }));

test("has what the manifest names, the sources of its source maps, and nothing of how it was built", () => {
  expect([...packed.keys()].sort()).toEqual([...PACKAGES].sort());
  for (const [name, files] of packed) {
    const named = Object.values(manifestOf(name).exports).flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    for (const path of named) expect(files, name).toContain(path.slice(2));
    for (const path of files) {
      expect(path, name).toMatch(
        /^(package\.json|LICENSE|README\.md|src\/.+\.tsx?|dist\/.+\.(js|d\.ts)(\.map)?)$/,
      );
      if (!path.endsWith(".map")) continue;
      const folder = join(app, "node_modules/@syncline", name, dirname(path));
      const { sources } = JSON.parse(
        readFileSync(join(folder, path.slice(path.lastIndexOf("/") + 1)), "utf8"),
      ) as {
        sources: string[];
      };
      for (const source of sources) expect(existsSync(join(folder, source)), `${name}: ${source}`).toBe(true);
    }
  }
});

test("type-checks with all of its declarations, for bundlers and for Node", () => {
  const names = entries().filter((entry) => entry !== FOR_SERVERS);
  writeFileSync(
    join(app, "app.mts"),
    `${names.map((entry, i) => `import * as e${i} from "${entry}";\n`).join("")}export const all = [${names.map((_, i) => `e${i}`).join(", ")}];\n`,
  );
  for (const [module, moduleResolution] of [
    ["ESNext", "bundler"],
    ["NodeNext", "NodeNext"],
  ]) {
    const compilerOptions = {
      ...{ module, moduleResolution, target: "ES2022", lib: ["ES2022", "DOM"], types: [] },
      ...{ strict: true, noEmit: true, skipLibCheck: false },
    };
    writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["app.mts"] }));
    const { stdout } = run(join(REPOSITORY, "node_modules/.bin/tsc"), "-p", ".");
    expect(
      stdout.split("\n").filter((line) => line.includes("@syncline") || line.startsWith("app.mts")),
    ).toEqual([]);
  }
});

test("runs in Node, as modules and by require, and is one module in both", () => {
  const names = JSON.stringify(entries());
  writeFileSync(
    join(app, "app.mjs"),
    `import { createRequire } from "node:module";
     const require = createRequire(import.meta.url);
     for (const name of ${names}) console.log(name, require(name) === (await import(name)));`,
  );
  const { stdout, stderr } = run(process.execPath, "app.mjs");
  expect(stderr.replaceAll(/.*ExperimentalWarning.*|.*--trace-warnings.*/g, "").trim()).toBe("");
  expect(stdout.trim().split("\n")).toEqual(entries().map((entry) => `${entry} true`));
});
