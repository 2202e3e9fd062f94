/**
 * Makes of what the compiler has built what bundlers take for production: the same modules with marks instead of sentences.
 *
 *   node scripts/lean.mjs
 *
 * A sentence in an error tells a developer what is wrong; users of an app never read it, and it is a tenth of what they
 * load. So under the condition `production`, which bundlers set for what is deployed, a message is `«3f|5|7»`, and
 * `@syncline/client/explain` has the sentences (docs/client.md). Codes of errors are codes in both. Only strings in places
 * where messages are (`isMessage`) become marks: everywhere else a string may be something that a program compares.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "rolldown/parseAst";
import { root } from "./house.mjs";

/** Packages that browsers load, lowest first. */
const PACKAGES = ["core", "protocol", "engine", "transport", "client"];
/** What nodes alone load stays as it is: it is only there because an index names it. */
const OF_NODES = /^node\/|(?:^|\/)node\b/;

/** Where the sentences go. */
const TABLE = "const PROSE = {};";

/** Builds all of them. Returns how many sentences there are. */
export function lean() {
  const modules = PACKAGES.flatMap((name) => modulesOf(join(root, "packages", name, "dist")));
  const sentences = [...new Set(modules.flatMap(({ messages }) => messages.map(sentenceOf)))].sort();
  const marks = new Map(sentences.map((sentence, i) => [sentence, i.toString(36)]));
  for (const { dist, path, code, messages } of modules) {
    const file = join(dist, "lean", path);
    mkdirSync(dirname(file), { recursive: true });
    let out = marked(code, messages, marks).replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n");
    if (out.includes(TABLE)) {
      const table = Object.fromEntries(sentences.map((sentence) => [marks.get(sentence), sentence]));
      out = out.replace(TABLE, () => `const PROSE = ${JSON.stringify(table)};`);
    }
    writeFileSync(file, out);
  }
  return sentences.length;
}

function modulesOf(dist) {
  return readdirSync(dist, { recursive: true })
    .filter((path) => path.endsWith(".js") && !path.startsWith("lean"))
    .sort()
    .map((path) => {
      const code = readFileSync(join(dist, path), "utf8");
      return { dist, path, code, messages: OF_NODES.test(path) ? [] : messagesIn(parseAst(code)) };
    });
}

/** Errors, the last argument of which, or the one before, is a message. */
const ERRORS = new Set(
  "InvalidValue LimitExceeded BrokenInvariant Malformed DraftClosed CounterOverflow SynclineError Error".split(
    " ",
  ),
);
/** Functions that are given a message. */
const GIVEN = new Set(["fail", "fault", "refuse", "invalid", "malformed"]);
/** Functions that return one, or undefined. */
const RETURNING = /^(?:check[A-Z]\w*|faultOf|objection|reasonOf)$/;
/** Constants that are one. */
const NAMED = new Set(["reason", "NO_KIND", "EXAMPLE", "TEXT_FRAME", "FRAME_TOO_LARGE"]);
/** What may stand between a message and the place that makes it one. */
const BETWEEN = /^(?:ConditionalExpression|LogicalExpression|TemplateLiteral)$/;

function isMessage(node, above) {
  const text = quasis(node)?.join("$");
  // A word alone may be anything; two are a sentence.
  if (text === undefined || !/[a-z]{2}.* .*[a-z]{2}/i.test(text)) return false;
  if (text.includes("$") && node.type === "Literal") throw new Error(`a message with a $: ${text}`);
  let at = above.length - 1;
  while (at >= 0 && BETWEEN.test(above[at].type)) at--;
  const place = above[at];
  switch (place?.type) {
    case "NewExpression":
      return ERRORS.has(place.callee.name);
    case "CallExpression":
      return GIVEN.has(place.callee.name ?? place.callee.property?.name);
    case "VariableDeclarator":
      return NAMED.has(place.id.name);
    case "ReturnStatement":
      return RETURNING.test(functionAround(above, at)?.id?.name ?? "");
    default:
      return false;
  }
}

function functionAround(above, at) {
  return above.slice(0, at).findLast(({ type }) => /Function/.test(type));
}

/** The fixed parts of a string, undefined for what is none. */
function quasis(node) {
  if (node.type === "Literal" && typeof node.value === "string") return [node.value];
  if (node.type === "TemplateLiteral") return node.quasis.map(({ value }) => value.cooked);
  return undefined;
}

const sentenceOf = (node) => quasis(node).join("$");

/** All messages, those within others too, each before what is in it. */
function messagesIn(tree) {
  const found = [];
  const walk = (node, above) => {
    if (isMessage(node, above)) found.push(node);
    for (const child of Object.values(node)) {
      for (const part of Array.isArray(child) ? child : [child])
        if (typeof part?.type === "string") walk(part, [...above, node]);
    }
  };
  walk(tree, []);
  return found;
}

/** The code with marks in the places of its messages. */
function marked(code, messages, marks) {
  const rewrite = (from, to) => {
    let out = "";
    let at = from;
    for (const message of messages) {
      if (message.start < at || message.end > to) continue;
      out += code.slice(at, message.start) + mark(message);
      at = message.end;
    }
    return out + code.slice(at, to);
  };
  const mark = (message) => {
    const values = (message.expressions ?? []).map(({ start, end }) => `|\${${rewrite(start, end)}}`);
    return `\`«${marks.get(sentenceOf(message))}${values.join("")}»\``;
  };
  return rewrite(0, code.length);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`${lean()} sentences have marks`);
