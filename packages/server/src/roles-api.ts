/**
 * Promotion and demotion over HTTP: `POST /v1/promote` and `POST /v1/demote`, for administrators.
 *
 * The answer comes when the node has its new role, on its disk, or with the reason why it has not. What a promotion could
 * not know to be here is told in words, also when it was forced.
 */
import type { HttpBindings } from "@hono/node-server";
import type { Access, RoleAnswer, SyncNode } from "@syncline/engine";
import { atLevel, type CommitRule, LOCAL, parseRule } from "@syncline/protocol";
import { type Context, Hono } from "hono";
import { authenticateCaller } from "./caller.js";
import { readNumber, readSwitch } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";

type Env = { Bindings: HttpBindings };

/** What both answer. */
export interface RoleChanged {
  readonly node: string;
  readonly role: "master" | "follower";
  /** What may be missing here, in words: empty unless it was forced. */
  readonly doubts: readonly string[];
}

const ALL = { collection: "_syncline", key: "members" };

/** The routes of `/v1/promote` and `/v1/demote`, to be mounted at `/v1`. */
export function rolesApi({
  node,
  access,
  cluster,
}: {
  readonly node: SyncNode;
  readonly access: Access;
  readonly cluster: string;
}): Hono<Env> {
  const app = new Hono<Env>();
  const changing =
    (change: (c: Context<Env>, waitMs: number, answer: (answer: RoleAnswer) => void) => void) =>
    async (c: Context<Env>): Promise<Response> => {
      const who = await authenticateCaller(access, cluster, c.req.header("Authorization"));
      if (!access.authorize(who, ALL, "admin")) throw new Refused("FORBIDDEN", "no right to change roles");
      const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? ROLE_WAIT_MS;
      const answer = await new Promise<RoleAnswer>((resolve) => change(c, waitMs, resolve));
      if (!answer.ok) throw Refused.by(answer.fault);
      const doubts = answer.doubts.map(({ reason }) => reason);
      return jsonAnswer({ node: node.name, role: answer.role, doubts } satisfies RoleChanged);
    };

  app.post(
    "/promote",
    changing((c, waitMs, answer) =>
      node.promote({ rule: readRule(c, node.name), force: readSwitch(c, "force"), waitMs }, answer),
    ),
  );
  app.post(
    "/demote",
    changing((c, waitMs, answer) => node.demote({ force: readSwitch(c, "force"), waitMs }, answer)),
  );
  return app;
}

/** How long it is tried if the caller does not say so. Milliseconds. */
const ROLE_WAIT_MS = 10_000;

function readRule(c: Context<Env>, self: string): CommitRule {
  const text = c.req.query("sync");
  if (text === undefined) return LOCAL;
  const rule = parseRule(text);
  if (typeof rule === "string") throw new Refused("BAD_REQUEST", `?sync=: ${rule}`);
  if ("names" in rule && rule.names.includes(self)) {
    throw new Refused(
      "BAD_REQUEST",
      `?sync=: the rule names ${self}, which is this node itself; name others`,
    );
  }
  return rule.kind === "local" || rule.level !== undefined ? rule : atLevel(rule, "durable");
}
