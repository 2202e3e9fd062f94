/**
 * Every setting of a server, in one table.
 *
 * From a row derive the flag (`--cluster-secret-file`), the environment variable (`SYNCLINE_CLUSTER_SECRET_FILE`),
 * the key of the configuration file (`clusterSecretFile`), the help text, the default and the check. A flag goes
 * before a variable, a variable before the file, the file before the default. A message of a check begins with what
 * to write, so that with the name and the value before it the line says everything.
 */

import type { Topology } from "@syncline/engine";
import { type Level, LIMITS, type Opening, parseRule, RULE_FORMS } from "@syncline/protocol";
import * as v from "valibot";
import { SERVER_LIMITS } from "./limits.js";
import { nearest } from "./nearest.js";
import { printable } from "./printable.js";

export interface Setting<T> {
  /** What stands for the value in the help; undefined for a switch. */
  readonly value: string | undefined;
  /** May be given several times; in a variable, separated by commas. */
  readonly repeatable?: true;
  /** Cannot stand in the configuration file. */
  readonly notInFile?: true;
  readonly help: string;
  /** The default, in words, where it is not a plain value. */
  readonly fallbackText?: string;
  readonly fallback: T;
  readonly schema: v.GenericSchema<unknown, T>;
}

const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const NAME_HINT = `write 1 to ${LIMITS.nameBytesMax} letters, digits, "-", "_" or ".", beginning with a letter or digit`;

/** Why this cannot be the name of a node or a cluster, or undefined if it can. */
export const checkName = (name: string): string | undefined =>
  NAME_FORM.test(name) && name.length <= LIMITS.nameBytesMax ? undefined : NAME_HINT;

const DURATION_HINT = "write a duration, for example 500ms, 10s or 2m";

function durationMs(text: string): number {
  const [, count = "0", unit = "ms"] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  return Number(count) * { ms: 1, s: 1_000, m: 60_000 }[unit as "ms" | "s" | "m"];
}

const SIZE_HINT = "write a size, for example 500mb or 2gb";

function sizeBytes(text: string): number {
  const [, count = "0", unit = "b"] = /^(\d+)(b|kb|mb|gb)?$/i.exec(text) ?? [];
  return (
    Number(count) *
    { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 }[unit.toLowerCase() as "b" | "kb" | "mb" | "gb"]
  );
}

const RECORDS_HINT = "write how many records, for example 1000000";

