/**
 * The pages of docs/api, made from the doc comments of what @syncline/core and @syncline/client export.
 *
 *   node scripts/api.mjs [--check]
 *
 * TypeDoc reads the sources and its Markdown plugin writes them down. With `--check` nothing is written: the exit code
 * is 1 if an export, or a method of one, has no doc comment, or if the pages are not those that would be written.
 *
 * Core has a page for each of its files that exports something, headed by what the file says of itself. What a type has
 * from `Crdt` and `FieldType` stands there once, not with every type. What the client passes on from other packages
 * stands on the client's page, so that who reads it need not know where something comes from.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, Comment, Converter, ReflectionKind } from "typedoc";
import { root } from "./house.mjs";

const OUT = "docs/api";
const HEAD = "<!-- Made by scripts/api.mjs from doc comments: change those. -->\n\n";

/** What cannot be understood from its name and type alone: of properties the type says most. */
const DOCUMENTED =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Variable |
  ReflectionKind.Function |
  ReflectionKind.Method |
  ReflectionKind.Accessor;

const faults = [];
const pages = new Map();
for (const name of ["core", "client"]) await describe(name);
pages.set("README.md", contents());

const isCheck = process.argv.includes("--check");
if (!isCheck) write();
else if (!isCurrent()) faults.push(`${OUT} is not what the doc comments say: run \`pnpm api\``);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${pages.size} pages in ${OUT}`);

async function describe(name) {
  const folder = join(root, "packages", name);
  const entry = join(folder, "src", "index.ts");
  const exported = name === "core" ? await exportsByFile(folder, entry) : undefined;
  const out = mkdtempSync(join(tmpdir(), "syncline-api-"));
  try {
    const app = await Application.bootstrapWithPlugins({
      ...options(folder),
      entryPoints: exported === undefined ? [entry] : [...exported.keys()],
      // By its place: TypeDoc would look for it from where it is started.
      plugin: [fileURLToPath(import.meta.resolve("typedoc-plugin-markdown"))],
      name: `@syncline/${name}`,
      out,
      router: "module",
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      ...(exported === undefined ? {} : { entryFileName: "index.md", modulesFileName: "modules.md" }),
    });
    app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => trim(project, exported));
    const project = await app.convert();
    if (project === undefined) throw new Error(`the sources of ${name} cannot be read`);
    complain(name, project);
    await app.generateOutputs(project);
    for (const file of readdirSync(out)) {
      const text = readFileSync(join(out, file), "utf8");
      if (exported === undefined) pages.set("client.md", text);
      // Its pages stand beside those of other packages, and refer to each other.
      else if (file !== "index.md") pages.set(`core-${file}`, text.replace(/\]\((?=[\w-]+\.md)/g, "](core-"));
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function options(folder) {
  return {
    tsconfig: join(folder, "tsconfig.json"),
    readme: "none",
    disableSources: true,
    excludePrivate: true,
    // A type that an export speaks of and that is not exported itself is told by its name.
    validation: false,
    logLevel: "Error",
  };
}

/** What `index.ts` exports, by the file in which it is declared. */
async function exportsByFile(folder, entry) {
  const app = await Application.bootstrap({ ...options(folder), entryPoints: [entry] });
  const [point] = app.getEntryPoints() ?? [];
  const checker = point.program.getTypeChecker();
  const files = new Map();
  for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(point.sourceFile))) {
    const isAlias = symbol.declarations[0].getSourceFile() === point.sourceFile;
    const [declaration] = (isAlias ? checker.getAliasedSymbol(symbol) : symbol).declarations;
    const file = declaration.getSourceFile().fileName;
    files.set(file, (files.get(file) ?? new Set()).add(symbol.name));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Leaves of each file what is exported, without what is inherited, and heads it with what the file says of itself. */
function trim(project, exported) {
  for (const [file, names] of exported ?? []) {
    const page = project.children?.find(({ name }) => file.endsWith(`/${name}.ts`)) ?? project;
    for (const child of [...(page.children ?? [])])
      if (!names.has(child.name)) project.removeReflection(child);
    const head = /^\/\*\*\n([\s\S]*?)\n \*\//.exec(readFileSync(file, "utf8"))?.[1];
    const text = head?.replace(/^ \* ?/gm, "");
    if (page.comment === undefined && text !== undefined)
      page.comment = new Comment([{ kind: "text", text }]);
  }
  for (const each of Object.values(project.reflections)) {
    if (each.inheritedFrom === undefined || each.parent === undefined) continue;
    if (each.parent.kindOf(ReflectionKind.ClassOrInterface)) project.removeReflection(each);
  }
}

function complain(name, project) {
  for (const each of project.getReflectionsByKind(DOCUMENTED)) {
    // Signatures carry the comments of what can be called.
    const said = [
      each,
      ...(each.signatures ?? []),
      each.getSignature,
      each.setSignature,
      each.type?.declaration,
    ]
      .filter((part) => part !== undefined)
      .some((part) => part.hasComment());
    const isInside = each.parent?.kindOf(ReflectionKind.TypeLiteral);
    if (!said && !isInside) faults.push(`@syncline/${name}: ${each.getFullName()} has no doc comment`);
  }
}

function contents() {
  const lines = [...pages].map(([file, text]) => {
    const title = /^# (.*)$/m.exec(text)?.[1] ?? file;
    return `- [${title}](${file})`;
  });
  return `# API\n\nWhat the packages export, from their doc comments. [The types](../types/README.md) and [the client](../client.md) are told of there.\n\n${lines.join("\n")}\n`;
}

function write() {
  rmSync(join(root, OUT), { recursive: true, force: true });
  mkdirSync(join(root, OUT), { recursive: true });
  for (const [file, text] of pages) writeFileSync(join(root, OUT, file), HEAD + text);
}

function isCurrent() {
  const folder = join(root, OUT);
  if (!existsSync(folder) || readdirSync(folder).length !== pages.size) return false;
  return [...pages].every(([file, text]) => {
    const path = join(folder, file);
    return existsSync(path) && readFileSync(path, "utf8") === HEAD + text;
  });
}
