/**
 * Documents over HTTP: list, read, write.
 *
 * Every answer carries a `Syncline-Token`; who sends one back sees at least what that answer showed. A write is one
 * change, whole or not at all, and its answer is the receipt: 200 when it is committed, 202 when it is not yet.
 */
import type { HttpBindings } from "@hono/node-server";
import {
  BrokenInvariant,
  CounterOverflow,
  checkDocumentName,
  type Document,
  type DocumentName,
  type Draft,
  documentId,
  readDocumentId,
  type Vector,
} from "@syncline/core";
import {
  type Access,
  arranged,
  type CatalogCollection,
  OpFault,
  type ReadOptions,
  type SyncNode,
  type WriteOptions,
  type WriteReceipt,
} from "@syncline/engine";
import { decodeToken, encodeToken, type Fault, LIMITS, parseRule } from "@syncline/protocol";
import { type Context, Hono } from "hono";
import { namedCollection, opsBySchema } from "./by-schema.js";
import { authenticateCaller } from "./caller.js";
import { jsonAnswer, Refused } from "./errors.js";
import { toJson } from "./json.js";
import { SERVER_LIMITS } from "./limits.js";
import { nearest } from "./nearest.js";
import { type Op, playOps, readOps, refusedOp } from "./ops.js";
import { printable } from "./printable.js";
import { receiptAnswer, receiptOf, TOKEN_HEADER } from "./receipts.js";

export type Env = { Bindings: HttpBindings };

export interface DocsContext {
  readonly node: SyncNode;
  readonly access: Access;
  readonly cluster: string;
  /** How long a write waits unless its caller says. Milliseconds. */
  readonly writeWaitMs: number;
}

const WRITE_PARAMETERS = ["ack", "failFast", "timeoutMs"];
const READ_PARAMETERS = ["after", "consistency", "limit", "maxStalenessMs", "timeoutMs"];

/** The routes below `/v1/docs`. */
export function docsApi({ node, access, cluster, writeWaitMs }: DocsContext): Hono<Env> {
  const app = new Hono<Env>();
  // A word that is ignored would promise what nobody keeps.
  app.use(async (c, next) => {
    const known = c.req.method === "POST" || c.req.method === "DELETE" ? WRITE_PARAMETERS : READ_PARAMETERS;
    for (const name of Object.keys(c.req.query())) {
      if (known.includes(name)) continue;
      const near = nearest(name, known);
      const hint =
        near === undefined
          ? `there are ${known.map((one) => `?${one}=`).join(", ")}`
          : `did you mean ?${near}=?`;
      throw new Refused("BAD_REQUEST", `there is no ?${printable(name)}= here; ${hint}`);
    }
    await next();
  });
  const whoAsks = (c: Context<Env>) => authenticateCaller(access, cluster, c.req.header("Authorization"));

  app.get("/:collection", async (c) => {
    const who = await whoAsks(c);
    const collection = namesInPath(c)[0] ?? "";
    checked({ collection, key: "a" });
    const limit = readNumber(c, "limit", 1, LIMITS.pageKeysMax) ?? LIMITS.pageKeysMax;
    const after = c.req.query("after");
    if (after !== undefined) checked({ collection, key: after });
    await readable(node, readOptions(c));
    const { id } = namedCollection(node.catalog(), collection, "read");
    const page = node.keys(id, after, limit + 1);
    const keys = page.slice(0, limit);
    const shown = keys.filter((key) => access.authorize(who, { collection: id, key }, "read"));
    const next = page.length > limit ? (keys.at(-1) ?? null) : null;
    return jsonAnswer({ keys: shown, next }, 200, { [TOKEN_HEADER]: encodeToken(node.visibleVector()) });
  });

  app.get("/:collection/:key", async (c) => {
    const who = await whoAsks(c);
    const called = documentName(c);
    const options = readOptions(c);
    await readable(node, options);
    const { id, schema } = namedCollection(node.catalog(), called.collection, "read");
    const name = { collection: id, key: called.key };
    if (!access.authorize(who, name, "read"))
      throw new Refused("FORBIDDEN", `no right to read ${documentId(name)}`);
    const { answer, token } = await read(node, name, options, schema);
    if (isMajorityWanted(c)) await held(node, token, options.waitMs);
    const headers = { [TOKEN_HEADER]: encodeToken(token) };
    if (answer === undefined)
      throw new Refused("NOT_FOUND", `there is no document ${documentId(name)}`, {}, headers);
    return jsonAnswer(answer, 200, headers);
  });

  app.post("/:collection/:key", async (c) => {
    const who = await whoAsks(c);
    const called = documentName(c);
    const closed = node.refusesWrites();
    if (closed !== undefined) throw Refused.by(closed);
    const acknowledgement = readAcknowledgement(c);
    const failFast = readSwitch(c, "failFast");
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? writeWaitMs;
    const token = readToken(c);
    const asked = await readBody(c);
    await readable(node, { token, waitMs });
    const { id, schema } = namedCollection(node.catalog(), called.collection, "write");
    const name = { collection: id, key: called.key };
    if (!access.authorize(who, name, "write"))
      throw new Refused("FORBIDDEN", `no right to write ${documentId(name)}`);
    const ops = readOps(opsBySchema(schema, asked));
    const receipt = await write(node, name, ops, { ...acknowledgement, failFast, waitMs, token });
    const { degraded, lacking } = receipt;
    // Who waits in vain is told what for, and how far it is.
    return receiptAnswer(receipt, { ...(degraded && { degraded }), ...lacking });
  });

  /** Hides the document, or shows it again: writes like all others. */
  const life = async (c: Context<Env>, mutate: (draft: Draft) => void) => {
    const who = await whoAsks(c);
    const called = documentName(c);
    const closed = node.refusesWrites();
    if (closed !== undefined) throw Refused.by(closed);
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? writeWaitMs;
    const token = readToken(c);
    await readable(node, { token, waitMs });
    const name = { ...called, collection: namedCollection(node.catalog(), called.collection, "write").id };
    if (!access.authorize(who, name, "write"))
      throw new Refused("FORBIDDEN", `no right to write ${documentId(name)}`);
    const options = { ...readAcknowledgement(c), failFast: readSwitch(c, "failFast"), waitMs, token };
    const receipt = await receiptOf((answer) =>
      node.transact(name, mutate, { ...options, asIs: true }, answer),
    );
    return receiptAnswer(receipt);
  };
  app.delete("/:collection/:key", (c) => life(c, (draft) => draft.deleteDocument()));
  app.post("/:collection/:key/restore", (c) => life(c, (draft) => draft.restoreDocument()));

  return app;
}

