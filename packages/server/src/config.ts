/**
 * What a server is started with: the settings, checked together, with the files they name read.
 *
 * A mistake is found here, before anything is opened or created.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Topology, WriteFloor, WritePolicy } from "@syncline/engine";
import type { CommitRule, Opening } from "@syncline/protocol";
import { atLevel, parseRule } from "@syncline/protocol";
import { SERVER_LIMITS } from "./limits.js";
import {
  flagOf,
  type Origins,
  partsOfFloor,
  readSettings,
  type SettingSources,
  type Settings,
} from "./settings.js";

export interface ServerConfig {
  readonly port: number;
  readonly host: string;
  /** Undefined: everything is kept in memory. */
  readonly data: string | undefined;
  /** Undefined: the one in the data folder, or made up. */
  readonly name: string | undefined;
  readonly cluster: string;
  readonly role: "master" | "follower";
  readonly rule: CommitRule;
  /** How long a write waits for its commit, unless its caller says otherwise. Milliseconds. */
  readonly visibility: Opening["visibility"];
  readonly syncTimeoutMs: number;
  readonly topology: Topology;
  readonly voter: boolean;
  /** What callers over HTTP wait for at least, and what may stand for what they wish. */
  readonly writes?: WritePolicy;
  /** What is kept for members that are behind, over all streams; undefined: as the limits say. */
  readonly retention?: { readonly bytes: number; readonly records: number };
  readonly follow: readonly string[];
  /** Undefined: made from host and port. */
  readonly advertise: string | undefined;
  readonly secret: Uint8Array | undefined;
  readonly allowOrigins: readonly string[];
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

export type ConfigAnswer =
  | { readonly ok: true; readonly config: ServerConfig }
  /** One line for each mistake. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Reads flags, variables and the configuration file. Touches nothing but the files that are named. */
export function readConfig(sources: Pick<SettingSources, "flags" | "env">): ConfigAnswer {
  const read = readSettings({
    ...sources,
    readFile: (path) => {
      const bytes = readBounded(path, SERVER_LIMITS.configFileBytesMax);
      return typeof bytes === "string" ? bytes : { text: new TextDecoder().decode(bytes) };
    },
  });
  if (!read.ok) return read;
  const { settings, origins } = read;
  const mistakes = [...contradictions(settings, origins)];
  const secret = readSecret(settings, origins);
  if (typeof secret === "string") mistakes.push(secret);
  const rule = readRule(settings);
  if (mistakes.length > 0 || typeof secret === "string" || typeof rule === "string")
    return { ok: false, mistakes };
  const { port, host, name, cluster, role, topology, voter, follow, advertise, allowOrigin, logLevel } =
    settings;
  const data = settings.memory ? undefined : pathOf("data", settings.data, settings, origins);
  return {
    ok: true,
    config: {
      port,
      host,
      data,
      name,
      cluster,
      role,
      rule,
      visibility: settings.visibility ?? "committed",
      syncTimeoutMs: settings.syncTimeout,
      topology,
      voter,
      writes: policyOf(settings),
      retention: { bytes: settings.retentionBytes, records: settings.retentionRecords },
      follow,
      advertise,
      secret,
      allowOrigins: allowOrigin,
      logLevel,
    },
  };
}

function* contradictions(settings: Settings, origins: Origins): Iterable<string> {
  const { role, follow, memory, sync } = settings;
  if (role === "follower" && follow.length === 0) {
    yield `${origins.role} follower: a follower needs somebody to follow; add ${flagOf("follow")} ws://host:port`;
  }
  if (role === "follower" && origins.sync !== undefined) {
    yield `${origins.sync}: a follower takes no writes and has no commit rule; set it on the masters`;
  }
  if (role === "follower" && origins.visibility !== undefined) {
    yield `${origins.visibility}: a follower shows what its masters say; set it on the masters`;
  }
  const rule = parseRule(sync);
  if (
    role === "master" &&
    origins.visibility !== undefined &&
    typeof rule !== "string" &&
    rule.kind === "local"
  ) {
    yield `${origins.visibility}: ${flagOf("sync")} LOCAL commits at once, and shows at once; say with ${flagOf("sync")} who else must have a write`;
  }
  if (role === "master" && origins.syncLevel !== undefined && typeof rule !== "string") {
    if (rule.kind === "local") {
      yield `${origins.syncLevel}: ${flagOf("sync")} LOCAL counts nobody; say with ${flagOf("sync")} who counts, for example 'ANY 1 (f1,f2)'`;
    } else if (rule.level !== undefined) {
      yield `${origins.syncLevel} and ${origins.sync} ${sync}: both say how surely; remove one of the two`;
    }
  }
  if (memory && origins.data !== undefined) {
    yield `${origins.memory} and ${origins.data}: data is kept in memory or in a folder; remove one of the two`;
  }
}

