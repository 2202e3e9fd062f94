/** Conflicts over HTTP: which values were hidden by a resolution, and writing one of them again. */
import type { Conflict } from "@syncline/core";
import { readDocumentId } from "@syncline/core";
import type { Access, SyncNode } from "@syncline/engine";
import { encodeToken, LIMITS } from "@syncline/protocol";
import { type Context, Hono } from "hono";
import { authenticateCaller } from "./caller.js";
import { type Env, readDocument, readNumber, readToken, settled } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";
import { toJson } from "./json.js";
import { SERVER_LIMITS } from "./limits.js";
import { receiptAnswer, receiptOf, TOKEN_HEADER } from "./receipts.js";

/** A conflict, as `GET /v1/conflicts` tells of it. */
export interface ConflictJson {
  readonly id: string;
  readonly type: string;
  readonly document: string;
  readonly field: string;
  readonly winner: ConflictSideJson;
  readonly losers: readonly ConflictSideJson[];
  /** `author:counter` of all that take part. */
  readonly dots: readonly string[];
  /** ISO 8601; null where its types keep no time. */
  readonly at: string | null;
}

export interface ConflictSideJson {
  readonly value?: unknown;
  readonly kind?: string;
  readonly dot: string;
}

/** The routes below `/v1/conflicts`. */
export function conflictsApi(context: {
  readonly node: SyncNode;
  readonly access: Access;
  readonly cluster: string;
  readonly writeWaitMs: number;
}): Hono<Env> {
  const { node, access, cluster, writeWaitMs } = context;
  const app = new Hono<Env>();
  const whoAsks = (c: Context<Env>) => authenticateCaller(access, cluster, c.req.header("Authorization"));
  const found = async (c: Context<Env>): Promise<readonly Conflict[]> => {
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? LIMITS.readWaitMs;
    await settled((answer) => node.whenReadable({ token: readToken(c), waitMs }, answer));
    return node.conflictList(readDocument(c, "document"));
  };

  app.get("/", async (c) => {
    const who = await whoAsks(c);
    const conflicts = (await found(c)).filter(({ document }) =>
      access.authorize(who, readDocumentId(document), "read"),
    );
    const headers = { [TOKEN_HEADER]: encodeToken(node.visibleVector()) };
    return jsonAnswer({ conflicts: conflicts.map(conflictJson) }, 200, headers);
  });

  app.post("/:id/restore", async (c) => {
    const who = await whoAsks(c);
    const closed = node.refusesWrites();
    if (closed !== undefined) throw Refused.by(closed);
    const id = c.req.param("id");
    const conflict = (await found(c)).find((one) => one.id === id);
    if (conflict === undefined) {
      const remedy = "`syncline conflicts` lists those that there are; the oldest are let go.";
      throw new Refused("NOT_FOUND", "there is no conflict with this id", { remedy });
    }
    if (!access.authorize(who, readDocumentId(conflict.document), "write"))
      throw new Refused("FORBIDDEN", `no right to write ${conflict.document}`);
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? writeWaitMs;
    const options = { level: "committed" as const, waitMs, token: readToken(c) };
    return receiptAnswer(await receiptOf((answer) => node.restore(conflict, options, answer)));
  });
  return app;
}

function conflictJson({ id, type, document, field, winner, losers, dots, at }: Conflict): ConflictJson {
  return {
    id,
    type,
    document,
    field,
    winner: sideJson(winner),
    losers: losers.map(sideJson),
    dots: dots.map(({ author, counter }) => `${author}:${counter}`),
    at: at === 0 ? null : new Date(at).toISOString(),
  };
}

function sideJson({ value, kind, dot }: Conflict["winner"]): ConflictSideJson {
  return {
    ...(value === undefined ? {} : { value: toJson(value) }),
    ...(kind === undefined ? {} : { kind }),
    dot: `${dot.author}:${dot.counter}`,
  };
}
