/**
 * The check of the layers complains about what it must and about nothing else.
 *
 * Every case is a small workspace in a temporary folder, correct but for the one
 * thing in question, and expects exactly the lines about that.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "../../scripts/boundaries.mjs");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

type Tree = Readonly<Record<string, string>>;

const pkg = (name: string, ...dependencies: string[]) =>
  JSON.stringify({
    name,
    exports: { ".": "./dist/index.js", "./extra": "./dist/extra.js", "./package.json": "./package.json" },
    dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, "*"])),
  });

const uses = (...names: string[]) => names.map((name) => `import "${name}";\n`).join("");

const CORRECT: Tree = {
  "package.json": JSON.stringify({ name: "root", devDependencies: { vitest: "*" } }),
  "packages/core/package.json": pkg("@syncline/core", "lib0"),
  "packages/core/src/index.ts": uses("lib0/encoding", "./clock.js"),
  "packages/core/src/clock.ts": "export const zero = 0;\n",
  "packages/storage/package.json": pkg("@syncline/storage", "@syncline/core", "lmdb"),
  "packages/storage/src/index.ts": uses("@syncline/core", "node:fs", "lmdb"),
  "packages/client/package.json": pkg("@syncline/client", "@syncline/storage"),
  "packages/client/src/index.ts": uses("@syncline/storage/extra"),
  "apps/syncline/package.json": pkg("syncline", "@syncline/client", "commander"),
  "apps/syncline/bin/syncline.js": 'import "../dist/main.js";\n',
  "apps/syncline/src/main.ts": uses("@syncline/client", "commander"),
  "test/package.json": pkg("@syncline/test", "@syncline/core"),
  "test/core/a.test.ts": uses("@syncline/core", "vitest", "../../packages/core/src/clock.js"),
};

/** The complaints about the correct tree with the given files instead or besides. */
function complaints(changed: Tree): string[] {
  const top = mkdtempSync(join(tmpdir(), "boundaries-"));
  folders.push(top);
  for (const [path, text] of Object.entries({ ...CORRECT, ...changed })) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, top], { encoding: "utf8" });
  const lines = stderr.trimEnd().split("\n");
  expect(status, stderr).toBe(stderr === "" ? 0 : 1);
  return stderr === "" ? [] : lines.slice(0, -1);
}

test("a correct tree passes", () => {
  expect(complaints({})).toEqual([]);
});

test("an import that points up names file, line, import and what is allowed", () => {
  expect(
    complaints({
      "packages/core/src/clock.ts": 'export const zero = 0;\nimport type { X } from "@syncline/storage";\n',
    }),
  ).toEqual([
    'packages/core/src/clock.ts:2: imports "@syncline/storage": imports point down; allowed here: none of ours',
  ]);
});

test("an import that points sideways is refused in every form", () => {
  const complaint = (line: number) =>
    `packages/storage/src/more.ts:${line}: imports "@syncline/transport": ` +
    "imports point down; allowed here: @syncline/core, @syncline/protocol, @syncline/engine";
  expect(
    complaints({
      "packages/storage/src/more.ts": [
        'export * from "@syncline/transport";',
        'export { a } from "@syncline/transport";',
        'const late = () => import("@syncline/transport");',
        'type T = import("@syncline/transport").T;',
        "const same = () => import(`@syncline/transport`);",
        'import old = require("@syncline/transport");',
      ].join("\n"),
    }),
  ).toEqual([1, 2, 3, 4, 5, 6].map(complaint));
});

test.each([
  ["core", "protocol"],
  ["protocol", "engine"],
  ["engine", "storage"],
  ["engine", "simulation"],
  ["storage", "transport"],
  ["transport", "storage"],
  ["text", "engine"],
  ["simulation", "server"],
  ["server", "client"],
  ["client", "server"],
  ["react", "core"],
  ["client", "test"],
])("%s does not import %s", (from, to) => {
  const found = complaints({
    [`packages/${from}/package.json`]: pkg(`@syncline/${from}`, `@syncline/${to}`),
    [`packages/${from}/src/index.ts`]: uses(`@syncline/${to}`),
    [`packages/${from}/src/clock.ts`]: "",
  });
  expect(found).toHaveLength(2);
  expect(found[0]).toContain(`package.json: declares @syncline/${to}: imports point down`);
  expect(found[1]).toContain(`src/index.ts:1: imports "@syncline/${to}": imports point down`);
});

test("an app does not import an app", () => {
  expect(
    complaints({ "apps/other/package.json": pkg("other"), "apps/other/a.ts": uses("syncline") }),
  ).toEqual([
    expect.stringMatching(/^apps\/other\/a\.ts:1: imports "syncline": imports point down; allowed here: /),
  ]);
});

test("a package of ours without a layer is told to get one", () => {
  expect(complaints({ "packages/extra/package.json": pkg("@syncline/extra") })).toEqual([
    "packages/extra/package.json: no layer is set for extra; add it to scripts/boundaries.mjs",
  ]);
});

test("reaching into another package is refused, by name and by path", () => {
  expect(
    complaints({
      "packages/client/src/index.ts": uses(
        "@syncline/storage/dist/index.js",
        "../../storage/src/index.js",
        "../../../test/core/a.test.js",
      ),
    }),
  ).toEqual([
    'packages/client/src/index.ts:1: imports "@syncline/storage/dist/index.js": ' +
      "reaches into the package; it exports @syncline/storage, @syncline/storage/extra",
    'packages/client/src/index.ts:2: imports "../../storage/src/index.js", ' +
      "which leaves the package: import another package by its name",
    'packages/client/src/index.ts:3: imports "../../../test/core/a.test.js", ' +
      "which leaves the package: import another package by its name",
  ]);
});

