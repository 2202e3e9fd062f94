/**
 * Promotion, demotion and retirement over HTTP: `POST /v1/promote`, `POST /v1/demote` and `POST /v1/retire?node=NAME`, for
 * administrators; and another commit rule for a master that runs, `POST /v1/sync?sync=RULE`.
 *
 * The answer comes when it is done, on the node's disk, or with the reason why it is not. What a promotion or a retirement
 * could not know to be here is told in words, also when it was forced.
 */
import { MEMBERS, type RetirementAnswer, type RoleAnswer, type SyncNode } from "@syncline/engine";
import {
  atLevel,
  type CommitRule,
  type Fault,
  LOCAL,
  parseRule,
  RULE_FORMS,
  ruleText,
} from "@syncline/protocol";
import { type Context, Hono } from "hono";
import { admitAdmin, type Gate } from "./caller.js";
import { type Env, readNumber, readSwitch } from "./docs-api.js";
import { jsonAnswer, Refused } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";

/** What both answer. */
export interface RoleChanged {
  readonly node: string;
  readonly role: "master" | "follower";
  /** What may be missing here, in words: empty unless it was forced. */
  readonly doubts: readonly string[];
}

/** What `/v1/retire` answers. */
export interface NodeRetired {
  /** The one that was retired. */
  readonly node: string;
  /** The master that has seen to it. */
  readonly by: string;
  /** How many of its streams were closed, by this retirement or before. */
  readonly streams: number;
  /** What may lie beyond their ends, in words: empty unless it was forced. */
  readonly doubts: readonly string[];
}

/** What `POST /v1/sync` answers. */
export interface RuleChanged {
  readonly node: string;
  readonly rule: string;
  /** Nodes that the rule names, and that are no members: it may be a mistake, or they are still to come. */
  readonly unknown: readonly string[];
}

/** The routes of `/v1/promote`, `/v1/demote`, `/v1/retire` and `/v1/sync`, to be mounted at `/v1`. */
export function rolesApi({ node, ...gate }: Gate & { readonly node: SyncNode }): Hono<Env> {
  const app = new Hono<Env>();
  const changing =
    (change: (c: Context<Env>, waitMs: number, answer: (answer: RoleAnswer) => void) => void) =>
    async (c: Context<Env>): Promise<Response> => {
      await admitAdmin(gate, c.req.header("Authorization"), { key: MEMBERS.key, purpose: "change roles" });
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
  app.post("/retire", async (c) => {
    await admitAdmin(gate, c.req.header("Authorization"), { key: MEMBERS.key, purpose: "retire nodes" });
    const name = c.req.query("node");
    if (name === undefined || name === "")
      throw new Refused("BAD_REQUEST", "?node=: name the node to retire");
    const waitMs = readNumber(c, "timeoutMs", 1, SERVER_LIMITS.waitMsMax) ?? ROLE_WAIT_MS;
    const force = readSwitch(c, "force");
    const answer = await new Promise<RetirementAnswer>((resolve) =>
      node.retire(name, { force, waitMs }, resolve),
    );
    if (!answer.ok) throw Refused.by(answer.fault);
    const doubts = answer.doubts.map(({ reason }) => reason);
    return jsonAnswer({
      node: name,
      by: node.name,
      streams: answer.ends.size,
      doubts,
    } satisfies NodeRetired);
  });

  app.post("/sync", async (c) => {
    await admitAdmin(gate, c.req.header("Authorization"), {
      key: MEMBERS.key,
      purpose: "change commit rules",
    });
    if (c.req.query("sync") === undefined)
      throw new Refused("BAD_REQUEST", `?sync= is a commit rule: ${RULE_FORMS}`);
    const rule = readRule(c, node.name);
    const refused = await new Promise<Fault | undefined>((resolve) => node.changeRule(rule, resolve));
    if (refused !== undefined) throw Refused.by(refused);
    const members = new Set(node.status().nodes.map((member) => member.node));
    const unknown = "names" in rule ? rule.names.filter((name) => !members.has(name)) : [];
    return jsonAnswer({ node: node.name, rule: ruleText(rule), unknown } satisfies RuleChanged);
  });
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