export const SETTINGS = {
  port: setting({
    value: "number",
    help: "the one port for everything: clients, nodes, HTTP; 0 picks a free one",
    fallback: 1234,
    schema: v.pipe(
      v.union([v.string(), v.number()], PORT_HINT()),
      v.transform(String),
      v.regex(/^\d{1,5}$/, PORT_HINT()),
      v.transform(Number),
      v.maxValue(65_535, PORT_HINT()),
    ),
  }),
  host: setting({
    value: "name",
    help: "what to listen on; localhost is 127.0.0.1 and ::1",
    fallback: "localhost",
    schema: text("write a host name or an address, for example localhost", /^[A-Za-z0-9_.:[\]-]{1,253}$/),
  }),
  data: setting({
    value: "folder",
    help: "where everything is kept; created if it is missing",
    fallback: "./syncline-data",
    schema: text("write the path of a folder", /^[^\0]+$/),
  }),
  memory: setting({
    value: undefined,
    help: "keep everything in memory instead: nothing survives the process",
    fallback: false,
    schema: v.pipe(
      v.union([v.boolean(), v.picklist(["true", "false", "1", "0"])], "write true or false"),
      v.transform((given) => given === true || given === "true" || given === "1"),
    ),
  }),
  name: setting<string | undefined>({
    value: "name",
    help: "name of this node, for ever",
    fallbackText: "made up once and kept in the data folder",
    fallback: undefined,
    schema: nameText(),
  }),
  cluster: setting({
    value: "name",
    help: "name of the cluster; only nodes of one cluster talk to each other",
    fallback: "default",
    schema: nameText(),
  }),
  role: setting<"master" | "follower">({
    value: "role",
    help: "master: takes writes. follower: follows, serves readers, refuses writes",
    fallback: "master",
    schema: v.picklist(["master", "follower"], "write master or follower"),
  }),
  follow: setting<readonly string[]>({
    value: "url",
    repeatable: true,
    help: "an upstream to follow, for example ws://localhost:1235; repeatable",
    fallback: [],
    schema: list(nodeUrl()),
  }),
  advertise: setting<string | undefined>({
    value: "url",
    help: "URL under which others reach this node",
    fallbackText: "ws://<host>:<port>",
    fallback: undefined,
    schema: nodeUrl(),
  }),
  clusterSecretFile: setting<string | undefined>({
    value: "file",
    help: "file with the secret that nodes of the cluster prove to each other",
    fallback: undefined,
    schema: text("write the path of a file", /^[^\0]+$/),
  }),
  sync: setting({
    value: "rule",
    help: "commit rule of a master: LOCAL, or a quorum: 'ANY 1 (f1,f2)', 'FIRST 1 (f1,f2)', 'ALL (f1,f2)', MAJORITY, ALL",
    fallback: "LOCAL",
    schema: v.pipe(
      v.string(RULE_FORMS),
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        const wrong = checkRule(dataset.value);
        if (wrong !== undefined) addIssue({ message: wrong });
      }),
    ),
  }),
  syncLevel: setting<Level>({
    value: "level",
    help: "how surely a node must have a write to count for --sync: received, durable or applied",
    fallback: "durable",
    schema: v.picklist(["received", "durable", "applied"], "write received, durable or applied"),
  }),
  visibility: setting<Opening["visibility"] | undefined>({
    value: "when",
    help: "when readers see a write of a master with a quorum: committed, or immediate (then only its caller waits)",
    fallbackText: "committed",
    fallback: undefined,
    schema: v.picklist(["immediate", "committed"], "write immediate or committed"),
  }),
  syncTimeout: setting({
    value: "duration",
    help: "how long a write waits for its commit before it is answered as unconfirmed, for example 500ms or 10s",
    fallbackText: "10s",
    fallback: LIMITS.writeWaitMs,
    schema: v.pipe(
      v.union([v.string(), v.number()], DURATION_HINT),
      v.transform(String),
      v.regex(/^\d{1,7}(ms|s|m)$/, DURATION_HINT),
      v.transform(durationMs),
      v.maxValue(SERVER_LIMITS.waitMsMax, `at most ${SERVER_LIMITS.waitMsMax} ms`),
      v.minValue(1, DURATION_HINT),
    ),
  }),
  topology: setting<Topology>({
    value: "which",
    help: "multi-master, or single-master: one member takes writes, a promotion moves that; the same on all nodes",
    fallback: "multi-master",
    schema: v.picklist(["multi-master", "single-master"], "write multi-master or single-master"),
  }),
  voter: setting({
    value: "yes|no",
    help: "whether this node counts in MAJORITY and ALL",
    fallbackText: "yes",
    fallback: true,
    schema: v.pipe(
      v.union([v.boolean(), v.picklist(["yes", "no", "true", "false"])], "write yes or no"),
      v.transform((given) => given === true || given === "yes" || given === "true"),
    ),
  }),
  floor: setting<readonly string[]>({
    value: "level",
    repeatable: true,
    help: "what callers over HTTP wait for at least: received, durable, committed, or a quorum such as 'ANY 1 (f1,f2)'; repeatable, boards=durable for one collection",
    fallbackText: "received",
    fallback: [],
    schema: floors(),
  }),
  degradeTo: setting<string | undefined>({
    value: "rule",
    help: "what stands for a caller's wish for a quorum that is not met in time: LOCAL, or a lesser quorum. The answer says so",
    fallbackText: "nothing: the write is unconfirmed",
    fallback: undefined,
    schema: ruleSetting("write LOCAL or a quorum", []),
  }),
  retentionBytes: setting({
    value: "size",
    help: "records kept for members that are behind, at most so many bytes; beyond it they get snapshots. For example 500mb or 2gb",
    fallbackText: "1gb",
    fallback: LIMITS.retentionBytesMax,
    schema: v.pipe(
      v.union([v.string(), v.number()], SIZE_HINT),
      v.transform(String),
      v.regex(/^\d{1,12}(b|kb|mb|gb)?$/i, SIZE_HINT),
      v.transform(sizeBytes),
      v.maxValue(2 ** 50, SIZE_HINT),
    ),
  }),
  retentionRecords: setting({
    value: "number",
    help: "the same, in records",
    fallback: LIMITS.retentionRecordsMax,
    schema: v.pipe(
      v.union([v.string(), v.number()], RECORDS_HINT),
      v.transform(String),
      v.regex(/^\d{1,15}$/, RECORDS_HINT),
      v.transform(Number),
    ),
  }),
  allowOrigin: setting<readonly string[]>({
    value: "origin",
    repeatable: true,
    help: "a site whose pages may connect, for example https://app.example; repeatable. Pages of this host and of localhost always may",
    fallback: [],
    schema: list(origin()),
  }),
  config: setting<string | undefined>({
    value: "file",
    notInFile: true,
    help: "JSON file with any of these settings; paths in it are relative to it",
    fallback: undefined,
    schema: text("write the path of a JSON file", /^[^\0]+$/),
  }),
  logLevel: setting<"debug" | "info" | "warn" | "error">({
    value: "level",
    help: "debug, info, warn or error",
    fallback: "info",
    schema: v.picklist(["debug", "info", "warn", "error"], "write debug, info, warn or error"),
  }),
} as const;

