/**
 * `POST /v1/purge?document=boards/a`: takes the content of a deleted document away for good. `GET` says whether this node
 * still has anything of it: each node answers for itself, and for nobody else.
 */
import { type DocumentName, documentId } from "@syncline/core";
import type { PurgeState, SyncNode } from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { type Context, Hono } from "hono";
import { namedCollection } from "./by-schema.js";
import { authenticateCaller, type Gate } from "./caller.js";
import { type Env, readDocument, readNumber, readToken, settled } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";
import { countDropped, droppedTargets, purgeDropped } from "./purge-dropped.js";
import { receiptAnswer, receiptOf } from "./receipts.js";

/** What `GET /v1/purge` answers. */
export interface PurgeAnswer extends PurgeState {
  readonly node: string;
}

export function purgeApi({
  node,
  access,
  cluster,
  writeWaitMs,
}: Gate & { readonly node: SyncNode; readonly writeWaitMs: number }): Hono<Env> {
  const app = new Hono<Env>();
  const named = async (c: Context<Env>, usualMs: number): Promise<{ name: DocumentName; waitMs: number }> => {
    const who = await authenticateCaller(access, cluster, c.req.header("Authorization"));
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? usualMs;
    const called = readDocument(c, "document");
    if (called === undefined) throw new Refused("BAD_REQUEST", "?document= says which: collection/key");
    await settled((answer) => node.whenReadable({ token: readToken(c), waitMs }, answer));
    const name = { ...called, collection: namedCollection(node.catalog(), called.collection, "write").id };
    if (!access.authorize(who, name, "admin"))
      throw new Refused("FORBIDDEN", `no right to purge ${name.collection}/${name.key}`);
    return { name, waitMs };
  };

  /** With `?collection=`: what was dropped of it, and who may purge. */
  const dropped = async (c: Context<Env>, collection: string) => {
    const who = await authenticateCaller(access, cluster, c.req.header("Authorization"));
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? LIMITS.readWaitMs;
    await settled((answer) => node.whenReadable({ token: readToken(c), waitMs }, answer));
    const permit = (name: DocumentName): void => {
      if (!access.authorize(who, name, "admin"))
        throw new Refused("FORBIDDEN", `no right to purge ${documentId(name)}`);
    };
    permit({ collection, key: "*" });
    return { permit, targets: droppedTargets(node.catalog(), collection, c.req.query("field")) };
  };

  app.get("/", async (c) => {
    const collection = c.req.query("collection");
    if (collection !== undefined) {
      const { permit, targets } = await dropped(c, collection);
      return countDropped(c, node, targets, permit);
    }
    const { name } = await named(c, LIMITS.readWaitMs);
    return jsonAnswer({ node: node.name, ...node.purgeState(name) } satisfies PurgeAnswer);
  });

  app.post("/", async (c) => {
    const closed = node.refusesWrites();
    if (closed !== undefined) throw Refused.by(closed);
    const collection = c.req.query("collection");
    if (collection !== undefined) {
      const { permit, targets } = await dropped(c, collection);
      const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? writeWaitMs;
      return await purgeDropped(c, node, targets, permit, waitMs);
    }
    const { name, waitMs } = await named(c, writeWaitMs);
    const { state } = node.purgeState(name);
    if (state === "unknown") throw new Refused("NOT_FOUND", "there is no such document");
    // It is done once, and nothing is left that could be taken away.
    if (state !== "present") return jsonAnswer({ outcome: "committed", change: null, nodes: [node.name] });
    const options = { level: "committed" as const, waitMs, token: readToken(c) };
    return receiptAnswer(await receiptOf((answer) => node.purge(name, options, answer)));
  });
  return app;
}