test("a package that imports itself by name is told to use a relative import", () => {
  expect(complaints({ "packages/core/src/clock.ts": uses("@syncline/core") })).toEqual([
    'packages/core/src/clock.ts:1: imports "@syncline/core", its own package: use a relative import',
  ]);
});

test("imports and declared dependencies are the same set", () => {
  expect(
    complaints({
      "packages/storage/src/index.ts": uses("@syncline/core", "ws/lib/sender.js"),
      "test/core/a.test.ts": uses("@scope/thing/deep"),
    }),
  ).toEqual([
    'packages/storage/src/index.ts:2: imports "ws/lib/sender.js": declare ws in packages/storage/package.json',
    "packages/storage/package.json: declares lmdb, which nothing imports: remove it",
    'test/core/a.test.ts:1: imports "@scope/thing/deep": declare @scope/thing in test/package.json',
  ]);
});

test("a package whose others the design names takes no more of them", () => {
  expect(
    complaints({
      "packages/core/package.json": pkg("@syncline/core", "lib0", "ws"),
      "packages/core/src/clock.ts": uses("ws"),
    }),
  ).toEqual([
    "packages/core/package.json: declares ws: allowed here: lib0",
    'packages/core/src/clock.ts:1: imports "ws": allowed here: lib0',
  ]);
});

test("a pure package uses no I/O, clock, timer or chance", () => {
  const impure: [code: string, complaint: string][] = [
    ['import "node:fs";', 'imports "node:fs"'],
    ['import "crypto";', 'imports "crypto"'],
    ["const a = Date.now();", "uses Date.now"],
    ["const b = [1].map(Math.random);", "uses Math.random"],
    ['const c = Date["now"]();', "uses Date.now"],
    ["const d = new Date();", "uses new Date()"],
    ["const e = Date();", "uses Date()"],
    ["const { random } = Math;", "uses Math.random"],
    ["setTimeout(a, 1);", "uses setTimeout"],
    ["const f = { setInterval };", "uses setInterval"],
    ["setImmediate(a);", "uses setImmediate"],
    ["queueMicrotask(a);", "uses queueMicrotask"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source code of the case
    ["const g = `${performance.now()}`;", "uses performance"],
    ["const h = process.env.HOME;", "uses process"],
    ['console.log("x");', "uses console"],
    ["const i = globalThis;", "uses globalThis"],
    ["declare const crypto: unknown;", "uses crypto"],
  ];
  expect(complaints({ "packages/core/src/clock.ts": impure.map(([code]) => code).join("\n") })).toEqual(
    impure.map(
      ([, complaint], index) =>
        `packages/core/src/clock.ts:${index + 1}: ${complaint}: core is pure, so that is handed in`,
    ),
  );
});

test("comments, strings, properties, keys and types give no false alarm", () => {
  expect(
    complaints({
      "packages/core/src/clock.ts": [
        '/* import "ws"; Date.now() */ // setTimeout(x)',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: source code of the case
        "const text = 'import \"ws\"; process.exit()' + `Date.now() ${1} require('ws')`;",
        'const pattern = /import "ws"; console.log(Date.now())/;',
        "export interface Ports { setTimeout(ms: number): void; process: number; console: string }",
        "export class Clock { setTimeout() {} performance = 1; }",
        "export type F = (process: number) => [console: string]; export declare function g(crypto: F): void;",
        "export abstract class A { abstract h(process: F): void; new: new (console: F) => A; }",
        "export const f = (ports: Ports, date: { now(): number }) => {",
        "  ports.setTimeout(1); const { process: pid } = ports; date.now();",
        "  return { process: pid, console: text, at: new Date(0), Date: Date.UTC(2000), most: Math.max(1) };",
        "};",
        'const half = 4 / 2; const quoted = "it\'s"; pattern.test(quoted); half;',
      ].join("\n"),
    }),
  ).toEqual([]);
});

test("a name that a scope binds itself is its own, elsewhere it is the platform's", () => {
  expect(
    complaints({
      "packages/core/src/clock.ts": [
        'import { setTimeout } from "./time.js";',
        "export function f(process: { id: number }, [crypto = 1, ...console]: number[]) {",
        "  for (const performance of console) setTimeout(process.id + crypto + performance);",
        "  performance.now();",
        "  if (crypto) { const { a: { globalThis } } = { a: process }; globalThis; }",
        "  return () => globalThis;",
        "}",
        "try { queueMicrotask(); } catch (process) { throw process; }",
        "function queueMicrotask() {}",
        "process.exit();",
      ].join("\n"),
      "packages/core/src/time.ts": "export const setTimeout = (_ms: number) => 0;",
    }),
  ).toEqual([
    "packages/core/src/clock.ts:4: uses performance: core is pure, so that is handed in",
    "packages/core/src/clock.ts:6: uses globalThis: core is pure, so that is handed in",
    "packages/core/src/clock.ts:10: uses process: core is pure, so that is handed in",
  ]);
});

test("an impure package may do all of that", () => {
  expect(
    complaints({
      "packages/storage/src/more.ts":
        'import "node:fs";\nsetTimeout(console.log, Date.now() * Math.random());',
    }),
  ).toEqual([]);
});

test("a computed import and a file that cannot be parsed are faults, not silence", () => {
  expect(
    complaints({
      "packages/storage/src/computed.ts": "const load = (name: string) => import(name);",
      "packages/storage/src/broken.ts": "const = ;",
    }),
  ).toEqual([
    expect.stringMatching(/^packages\/storage\/src\/broken\.ts: cannot be parsed: /),
    "packages/storage/src/computed.ts:1: imports a computed name: name the module in a string",
  ]);
});