export type SettingKey = keyof typeof SETTINGS;
export type Settings = { readonly [Key in SettingKey]: v.InferOutput<(typeof SETTINGS)[Key]["schema"]> };

/** From where each value came, as a message names it: `--port`, `SYNCLINE_PORT`, `"port" in server.json`. */
export type Origins = { readonly [Key in SettingKey]: string | undefined };

export const SETTING_KEYS = Object.keys(SETTINGS).filter(isSettingKey);

export const flagOf = (key: SettingKey): string =>
  `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export const variableOf = (key: SettingKey): string =>
  `SYNCLINE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

export interface SettingSources {
  /** What the command line says, by key; absent if it says nothing. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the configuration file. Returns a reason, a string, if it cannot. */
  readonly readFile: (path: string) => { readonly text: string } | string;
}

export type SettingsAnswer =
  | { readonly ok: true; readonly settings: Settings; readonly origins: Origins }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Collects and checks every setting. Each mistake is one line. */
export function readSettings(sources: SettingSources): SettingsAnswer {
  const mistakes: string[] = [...unknownVariables(sources.env)];
  const given = new Map<SettingKey, { from: string; raw: unknown }>();
  const take = (key: SettingKey, from: string, raw: unknown): void => {
    if (raw !== undefined && !given.has(key)) given.set(key, { from, raw });
  };
  for (const key of SETTING_KEYS) {
    take(key, flagOf(key), sources.flags[key]);
    // An empty variable is the usual way of not setting one.
    const variable = sources.env[variableOf(key)];
    if (variable !== undefined && variable !== "") take(key, variableOf(key), variable);
  }
  const file = given.get("config");
  if (file !== undefined) {
    const read = readConfigFile(String(file.raw), sources.readFile);
    if (typeof read === "string") mistakes.push(`${file.from} ${file.raw}: ${read}`);
    else {
      for (const [key, raw] of Object.entries(read)) {
        if (isSettingKey(key) && !("notInFile" in SETTINGS[key])) take(key, `"${key}" in ${file.raw}`, raw);
        else mistakes.push(unknownKey(key, String(file.raw)));
      }
    }
  }

  const settings: Record<string, unknown> = {};
  const origins: Record<string, string | undefined> = {};
  for (const key of SETTING_KEYS) {
    const { fallback, schema } = SETTINGS[key];
    const source = given.get(key);
    origins[key] = source?.from;
    if (source === undefined) {
      settings[key] = fallback;
      continue;
    }
    const result = v.safeParse(schema, source.raw);
    if (result.success) settings[key] = result.output;
    else
      mistakes.push(
        `${source.from}${shown(source.raw, result.issues[0].input)}: ${explained(key, source, result.issues[0].message)}`,
      );
  }
  // Every key of the table has been filled in above, checked by its own schema.
  return mistakes.length > 0
    ? { ok: false, mistakes }
    : { ok: true, settings: settings as Settings, origins: origins as Origins };
}

