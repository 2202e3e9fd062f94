/**
 * Everything that is answered over HTTP: health, status, documents, pages.
 *
 * What is refused is thrown as `Refused` and answered here, in one shape. An error that nobody expected is a 500 for
 * this caller, unless it says that the node itself cannot be believed any more.
 */

import type { CopyableStorage, Logger, SyncNode } from "@syncline/engine";
import { CODES } from "@syncline/protocol";
import { Hono } from "hono";
import { backupApi } from "./backup-api.js";
import { authenticateCaller } from "./caller.js";
import { conflictsApi } from "./conflicts-api.js";
import { digestsApi, repairApi } from "./digests-api.js";
import { type DocsContext, docsApi, type Env, isFatal } from "./docs-api.js";
import { ANSWER_HEADERS, jsonAnswer, Refused, refusalAnswer } from "./errors.js";
import type { Guard } from "./guard.js";
import { isReady, readiness } from "./health.js";
import { SERVER_LIMITS } from "./limits.js";
import { Metrics } from "./metrics.js";
import { purgeApi } from "./purge-api.js";
import { TOKEN_HEADER } from "./receipts.js";
import { rolesApi } from "./roles-api.js";
import { schemaApi } from "./schema-api.js";
import type { Site } from "./site.js";
import { STATUS_PAGE, STATUS_PAGE_POLICY } from "./status-page.js";
import { VERSION } from "./version.js";

export interface HttpContext extends DocsContext {
  readonly node: SyncNode;
  readonly storage: CopyableStorage;
  readonly guard: Guard;
  readonly log: Logger;
  readonly isDraining: () => boolean;
  /** What is served at `/`; without it the status page is. */
  readonly site: Site | undefined;
  /** The node cannot be believed any more: the process must end. */
  readonly fatal: (error: Error) => void;
}

