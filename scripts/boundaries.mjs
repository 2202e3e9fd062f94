/**
 * Holds the layers: imports only point down, and the deterministic packages stay
 * deterministic.
 *
 *   node scripts/boundaries.mjs [root]
 *
 * The table below is the one of the design. For every package and app it checks
 *   - that an import of ours names a package below, by a name that it exports;
 *   - that no relative import leaves the package;
 *   - that imports and the declared dependencies are the same set;
 *   - that pure packages use no I/O, clock, timer or chance of the platform.
 * It reads syntax trees, so comments, strings and properties give no false alarm.
 * `test`, `scripts` and `bench` may import everything but must declare it; nothing may
 * import them. Exit code 1 and one line per fault: file:line, the fault, what is
 * allowed.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { root as house, readManifest, workspaceFolders } from "./house.mjs";

/**
 * Who may import whom, lowest first. `ours`: packages of ours; `others`: packages
 * of others, where the design names them (elsewhere any that is declared);
 * `pure`: no I/O, clock, timers or chance.
 */
const LAYERS = {
  core: { ours: [], others: ["lib0"], pure: true },
  protocol: { ours: ["core"], others: ["lib0"], pure: true },
  engine: { ours: ["core", "protocol"], others: [], pure: true },
  storage: { ours: ["core", "protocol", "engine"] },
  transport: { ours: ["core", "protocol", "engine"] },
  text: { ours: ["core"], others: ["yjs", "y-protocols", "lib0"] },
  simulation: { ours: ["core", "protocol", "engine"], others: [], pure: true },
  server: { ours: ["core", "protocol", "engine", "storage", "transport", "text", "simulation"] },
  client: { ours: ["core", "protocol", "engine", "storage", "transport", "text", "simulation"] },
  react: { ours: ["client"] },
};
const EVERY_PACKAGE = Object.keys(LAYERS);
const FREE = ["test", "scripts", "bench"];

/**
 * Globals that a pure package is handed instead. The compiler knows none of the
 * platform's there; these are the ones that somebody might declare to get at them.
 */
const IMPURE_GLOBALS = new Set([
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"],
  ...["process", "console", "performance", "crypto", "globalThis"],
]);
const IMPURE_MEMBERS = { Date: ["now"], Math: ["random"] };

const SOURCE = /\.(?:[cm]?ts|tsx|[cm]?js|jsx)$/;
/** The nodes that names may be bound in, besides all that have parameters. */
const SCOPE = /^(?:Program|BlockStatement|CatchClause|For(?:In|Of)?Statement)$/;
const SKIPPED = new Set(["node_modules", "dist", "coverage"]);
const BUILT_IN = new Set(builtinModules);

const top = resolve(process.argv[2] ?? house);
const faults = workspaceFolders(top).flatMap((folder) => checkPackage(folder));
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(`${faults.length} ${faults.length === 1 ? "fault" : "faults"} against the layers`);
  process.exitCode = 1;
}