// ---- schemas ----

function setting<T>(row: Setting<T>): Setting<T> {
  return row;
}

function text(hint: string, form: RegExp): v.GenericSchema<unknown, string> {
  return v.pipe(v.string(hint), v.regex(form, hint));
}

function nameText(): v.GenericSchema<unknown, string> {
  return v.pipe(
    v.string(NAME_HINT),
    v.check((name) => checkName(name) === undefined, NAME_HINT),
  );
}

/** A rule, or one of these words. */
function ruleSetting(hint: string, words: readonly string[]): v.GenericSchema<unknown, string | undefined> {
  return v.pipe(
    v.string(hint),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || words.includes(dataset.value)) return;
      const wrong = checkRule(dataset.value);
      if (wrong !== undefined) addIssue({ message: `${hint}; ${wrong}` });
    }),
  );
}

/** One floor, several, or several with semicolons between them; each of one collection or of all others. */
function floors(): v.GenericSchema<unknown, readonly string[]> {
  const hint =
    "write received, durable, committed or a quorum; for one collection with its name before it, boards=durable";
  const item = v.pipe(
    v.string(hint),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { collection, level } = partsOfFloor(dataset.value);
      if (collection === "") addIssue({ message: hint });
      if (["received", "durable", "committed"].includes(level)) return;
      const wrong = checkRule(level);
      if (wrong !== undefined) addIssue({ message: `${hint}; ${wrong}` });
    }),
  );
  return v.pipe(
    v.unknown(),
    v.transform((given) => (typeof given === "string" ? given.split(/;\s*/) : given)),
    v.array(item, hint),
  );
}

/** `boards` and `durable` of `boards=durable`; no collection if the floor is for all that have none of their own. */
export function partsOfFloor(text: string): {
  readonly collection: string | undefined;
  readonly level: string;
} {
  const at = text.indexOf("=");
  return at < 0
    ? { collection: undefined, level: text }
    : { collection: text.slice(0, at), level: text.slice(at + 1) };
}

function PORT_HINT(): string {
  return "write a whole number from 0 to 65535; 0 picks a free port";
}

/** One value, several, or several in one text. */
function list(item: v.GenericSchema<unknown, string>): v.GenericSchema<unknown, readonly string[]> {
  return v.pipe(
    v.unknown(),
    v.transform((given) =>
      Array.isArray(given) ? given : typeof given === "string" ? given.split(/[\s,]+/) : [given],
    ),
    v.transform((items: unknown[]) => items.filter((one) => one !== "")),
    v.array(item),
    v.transform((items) => [...new Set(items)]),
  );
}

