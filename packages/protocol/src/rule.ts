import type { ByteReader, ByteWriter } from "@syncline/core";
import { Malformed, toUtf8 } from "@syncline/core";
import { isLevel, LEVELS, type Level } from "./level.js";
import { LIMITS } from "./limits.js";

/**
 * Which nodes must have a position, and how surely, before it counts: the words of PostgreSQL's synchronous standbys.
 *
 * - `any`: k of the named nodes, whichever.
 * - `first`: the first k of the named nodes that are connected, in this order; the others are spares.
 * - `some`: k of the cluster's voters, whichever.
 * - `majority`: more than half of the cluster's voters, the origin included if it votes.
 * - `all`: every voter.
 *
 * `level` says how surely a node must have a position to count; without it `durable`. The origin never counts among
 * named nodes: it has every position anyway. `ALL (a,b)` is the `any` in which every
 * named node is needed.
 */
export type Quorum =
  | {
      readonly kind: "any" | "first";
      readonly needed: number;
      readonly names: readonly string[];
      readonly level?: Level;
    }
  | { readonly kind: "some"; readonly needed: number; readonly level?: Level }
  | { readonly kind: "majority" | "all"; readonly level?: Level };

/**
 * The commit rule of a stream: what must hold before one of its positions counts as committed.
 *
 * It stands in the stream's opening record, so that everybody who follows the stream applies the same rule.
 * `LOCAL` is asynchronous replication.
 */
export type CommitRule = { readonly kind: "local" } | Quorum;

export const LOCAL: CommitRule = { kind: "local" };

export const levelOf = (quorum: Quorum): Level => quorum.level ?? "durable";

/** The same quorum at this level. */
export function atLevel(quorum: Quorum, level: Level): Quorum {
  const { level: _, ...rest } = quorum;
  return level === "durable" ? rest : { ...rest, level };
}

// On the wire and on disk for ever: never renumber, never reuse.
const TAGS = { local: 0, any: 1, first: 2, majority: 3, all: 4, some: 6 } as const;
/** Before a rule whose level is not `durable`: this tag and the level. */
const TAG_LEVEL = 5;

export function writeRule(out: ByteWriter, rule: CommitRule): void {
  if (rule.kind !== "local" && levelOf(rule) !== "durable") {
    out.byte(TAG_LEVEL);
    out.byte(LEVELS.indexOf(levelOf(rule)));
  }
  out.byte(TAGS[rule.kind]);
  if ("needed" in rule) out.uint(rule.needed);
  if (!("names" in rule)) return;
  out.uint(rule.names.length);
  for (const name of rule.names) out.text(name);
}

/** Throws `Malformed`. */
export function readRule(input: ByteReader): CommitRule {
  const tag = input.byte();
  if (tag !== TAG_LEVEL) return readAtDurable(input, tag);
  const level = LEVELS[input.byte()];
  const rule = readAtDurable(input, input.byte());
  if (level === undefined || level === "durable" || rule.kind === "local") {
    throw new Malformed("a commit rule with an impossible level");
  }
  return atLevel(rule, level);
}

function readAtDurable(input: ByteReader, tag: number): CommitRule {
  if (tag === TAGS.local) return LOCAL;
  if (tag === TAGS.majority) return { kind: "majority" };
  if (tag === TAGS.all) return { kind: "all" };
  if (tag !== TAGS.any && tag !== TAGS.first && tag !== TAGS.some) {
    throw new Malformed(`unknown commit rule ${tag}`);
  }
  const needed = input.uint();
  if (tag === TAGS.some) {
    if (needed < 1 || needed > LIMITS.membersMax) throw new Malformed("impossible commit rule");
    return { kind: "some", needed };
  }
  const count = input.count(LIMITS.ruleNamesMax, 2);
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(input.text(LIMITS.nameBytesMax));
  if (needed < 1 || needed > count || new Set(names).size !== count)
    throw new Malformed("impossible commit rule");
  return { kind: tag === TAGS.any ? "any" : "first", needed, names };
}

/** The rule as operators write it, the inverse of `parseRule`; its level behind it unless that is `durable`. */
export function ruleText(rule: CommitRule): string {
  if (rule.kind === "local") return "LOCAL";
  const level = levelOf(rule) === "durable" ? "" : ` ${levelOf(rule)}`;
  const word = rule.kind.toUpperCase();
  if (rule.kind === "some") return `ANY ${rule.needed}${level}`;
  if (rule.kind !== "any" && rule.kind !== "first") return `${word}${level}`;
  const isAll = rule.kind === "any" && rule.needed === rule.names.length;
  return `${isAll ? "ALL" : `${word} ${rule.needed}`} (${rule.names.join(",")})${level}`;
}

export const RULE_FORMS =
  "write LOCAL, ANY 2 (f1,f2,f3), FIRST 1 (f1,f2), ALL (f1,f2), ANY 2, MAJORITY or ALL, and perhaps a level behind it";

/**
 * Reads `LOCAL`, `ANY 2 (f1,f2,f3)`, `FIRST 1 (f1,f2)`, `ALL (f1,f2)`, `ANY 2`, `MAJORITY` or `ALL`, a
 * quorum perhaps with `received`, `durable` or `applied` behind it. Returns a reason, a string, when the text is none of them.
 */
export function parseRule(text: string): CommitRule | string {
  if (/^\s*LOCAL\s*$/i.test(text)) return LOCAL;
  const [, whole, word = "durable"] = /^(.*?)(?:\s*\b(received|durable|applied)\s*)?$/is.exec(text) ?? [];
  const quorum = parseQuorum(whole ?? "");
  const level = word.toLowerCase();
  return typeof quorum === "string" || !isLevel(level) ? quorum : atLevel(quorum, level);
}

function parseQuorum(text: string): Quorum | string {
  const voters = /^\s*(MAJORITY|ALL)\s*$/i.exec(text)?.[1]?.toLowerCase();
  if (voters === "majority" || voters === "all") return { kind: voters };
  const some = /^\s*ANY\s+(\d{1,4})\s*$/i.exec(text)?.[1];
  if (some !== undefined) {
    const isPossible = Number(some) >= 1 && Number(some) <= LIMITS.membersMax;
    return isPossible ? { kind: "some", needed: Number(some) } : `from 1 to ${LIMITS.membersMax} nodes`;
  }
  const match = /^\s*(?:(ALL)|(ANY|FIRST)\s+(\d{1,4}))\s*\(([^()]*)\)\s*$/i.exec(text);
  if (match === null) return RULE_FORMS;
  const names = (match[4] ?? "").split(",").map((name) => name.trim());
  if (names.some((name) => name === "")) return `a name is missing; ${RULE_FORMS}`;
  const long = names.find((name) => toUtf8(name).length > LIMITS.nameBytesMax);
  if (long !== undefined) return `a name has at most ${LIMITS.nameBytesMax} bytes: "${long}"`;
  if (names.length > LIMITS.ruleNamesMax) return `at most ${LIMITS.ruleNamesMax} names`;
  if (new Set(names).size !== names.length) return "a node is named twice, it would count once";
  const needed = match[1] === undefined ? Number(match[3]) : names.length;
  if (needed < 1) return "at least one node must be needed; write LOCAL for asynchronous replication";
  if (needed > names.length) return `${needed} nodes are needed, but only ${names.length} are named`;
  return { kind: match[2]?.toLowerCase() === "first" ? "first" : "any", needed, names };
}