function checkPackage(folder) {
  const manifest = readManifest(folder);
  const [kind, name] = relative(top, folder).split(sep);
  const manifestPath = relative(top, join(folder, "package.json"));
  const isFree = FREE.includes(kind);
  const rules = isFree || kind === "apps" ? { ours: EVERY_PACKAGE } : LAYERS[name];
  if (rules === undefined)
    return [`${manifestPath}: no layer is set for ${name}; add it to scripts/boundaries.mjs`];

  const faults = [];
  const shipped = {
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  };
  const declared = new Set(Object.keys(shipped));
  // Tests also see the root's tools, as Node finds them there.
  if (isFree) {
    for (const { dependencies, devDependencies } of [manifest, readManifest(top)]) {
      for (const name of Object.keys({ ...dependencies, ...devDependencies })) declared.add(name);
    }
  }
  for (const name of Object.keys(shipped)) {
    const complaint = complaintAboutPackage(name, rules);
    if (complaint !== undefined) faults.push(`${manifestPath}: declares ${name}: ${complaint}`);
  }

  const used = new Set();
  for (const file of sourcesIn(folder)) {
    const path = relative(top, file);
    const text = readFileSync(file, "utf8");
    const { imports, impurities, error } = readSource(text, file);
    if (error !== undefined) {
      faults.push(`${path}: cannot be parsed: ${error}`);
      continue;
    }
    const report = (at, fault) => faults.push(`${path}:${lineOf(text, at)}: ${fault}`);
    for (const { specifier, at } of imports) {
      if (specifier === undefined) {
        if (!isFree) report(at, "imports a computed name: name the module in a string");
        continue;
      }
      if (isRelative(specifier)) {
        const target = resolve(dirname(file), specifier);
        if (!isFree && !`${target}${sep}`.startsWith(folder + sep)) {
          report(at, `imports "${specifier}", which leaves the package: import another package by its name`);
        }
        continue;
      }
      if (isBuiltIn(specifier)) {
        if (rules.pure) report(at, `imports "${specifier}": ${name} is pure, so that is handed in`);
        continue;
      }
      const packageName = packageNameOf(specifier);
      if (packageName === manifest.name) {
        report(at, `imports "${specifier}", its own package: use a relative import`);
        continue;
      }
      used.add(packageName);
      const complaint =
        complaintAboutPackage(packageName, rules) ?? complaintAboutEntry(specifier, packageName);
      if (complaint !== undefined) {
        report(at, `imports "${specifier}": ${complaint}`);
      } else if (!declared.has(packageName)) {
        report(at, `imports "${specifier}": declare ${packageName} in ${manifestPath}`);
      }
    }
    if (rules.pure) {
      for (const { what, at } of impurities)
        report(at, `uses ${what}: ${name} is pure, so that is handed in`);
    }
  }
  for (const name of isFree ? [] : Object.keys(shipped)) {
    if (!used.has(name)) faults.push(`${manifestPath}: declares ${name}, which nothing imports: remove it`);
  }
  return faults;
}

/** Why the rules forbid the package, or undefined. */
function complaintAboutPackage(packageName, { ours, others }) {
  const short = /^@syncline\/(.+)$/.exec(packageName)?.[1];
  if (short !== undefined || packageName === "syncline") {
    if (ours.includes(short)) return undefined;
    const allowed = ours.map((name) => `@syncline/${name}`).join(", ");
    return `imports point down; allowed here: ${allowed || "none of ours"}`;
  }
  if (others === undefined || others.includes(packageName)) return undefined;
  return `allowed here: ${others.join(", ") || "no package of others"}`;
}

/** Why another package of ours does not offer the specifier, or undefined. */
function complaintAboutEntry(specifier, packageName) {
  if (!packageName.startsWith("@syncline/")) return undefined;
  const folder = join(top, "packages", packageName.slice("@syncline/".length));
  if (!existsSync(join(folder, "package.json"))) return `there is no package ${packageName}`;
  const entries = Object.keys(readManifest(folder).exports ?? {}).filter(
    (entry) => entry !== "./package.json",
  );
  if (entries.includes(`.${specifier.slice(packageName.length)}`)) return undefined;
  return `reaches into the package; it exports ${entries.map((entry) => packageName + entry.slice(1)).join(", ")}`;
}

/** The imports and the impurities of a source, each with its offset. */
function readSource(text, file) {
  const imports = [];
  const impurities = [];
  const lang = /x$/.test(file) ? "tsx" : "ts";
  let tree;
  try {
    tree = parseAst(text, { lang, sourceType: "module" }, file);
  } catch (error) {
    return { imports, impurities, error: String(error.message).split("\n")[0] };
  }
  const bound = namesBoundIn(tree);
  walk(tree, (node, parent, key, scopes) => {
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
      case "ImportExpression":
      case "TSImportType":
        if (node.source) imports.push({ specifier: constantOf(node.source), at: node.source.start });
        break;
      case "TSExternalModuleReference":
        imports.push({ specifier: constantOf(node.expression), at: node.expression.start });
        break;
      case "CallExpression":
      case "NewExpression":
        if (node.callee.type === "Identifier") {
          const { name } = node.callee;
          if (name === "require") imports.push({ specifier: constantOf(node.arguments[0]), at: node.start });
          // Without arguments it reads the clock; called without new it always does.
          if (name === "Date" && (node.type === "CallExpression" || node.arguments.length === 0)) {
            impurities.push({
              what: node.type === "CallExpression" ? "Date()" : "new Date()",
              at: node.start,
            });
          }
        }
        break;
      case "MemberExpression": {
        const member = node.computed ? constantOf(node.property) : node.property.name;
        if (node.object.type === "Identifier" && IMPURE_MEMBERS[node.object.name]?.includes(member)) {
          impurities.push({ what: `${node.object.name}.${member}`, at: node.start });
        }
        break;
      }
      case "VariableDeclarator":
        // const { now } = Date
        if (node.id.type === "ObjectPattern" && node.init?.type === "Identifier") {
          for (const { key } of node.id.properties) {
            if (!IMPURE_MEMBERS[node.init.name]?.includes(key?.name)) continue;
            impurities.push({ what: `${node.init.name}.${key.name}`, at: key.start });
          }
        }
        break;
      case "Identifier":
        if (!IMPURE_GLOBALS.has(node.name) || !isReference(parent, key)) break;
        if (!scopes.some((scope) => bound.get(scope)?.has(node.name))) {
          impurities.push({ what: node.name, at: node.start });
        }
        break;
    }
  });
  return { imports, impurities };
}

