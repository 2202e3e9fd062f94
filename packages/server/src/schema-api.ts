/**
 * The schema over HTTP: read it, and change it, by statements or by a file as people write it.
 *
 * A change of the schema is a write like any other: it stands in this master's stream, under its commit rule, and its
 * answer is the receipt. What cannot be is refused before anything is promised.
 */
import type { HttpBindings } from "@hono/node-server";
import {
  type Access,
  type Catalog,
  diffSchema,
  parseSchema,
  readStatements,
  SCHEMA,
  type SchemaDiff,
  type SchemaFile,
  type Statement,
  type SyncNode,
  schemaText,
  specText,
  statementJson,
  statementText,
  TextRefused,
} from "@syncline/engine";
import { encodeToken, LIMITS } from "@syncline/protocol";
import { type Context, Hono } from "hono";
import { authenticateCaller } from "./caller.js";
import { readBody, readNumber, readSwitch, readToken, settled } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";
import { receiptAnswer, receiptOf, TOKEN_HEADER } from "./receipts.js";

type Env = { Bindings: HttpBindings };

export interface SchemaContext {
  readonly node: SyncNode;
  readonly access: Access;
  readonly cluster: string;
  readonly writeWaitMs: number;
}

/** What `GET /v1/schema` answers. */
export interface SchemaAnswer {
  /** As a file would say it. */
  readonly text: string;
  readonly version: number;
  readonly collections: readonly {
    readonly name: string;
    /** What documents are called with. */
    readonly id: string;
    readonly dropped: boolean;
    readonly fields: readonly {
      readonly name: string;
      readonly id: string;
      readonly kind: string;
      readonly is: string;
      readonly dropped: boolean;
    }[];
  }[];
}

/** The routes of `/v1/schema`. */
export function schemaApi({ node, access, cluster, writeWaitMs }: SchemaContext): Hono<Env> {
  const app = new Hono<Env>();
  const authorized = async (c: Context<Env>, right: "read" | "schema"): Promise<void> => {
    const who = await authenticateCaller(access, cluster, c.req.header("Authorization"));
    if (!access.authorize(who, SCHEMA, right)) {
      throw new Refused("FORBIDDEN", `no right to ${right === "read" ? "read" : "change"} the schema`);
    }
  };

  app.get("/", async (c) => {
    await authorized(c, "read");
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? LIMITS.readWaitMs;
    await settled((answer) => node.whenReadable({ token: readToken(c), waitMs }, answer));
    const headers = { [TOKEN_HEADER]: encodeToken(node.visibleVector()) };
    return jsonAnswer(schemaAnswer(node.catalog()), 200, headers);
  });

  app.post("/", async (c) => {
    await authorized(c, "schema");
    const closed = node.refusesWrites();
    const isDryRun = readSwitch(c, "dryRun");
    if (closed !== undefined && !isDryRun) throw Refused.by(closed);
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? writeWaitMs;
    const token = readToken(c);
    const body = await readBody(c);
    await settled((answer) => node.whenReadable({ token, waitMs }, answer));
    const { statements, drops } = statementsOf(body, node.catalog());
    const plan = {
      statements: statements.map(statementJson),
      text: statements.map(statementText),
      drops: drops.map(statementJson),
      dropsText: drops.map(statementText),
    };
    if (isDryRun) return jsonAnswer(plan);
    const options = { level: "committed" as const, waitMs, token };
    return receiptAnswer(await receiptOf((answer) => node.alterSchema(statements, options, answer)), plan);
  });
  return app;
}

function schemaAnswer(catalog: Catalog): SchemaAnswer {
  return {
    text: schemaText(catalog),
    version: catalog.minimum,
    collections: catalog.collections.map(({ key, id, dropped, fields }) => ({
      name: key,
      id,
      dropped,
      fields: fields.map((field) => ({
        name: field.key,
        id: field.id,
        kind: field.kind,
        is: specText(field),
        dropped: field.dropped,
      })),
    })),
  };
}

/** A body is a list of statements, or `{"schema": "collection boards { … }", "drop": true}`. */
function statementsOf(body: unknown, catalog: Catalog): Pick<SchemaDiff, "statements" | "drops"> {
  if (typeof body === "object" && body !== null && "schema" in body) {
    const { schema, drop = false } = body as { schema: unknown; drop?: unknown };
    if (typeof schema !== "string" || typeof drop !== "boolean")
      throw new Refused("BAD_REQUEST", '"schema" is the text of a schema, and "drop" is true or false');
    const { statements, drops, faults } = diffSchema(catalog, parsed(schema));
    const [fault] = faults;
    if (fault !== undefined)
      throw new Refused("SCHEMA_CONFLICT", `line ${fault.line}, column ${fault.column}: ${fault.reason}`, {
        faults,
      });
    return drop ? { statements: [...statements, ...drops], drops: [] } : { statements, drops };
  }
  const statements: readonly Statement[] | string = readStatements(body);
  if (typeof statements === "string") throw new Refused("BAD_REQUEST", statements);
  return { statements, drops: [] };
}

function parsed(text: string): SchemaFile {
  try {
    return parseSchema(text);
  } catch (error) {
    if (!(error instanceof TextRefused)) throw error;
    throw new Refused("BAD_REQUEST", error.message, { faults: [error.fault] });
  }
}