/** The URL of a node, without a path: `ws://host:port`. */
function nodeUrl(): v.GenericSchema<unknown, string> {
  const hint = "write the URL of a node, for example ws://localhost:1234";
  return v.pipe(
    v.string(hint),
    v.maxLength(LIMITS.urlBytesMax, `${hint}, of at most ${LIMITS.urlBytesMax} characters`),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const url = URL.canParse(dataset.value) ? new URL(dataset.value) : undefined;
      const isNode =
        url !== undefined &&
        /^wss?:$/.test(url.protocol) &&
        url.username === "" &&
        url.password === "" &&
        url.search === "" &&
        url.hash === "" &&
        (url.pathname === "/" || url.pathname === "/sync");
      if (isNode) return `${url.protocol}//${url.host}`;
      addIssue({ message: hint });
      return NEVER;
    }),
  );
}

/** An origin as browsers write it: scheme, host, port if it is not the scheme's. */
function origin(): v.GenericSchema<unknown, string> {
  const hint = "write an origin, for example https://app.example";
  return v.pipe(
    v.string(hint),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const url = URL.canParse(dataset.value) ? new URL(dataset.value) : undefined;
      const given = dataset.value.toLowerCase().replace(/\/$/, "");
      if (
        url !== undefined &&
        /^https?:$/.test(url.protocol) &&
        [url.origin, `${url.origin}:${url.port}`].includes(given)
      ) {
        return url.origin;
      }
      addIssue({ message: hint });
      return NEVER;
    }),
  );
}

function checkRule(rule: string): string | undefined {
  const parsed = parseRule(rule);
  if (typeof parsed === "string") return parsed;
  if (parsed.kind !== "any" && parsed.kind !== "first") return undefined;
  for (const name of parsed.names) {
    const wrong = checkName(name);
    if (wrong !== undefined) return `"${name}" is no node's name; ${wrong}`;
  }
  return undefined;
}

// ---- sources ----

function readConfigFile(
  path: string,
  readFile: SettingSources["readFile"],
): Record<string, unknown> | string {
  const read = readFile(path);
  if (typeof read === "string") return read;
  let parsed: unknown;
  try {
    parsed = JSON.parse(read.text);
  } catch (error) {
    return `is not JSON: ${error instanceof Error ? error.message.replace(/\s+/g, " ") : error}`;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return 'is not a JSON object; write for example {"port": 1234}';
  }
  return { ...parsed };
}

function unknownKey(key: string, file: string): string {
  const keys = SETTING_KEYS.filter((known) => !("notInFile" in SETTINGS[known]));
  return `"${printable(key)}" in ${file}: there is no such key; ${meant(nearest(key, keys), `the keys are ${keys.join(", ")}`)}`;
}

/** Orchestrators set variables of these forms for a service that is named syncline. */
const SERVICE_VARIABLE = /^SYNCLINE_(SERVICE_|PORT_\d+_)/;
/** For other commands than `serve`. */
const OTHER_VARIABLES = ["SYNCLINE_URL"];

function* unknownVariables(env: SettingSources["env"]): Iterable<string> {
  const known = [...SETTING_KEYS.map(variableOf), ...OTHER_VARIABLES];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("SYNCLINE_") || value === undefined || value === "") continue;
    if (known.includes(name) || SERVICE_VARIABLE.test(name)) continue;
    yield `${printable(name)}: there is no such variable; ${meant(nearest(name, known), "see `syncline serve --help`")}`;
  }
}

const meant = (suggestion: string | undefined, otherwise: string): string =>
  suggestion === undefined ? otherwise : `did you mean ${suggestion}?`;

/** The value that is wrong, for a message; of a list the item. */
function shown(raw: unknown, issueInput: unknown): string {
  const value = typeof issueInput === "string" ? issueInput : raw;
  const written = typeof value === "string" ? printable(value) : JSON.stringify(value);
  return ` ${written === "" ? '""' : written.length > 80 ? `${written.slice(0, 80)}…` : written}`;
}

function explained(key: SettingKey, source: { from: string; raw: unknown }, hint: string): string {
  const isService =
    key === "port" && source.from === variableOf("port") && String(source.raw).startsWith("tcp://");
  return isService
    ? `${hint}. (Kubernetes sets this for a service named syncline: enableServiceLinks: false)`
    : hint;
}

function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key);
}