// ---- the node, as promises ----

function readable(node: SyncNode, options: ReadOptions): Promise<void> {
  return settled((answer) => node.whenReadable(options, answer));
}

/** A majority of the cluster has everything up to this vector on its disks. */
function held(node: SyncNode, vector: Vector, waitMs: number): Promise<void> {
  return settled((answer) => node.whenHeld(vector, { kind: "majority" }, waitMs, answer));
}

export function settled(wait: (answer: (failed: Fault | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    wait((failed) => (failed === undefined ? resolve() : reject(Refused.by(failed))));
  });
}

/** The document belongs to the node and is turned into JSON at once; undefined if there is none. */
function read(
  node: SyncNode,
  name: DocumentName,
  options: ReadOptions,
  schema: CatalogCollection | undefined,
): Promise<{ answer: object | undefined; token: Vector }> {
  return new Promise((resolve, reject) => {
    node.read(name, options, (answer) => {
      if (!answer.ok) {
        reject(Refused.by(answer.fault));
        return;
      }
      try {
        const { document } = answer;
        resolve({
          answer: document === undefined || document.isDeleted ? undefined : jsonOf(document, schema),
          token: new Map(answer.token),
        });
      } catch (error) {
        reject(error);
      }
    });
  });
}

function jsonOf(document: Document, schema: CatalogCollection | undefined): object {
  try {
    const kinds = document.kinds();
    return {
      value: toJson(arranged(schema, document.toJSON(), kinds)),
      kinds: arranged(schema, kinds, kinds),
    };
  } catch (error) {
    if (!(error instanceof CounterOverflow)) throw error;
    throw new Refused("COUNTER_OVERFLOW", `${documentId(document.name)}: ${error.message}`);
  }
}

function write(
  node: SyncNode,
  name: DocumentName,
  ops: readonly Op[],
  options: WriteOptions & { readonly token: Vector },
): Promise<WriteReceipt> {
  return new Promise((resolve, reject) => {
    let wrong: OpFault | undefined;
    const mutate = (draft: Parameters<Parameters<SyncNode["transact"]>[1]>[0]): void => {
      try {
        playOps(ops, draft);
      } catch (error) {
        if (error instanceof OpFault) wrong = error;
        throw error;
      }
    };
    node.transact(name, mutate, options, (answer) => {
      if (answer.ok) resolve(answer.receipt);
      else if (wrong !== undefined) reject(refusedOp(wrong.index, wrong.field, wrong.reason));
      else reject(Refused.by(answer.fault));
    });
  });
}

// ---- the request ----

