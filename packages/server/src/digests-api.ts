/**
 * Digests of documents over HTTP, so that nodes can be compared.
 *
 * Of each document two: of which changes it holds, and of its state. The state is a function of the changes, whatever
 * their order, so two nodes that hold the same changes of a document and differ in its state are apart; one of them
 * is damaged. Two that hold different changes are so too, if both show the same vector; otherwise one is behind.
 */
import { createHash } from "node:crypto";
import type { Document } from "@syncline/core";
import { documentId } from "@syncline/core";
import type { SyncNode } from "@syncline/engine";
import { encodeToken, LIMITS } from "@syncline/protocol";
import { Hono } from "hono";
import { admitAdmin, type Gate } from "./caller.js";
import { type Env, readDocument, readNumber } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";

/** What `GET /v1/digests` answers. */
export interface DigestsAnswer {
  readonly node: string;
  /** What this node shows, opaque: equal on two nodes if they show the same. */
  readonly vector: string;
  readonly documents: readonly { readonly id: string; readonly changes: string; readonly state: string }[];
  /** The last document looked at; null if there are no more. */
  readonly next: string | null;
}

/** The right to see them all. */
const KEY = "digests";

export function digestsApi({ node, ...gate }: Gate & { readonly node: SyncNode }): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/", async (c) => {
    await admitAdmin(gate, c.req.header("Authorization"), { key: KEY, purpose: "compare nodes" });
    const limit = readNumber(c, "limit", 1, LIMITS.pageKeysMax) ?? LIMITS.pageKeysMax;
    const one = readDocument(c, "document");
    const names = one === undefined ? node.namesAfter(readDocument(c, "after"), limit) : [one];
    const documents = names.flatMap((name) => {
      const document = node.documentFromDisk(name);
      return document === undefined ? [] : [{ id: documentId(name), ...digestsOf(document) }];
    });
    const last = one === undefined && names.length === limit ? names.at(-1) : undefined;
    return jsonAnswer({
      node: node.name,
      vector: encodeToken(node.visibleVector()),
      documents,
      next: last === undefined ? null : documentId(last),
    } satisfies DigestsAnswer);
  });
  return app;
}

/** `POST /v1/repair`: this node takes everything anew from another one. */
export function repairApi({ node, ...gate }: Gate & { readonly node: SyncNode }): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/", async (c) => {
    await admitAdmin(gate, c.req.header("Authorization"), { key: KEY, purpose: "repair nodes" });
    const refused = node.repair();
    if (refused !== undefined) throw new Refused(refused.code, refused.reason);
    return jsonAnswer({ node: node.name, repairing: true }, 202);
  });
  return app;
}

function digestsOf(document: Document): { readonly changes: string; readonly state: string } {
  const seen = [...document.seen()].sort((a, b) => a.author - b.author);
  return {
    changes: digest(seen.map(({ author, counter }) => `${author}:${counter}`).join()),
    state: digest(document.encodeState()),
  };
}

const digest = (what: string | Uint8Array): string =>
  createHash("sha256").update(what).digest("hex").slice(0, 32);