/** `--sync-level` says how surely, unless the rule says so itself. */
function readRule({ sync, syncLevel }: Settings): CommitRule | string {
  const rule = parseRule(sync);
  if (typeof rule === "string" || rule.kind === "local" || rule.level !== undefined) return rule;
  return atLevel(rule, syncLevel);
}

/** Both were checked as texts. */
function policyOf({ floor: given, degradeTo }: Settings): WritePolicy {
  const lesser = degradeTo === undefined ? undefined : parseRule(degradeTo);
  const floors = new Map(
    given.map(partsOfFloor).map(({ collection, level }) => [collection, floorOf(level)] as const),
  );
  const floor = floors.get(undefined);
  const floorsOf = new Map(
    [...floors].flatMap(([name, least]) => (name === undefined ? [] : [[name, least]])),
  );
  return {
    ...(floor && { floor }),
    ...(floorsOf.size > 0 && { floorsOf }),
    ...(lesser === undefined || typeof lesser === "string" ? {} : { degradeTo: lesser }),
  };
}

function floorOf(text: string): WriteFloor {
  if (isLevel(text)) return { level: text };
  const rule = parseRule(text);
  if (typeof rule === "string" || rule.kind === "local") return { level: "received" };
  return { level: "committed", concern: rule };
}

const isLevel = (text: string): text is "received" | "durable" | "committed" =>
  text === "received" || text === "durable" || text === "committed";

function readSecret(settings: Settings, origins: Origins): Uint8Array | undefined | string {
  const { clusterSecretFile } = settings;
  if (clusterSecretFile === undefined) return undefined;
  const path = pathOf("clusterSecretFile", clusterSecretFile, settings, origins);
  const where = `${origins.clusterSecretFile} ${clusterSecretFile}`;
  const bytes = readBounded(path, SERVER_LIMITS.secretBytesMax);
  if (typeof bytes === "string") return `${where}: ${bytes}`;
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  if (end < SERVER_LIMITS.secretBytesMin) {
    return `${where}: has ${end} bytes; a secret has at least ${SERVER_LIMITS.secretBytesMin}: openssl rand -hex 32 > ${clusterSecretFile}`;
  }
  return bytes.slice(0, end);
}

/** Paths in a configuration file are relative to the file, all others to the current folder. */
function pathOf(
  key: "data" | "clusterSecretFile",
  path: string,
  settings: Settings,
  origins: Origins,
): string {
  const isFromFile = origins[key]?.startsWith('"') === true && settings.config !== undefined;
  return resolve(isFromFile ? dirname(settings.config) : ".", path);
}

/** A small file, or the reason why it cannot be read. */
function readBounded(path: string, bytesMax: number): Uint8Array | string {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    if (fstatSync(file).isDirectory()) return "is a folder; name a file";
    const bytes = new Uint8Array(bytesMax + 1);
    let length = 0;
    for (let more = -1; more !== 0 && length < bytes.length; length += more) {
      more = readSync(file, bytes, length, bytes.length - length, null);
    }
    return length > bytesMax ? `is larger than ${bytesMax} bytes` : bytes.slice(0, length);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
    if (code === "EACCES" || code === "EPERM") return "may not be read by this user";
    return `cannot be read: ${error instanceof Error ? error.message : error}`;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