/** The names after `/v1/docs/`, each decoded once. What a framework decodes may be decoded twice. */
function namesInPath(c: Context<Env>): string[] {
  const path = (c.env.incoming.url ?? "").split("?", 1)[0] ?? "";
  const names = path.split("/").slice(3).map(decoded);
  // URLs take these away together with what stands before them, so the path that was routed is another one.
  if (names.includes(".") || names.includes("..")) {
    throw new Refused(
      "BAD_REQUEST",
      'a path has no steps "." or ".."; documents with these keys cannot be named in a URL',
    );
  }
  return names;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refused("BAD_REQUEST", "the path is not percent-encoded UTF-8");
  }
}

function documentName(c: Context<Env>): DocumentName {
  const [collection = "", key = ""] = namesInPath(c);
  return checked({ collection, key });
}

function checked(name: DocumentName): DocumentName {
  const wrong = checkDocumentName(name);
  if (wrong !== undefined) {
    throw new Refused("BAD_REQUEST", wrong, { remedy: "Correct the collection or the key in the path." });
  }
  return name;
}

export function readToken(c: Context<Env>): Vector {
  const text = c.req.header(TOKEN_HEADER);
  if (text === undefined) return new Map();
  const token = decodeToken(text);
  if (!token.ok) throw new Refused("INVALID_TOKEN", `${TOKEN_HEADER}: ${token.fault.reason}`);
  return token.value;
}

function readOptions(c: Context<Env>): ReadOptions {
  const maxStalenessMs = readNumber(c, "maxStalenessMs", 0, 999_999_999);
  return {
    token: readToken(c),
    waitMs: readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? LIMITS.readWaitMs,
    ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
  };
}

function isMajorityWanted(c: Context<Env>): boolean {
  const text = c.req.query("consistency") ?? "local";
  if (text !== "local" && text !== "majority") {
    throw new Refused("BAD_REQUEST", "?consistency= is local or majority");
  }
  return text === "majority";
}

/** The document that a parameter names as `collection/key`, as ids in answers do. */
export function readDocument(c: Context<Env>, parameter: string): DocumentName | undefined {
  const text = c.req.query(parameter);
  if (text === undefined) return undefined;
  const name = readDocumentId(text);
  const wrong = checkDocumentName(name);
  if (wrong !== undefined) throw new Refused("BAD_REQUEST", `?${parameter}= is collection/key: ${wrong}`);
  return name;
}

export function readNumber(c: Context<Env>, name: string, min: number, max: number): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max)) {
    throw new Refused("BAD_REQUEST", `?${name}= is a whole number from ${min} to ${max}`);
  }
  return number;
}

/** `?ack=`: how far the write must get at this master, or a quorum of others that must have it besides. */
function readAcknowledgement(c: Context<Env>): Pick<WriteOptions, "level" | "concern"> {
  const text = c.req.query("ack") ?? "committed";
  if (text === "received" || text === "durable" || text === "committed") return { level: text };
  const rule = text.length > LIMITS.ruleBytesMax ? "this is too long" : parseRule(text);
  if (typeof rule === "string" || rule.kind === "local") {
    const hint = "?ack= is received, durable, committed or a quorum, for example ANY 1 (f1,f2)";
    throw new Refused("BAD_REQUEST", typeof rule === "string" ? `${hint}; ${rule}` : hint);
  }
  return { level: "committed", concern: rule };
}

export function readSwitch(c: Context<Env>, name: string): boolean {
  const text = c.req.query(name) ?? "false";
  if (text !== "true" && text !== "false" && text !== "") {
    throw new Refused("BAD_REQUEST", `?${name}= is true or false`);
  }
  return text !== "false";
}

export async function readBody(c: Context<Env>): Promise<unknown> {
  const type = c.req.header("Content-Type") ?? "";
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)) {
    throw new Refused(
      "UNSUPPORTED_MEDIA_TYPE",
      type === "" ? "the body has no Content-Type" : "the body is not application/json",
    );
  }
  const bytes = await readBytes(c.req.raw.body, SERVER_LIMITS.bodyBytesMax);
  try {
    // Fatal: bytes that are no text would otherwise be stored as replacement characters.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? `the body is not JSON: ${error.message}` : "the body is not UTF-8";
    throw new Refused("MALFORMED_OP", reason, { remedy: "Send JSON." });
  }
}

async function readBytes(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (let chunk = await reader?.read(); chunk?.value !== undefined; chunk = await reader?.read()) {
    length += chunk.value.length;
    if (length > bytesMax) {
      await reader?.cancel();
      throw new Refused("LIMIT_EXCEEDED", `the body is larger than ${bytesMax} bytes`);
    }
    chunks.push(chunk.value);
  }
  return Buffer.concat(chunks);
}

/** Errors after which nothing that this process says can be believed. */
export const isFatal = (error: unknown): error is Error =>
  error instanceof BrokenInvariant ||
  (error instanceof Error && "code" in error && error.code === "DAMAGED_STORE");