/** Whether an identifier in this place names a variable: not a property, a key, a label or a name in a type. */
function isReference(parent, key) {
  if (key === "key") return parent.computed === true || parent.shorthand === true;
  if (key === "property") return parent.computed === true;
  if (key === "value" && parent.shorthand) return false; // Its key has been counted.
  if (key === "label" || parent.type === "TSQualifiedName" || parent.type === "TSTypeReference") return false;
  if (parent.type === "ImportSpecifier" || parent.type === "ExportSpecifier") return key === "local";
  return !/^TS(?:Property|Method)Signature$/.test(parent.type);
}

/** The names that each scope of a tree gives a meaning of its own. What is only declared means the platform's. */
function namesBoundIn(tree) {
  const bound = new Map();
  const bind = (scope, names) => bound.set(scope, new Set([...(bound.get(scope) ?? []), ...names]));
  walk(tree, (node, _parent, _key, scopes) => {
    const scope = scopes.at(-1);
    if (node.params) bind(node, node.params.flatMap(namesIn));
    if (node.type === "CatchClause") bind(node, namesIn(node.param));
    if (node.type === "ImportDeclaration")
      bind(
        scope,
        node.specifiers.flatMap(({ local }) => namesIn(local)),
      );
    if (node.declare) return;
    if (node.type === "VariableDeclaration")
      bind(
        scope,
        node.declarations.flatMap(({ id }) => namesIn(id)),
      );
    // A function's name means something around it too, not only in its own scope.
    if (/^(?:Function|Class)Declaration$/.test(node.type))
      bind(
        scopes.findLast((one) => one !== node),
        namesIn(node.id),
      );
  });
  return bound;
}

/** The names in a binding pattern. */
function namesIn(pattern) {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) => namesIn(property.value ?? property));
    case "ArrayPattern":
      return pattern.elements.flatMap(namesIn);
    case "AssignmentPattern":
      return namesIn(pattern.left);
    case "RestElement":
      return namesIn(pattern.argument);
    default:
      return [];
  }
}

/** Visits every node with its parent, its place there and the scopes around it, its own included. */
function walk(node, visit, parent = null, key = null, outer = []) {
  const scopes = SCOPE.test(node.type) || node.params ? [...outer, node] : outer;
  visit(node, parent, key, scopes);
  for (const [name, child] of Object.entries(node)) {
    if (child === null || typeof child !== "object") continue;
    for (const part of Array.isArray(child) ? child : [child]) {
      if (typeof part?.type === "string") walk(part, visit, node, name, scopes);
    }
  }
}

/** The string that an expression always has, or undefined. */
function constantOf(node) {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type === "TemplateLiteral" && node.expressions.length === 0) return node.quasis[0].value.cooked;
  return undefined;
}

function* sourcesIn(folder) {
  for (const name of readdirSync(folder).sort()) {
    if (SKIPPED.has(name) || name.startsWith(".")) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* sourcesIn(path);
    else if (SOURCE.test(name)) yield path;
  }
}

function isRelative(specifier) {
  return /^\.{0,2}\//.test(specifier) || /^\.{1,2}$/.test(specifier);
}

function isBuiltIn(specifier) {
  return specifier.startsWith("node:") || BUILT_IN.has(specifier);
}

function packageNameOf(specifier) {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function lineOf(text, offset) {
  return text.slice(0, offset).split("\n").length;
}