export function httpApp(context: HttpContext): Hono<Env> {
  const { node, guard, log } = context;
  const app = new Hono<Env>();
  let inFlight = 0;

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) {
      // Only files of a site say how long they may be kept.
      if (name !== "cache-control" || !c.res.headers.has(name)) c.res.headers.set(name, value);
    }
    c.res.headers.append("Vary", "Origin");
    // The guard has let the request in; a browser wants to be told so before it shows the answer to the page.
    const origin = c.req.header("Origin");
    if (origin === undefined || guard.allowed(origin, c.env.incoming) === undefined) return;
    c.res.headers.set("Access-Control-Allow-Origin", origin);
    c.res.headers.set("Access-Control-Expose-Headers", TOKEN_HEADER);
  });
  app.use(async (_c, next) => {
    if (inFlight >= SERVER_LIMITS.requestsInFlightMax) {
      throw new Refused(
        "OVERLOADED",
        `more than ${SERVER_LIMITS.requestsInFlightMax} requests are being answered`,
      );
    }
    inFlight++;
    try {
      await next();
    } finally {
      inFlight--;
    }
  });

  const { site } = context;
  for (const path of site?.paths ?? []) {
    app.get(path, (c) => site?.answer(path, c.req.raw.headers, node) ?? c.notFound());
  }
  // Without a site it is what there is to see.
  for (const path of ["/status", "/"]) {
    app.get(path, (c) => {
      c.header("Content-Security-Policy", STATUS_PAGE_POLICY);
      return c.html(STATUS_PAGE);
    });
  }

  app.get("/livez", () => jsonAnswer({ live: true }));
  for (const path of ["/readyz", "/healthz"]) {
    app.get(path, (c) => {
      const checks = readiness(node, context.isDraining());
      const ready = isReady(checks);
      const missing = checks.filter(({ ok }) => !ok).map(({ detail }) => detail);
      const body = ready ? { ready } : { ready, missing };
      return jsonAnswer(c.req.query("verbose") === undefined ? body : { ...body, checks }, ready ? 200 : 503);
    });
  }
  app.get("/v1/status", async (c) => {
    // Names and URLs of a cluster are for those who may come in at all.
    await authenticateCaller(context.access, context.cluster, c.req.header("Authorization"));
    const ready = isReady(readiness(node, context.isDraining()));
    return jsonAnswer({ ...node.status(), ready, version: VERSION });
  });
  const metrics = new Metrics(node, () => isReady(readiness(node, context.isDraining())));
  app.get("/metrics", async (c) => {
    await authenticateCaller(context.access, context.cluster, c.req.header("Authorization"));
    return new Response(await metrics.text(), { headers: { "Content-Type": metrics.contentType } });
  });
  app.route("/v1/docs", docsApi(context));
  app.route("/v1/schema", schemaApi(context));
  app.route("/v1/conflicts", conflictsApi(context));
  app.route("/v1/digests", digestsApi(context));
  app.route("/v1/purge", purgeApi(context));
  app.route("/v1/repair", repairApi(context));
  app.route("/v1/backup", backupApi(context));
  app.route("/v1", rolesApi(context));
  app.get("/sync", () => {
    throw new Refused("UPGRADE_REQUIRED", "/sync speaks WebSocket only", {}, { Upgrade: "websocket" });
  });

  app.options("*", (c) => {
    // What a browser asks before a page of another origin may send; whose pages may is decided above.
    c.header("Access-Control-Allow-Methods", "GET, POST, DELETE");
    c.header("Access-Control-Allow-Headers", `Authorization, Content-Type, ${TOKEN_HEADER}`);
    c.header("Access-Control-Max-Age", "600");
    return c.body(null, 204);
  });
  app.all("/v1/docs/:collection/:key", (c) => {
    throw notAllowed(c.req.method, "GET, HEAD, POST, DELETE");
  });
  for (const path of [
    ...(site?.paths ?? ["/"]),
    "/status",
    "/livez",
    "/readyz",
    "/healthz",
    "/metrics",
    "/v1/status",
    "/v1/conflicts",
    "/v1/digests",
    "/v1/docs/:collection",
    "/sync",
  ]) {
    app.all(path, (c) => {
      throw notAllowed(c.req.method, "GET, HEAD");
    });
  }
  for (const path of ["/v1/promote", "/v1/demote", "/v1/retire"]) {
    app.all(path, (c) => {
      throw notAllowed(c.req.method, "POST");
    });
  }
  app.all("/v1/schema", (c) => {
    throw notAllowed(c.req.method, "GET, HEAD, POST");
  });
  app.notFound((c) => {
    const isDocument = /^\/v1\/docs\/[^/]+\/./.test(c.req.path);
    const remedy = isDocument
      ? "A document is /v1/docs/<collection>/<key>; write a slash within a key as %2F."
      : "There are /sync, /status, /livez, /readyz, /healthz, /metrics, /v1/status, /v1/schema, /v1/conflicts and /v1/docs/<collection>/<key>.";
    return answer(new Refused("NOT_FOUND", "there is nothing at this path", { remedy }));
  });
  app.onError((error, c) => answer(error instanceof Refused ? error : unexpected(error, c.req.method)));
  return app;

  function answer(refused: Refused): Response {
    const { status, headers, body } = refusalAnswer(refused);
    return new Response(body, { status, headers });
  }

  function unexpected(error: Error, method: string): Refused {
    log.error("request-failed", { method, error: error.name, reason: error.message, stack: error.stack });
    if (!isFatal(error)) return new Refused("INTERNAL", "the request could not be answered");
    context.fatal(error);
    return new Refused("STORAGE_FAILED", CODES.STORAGE_FAILED.remedy);
  }
}

function notAllowed(method: string, allow: string): Refused {
  return new Refused("METHOD_NOT_ALLOWED", `${method} is not possible here`, {}, { Allow: allow });
}

/** What `GET /v1/status` answers. */
export type StatusAnswer = ReturnType<SyncNode["status"]> & {
  readonly ready: boolean;
  readonly version: string;
};
