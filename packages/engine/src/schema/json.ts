import { LIMITS } from "@syncline/protocol";
import { specText } from "./kinds.js";
import type { Statement } from "./statements.js";
import { parseSpec, TextRefused } from "./text.js";

/** Statements as they come over HTTP: `{"do":"add","collection":"boards","field":"title","is":"register<string>"}`. */
const SHAPES: Readonly<Record<string, readonly string[]>> = {
  create: ["collection"],
  drop: ["collection", "field?"],
  undrop: ["collection", "field?", "as?"],
  rename: ["collection", "field?", "to"],
  add: ["collection", "field", "is"],
  widen: ["collection", "field", "to"],
  minimum: ["version"],
};

/** The statements in parsed JSON, or what is wrong with it. */
export function readStatements(json: unknown): readonly Statement[] | string {
  if (!Array.isArray(json) || json.length === 0) return "a list of statements is expected";
  if (json.length > LIMITS.schemaStatementsMax)
    return `${json.length} statements; up to ${LIMITS.schemaStatementsMax} go together`;
  const statements: Statement[] = [];
  for (const [index, one] of json.entries()) {
    const read = readStatement(one);
    if (typeof read === "string") return `statement ${index}: ${read}`;
    statements.push(read);
  }
  return statements;
}

/** What `readStatements` reads. */
export function statementJson(statement: Statement): object {
  if (statement.do === "add") return { ...statement, is: specText(statement.is) };
  if (statement.do === "widen") return { ...statement, to: specText(statement.to) };
  return statement;
}

function readStatement(json: unknown): Statement | string {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return "a statement is an object";
  const given = new Map<string, unknown>(Object.entries(json));
  const verb = given.get("do");
  const shape = typeof verb === "string" && Object.hasOwn(SHAPES, verb) ? SHAPES[verb] : undefined;
  if (shape === undefined) return `"do" is one of ${Object.keys(SHAPES).join(", ")}`;
  for (const key of given.keys())
    if (key !== "do" && !shape.some((one) => one.replace("?", "") === key))
      return `${verb} has no ${JSON.stringify(key)}; it has ${shape.join(", ")}`;
  for (const key of shape) {
    const name = key.replace("?", "");
    const value = given.get(name);
    if (value === undefined && key.endsWith("?")) continue;
    if (name === "version" ? typeof value !== "number" : typeof value !== "string" || value === "")
      return `${verb} needs ${JSON.stringify(name)}`;
  }
  const statement = Object.fromEntries(given);
  try {
    if (verb === "add") statement.is = parseSpec(String(given.get("is")));
    if (verb === "widen") statement.to = parseSpec(String(given.get("to")));
  } catch (error) {
    if (error instanceof TextRefused) return error.fault.reason;
    throw error;
  }
  return statement as Statement;
}
