import type { Draft, ListDraft } from "@syncline/core";
import type { Statement } from "@syncline/engine";
import type { CrashMoment } from "./disk.js";
import { drawPace, type Pace, stretching } from "./pace.js";
import { insertPurges } from "./purge-stories.js";
import { SeededRandom } from "./random.js";
import { insertRules } from "./rule-stories.js";
import type { Question } from "./sessions/callers.js";

/**
 * Histories as data: who is in the cluster, and what happens to it, one action after the other.
 *
 * A history is drawn from a seed, once, before anything runs. So it can be printed, kept in a file, made smaller by
 * leaving actions out, and played again by a later version. An action that makes no sense when its turn comes (a dead
 * node is killed) does nothing.
 */
export interface History {
  readonly seed: number;
  /** What it was kept with, if not with `SeededRandom`: what the network and the disks do depends on it. */
  readonly generator?: "mulberry32";
  readonly masters: readonly {
    name: string;
    follow: readonly string[];
    quorum: number;
    /** Its writes are shown before they are committed. */
    immediate?: boolean;
    /** It is not there from the beginning. */
    late?: boolean;
  }[];
  readonly followers: readonly { name: string; follow: readonly string[]; late?: boolean }[];
  readonly clients: readonly { name: string; nodes: readonly string[] }[];
  /** Of all its nodes one is to be written to (`topology: single-master`). */
  readonly single?: boolean;
  /** Records that nodes keep for each other at most: so few that whoever is away for a moment needs a snapshot. */
  readonly retention?: number;
  readonly actions: readonly Action[];
}

/** What a transaction does: executable from its description alone. */
export type Mutation =
  | { readonly do: "set"; readonly value: number }
  | { readonly do: "clear" }
  | { readonly do: "step"; readonly by: number }
  | { readonly do: "reset" }
  | { readonly do: "add" | "remove"; readonly element: string }
  | { readonly do: "removeAll" }
  /** Indexes are counted round and round, so that they are always there. */
  | { readonly do: "insert"; readonly at: number; readonly value: string }
  | { readonly do: "move"; readonly at: number; readonly to: number }
  | { readonly do: "delete"; readonly at: number };

export type Action =
  | {
      readonly kind: "write";
      readonly client: string;
      readonly document: string;
      readonly mutations: readonly Mutation[];
    }
  /** A document is deleted, or shown again. */
  | {
      readonly kind: "life";
      readonly client: string;
      readonly document: string;
      readonly what: "delete" | "undelete";
    }
  /** A client shows others at a document that it is there, or does not any more. */
  | { readonly kind: "show"; readonly client: string; readonly document: string; readonly isThere: boolean }
  /** A client opens a document that it need never have held. */
  | { readonly kind: "open"; readonly client: string; readonly document: string }
  /** A client changes the schema. */
  | { readonly kind: "alter"; readonly client: string; readonly statement: Statement }
  | ({ readonly kind: "ask"; readonly caller: string } & Question)
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "crash" | "restart" | "join" | "clone"; readonly node: string }
  | { readonly kind: "crash-at-flush"; readonly node: string; readonly moment: CrashMoment }
  /** The master at which this client writes dies, with its disk or without. */
  | { readonly kind: "crash-master" | "lose-master"; readonly client: string }
  | { readonly kind: "pause"; readonly process: string; readonly ms: number }
  | { readonly kind: "cut" | "black-hole" | "one-way" | "heal"; readonly a: string; readonly b: string }
  | { readonly kind: "stall"; readonly a: string; readonly b: string; readonly ms: number }
  | { readonly kind: "narrow"; readonly a: string; readonly b: string; readonly bytesPerMs: number }
  | { readonly kind: "garbage"; readonly a: string; readonly b: string }
  | {
      readonly kind: "weather";
      readonly loss: number;
      readonly duplication: number;
      readonly delayMsMax: number;
    }
  | { readonly kind: "disk-slow"; readonly node: string; readonly flushMsMax: number }
  | { readonly kind: "disk-full" | "flush-fails"; readonly node: string }
  | { readonly kind: "back-up" | "restore" | "flip-bit" | "tear" | "lose-disk"; readonly node: string }
  /** It speaks these versions of the protocol from now on. */
  | { readonly kind: "version"; readonly process: string; readonly min: number; readonly max: number }
  | {
      readonly kind: "clock";
      readonly process: string;
      readonly skewMs: number;
      readonly driftMsPerSecond: number;
    }
  /** An operator gives a node another role; `needed` others of the cluster have to have what it accepts from then on. */
  | { readonly kind: "promote"; readonly node: string; readonly force: boolean; readonly needed: number }
  | { readonly kind: "demote"; readonly node: string; readonly force: boolean }
  /** An operator gives a master's stream another commit rule: so many of these nodes; of none, LOCAL. */
  | {
      readonly kind: "sync";
      readonly node: string;
      readonly rule: "any" | "first";
      readonly needed: number;
      readonly of: readonly string[];
    }
  /** An operator has a node take the content of a deleted document away for good. */
  | { readonly kind: "purge"; readonly node: string; readonly document: string }
  /** The same of a dropped collection, or of the dropped fields of this name. */
  | {
      readonly kind: "purge-dropped";
      readonly node: string;
      readonly collection: string;
      readonly field?: string;
    }
  /** An operator has `by` take a node out of the cluster that is gone, or that he takes for gone. */
  | { readonly kind: "retire"; readonly node: string; readonly by: string; readonly force: boolean }
  /** It loses sight of all other nodes, and they of it; clients may still see it. */
  | { readonly kind: "isolate"; readonly node: string }
  /** It is told to end, and does when its disk has everything and everybody knows. */
  | { readonly kind: "stop"; readonly node: string }
  | { readonly kind: "move" | "close-tab"; readonly client: string }
  | { readonly kind: "offline"; readonly client: string; readonly ms: number }
  /** All faults end, and everybody meets. */
  | { readonly kind: "calm" };

export type ActionKind = Action["kind"];

/** Groups of actions that can be left out of a history by name. */
export const FAULTS = {
  crashes: ["crash", "crash-at-flush", "crash-master", "stop"],
  pauses: ["pause"],
  cuts: ["cut", "black-hole", "one-way"],
  stalls: ["stall", "narrow"],
  garbage: ["garbage"],
  weather: ["weather"],
  disks: ["disk-slow", "disk-full", "flush-fails"],
  losses: ["back-up", "restore", "flip-bit", "tear", "lose-disk", "lose-master"],
  clones: ["clone"],
  versions: ["version"],
  clocks: ["clock"],
  clients: ["move", "close-tab", "offline"],
  roles: ["promote", "demote"],
  retirements: ["retire", "isolate"],
  rules: ["sync"],
  purges: ["purge", "purge-dropped"],
} as const satisfies Record<string, readonly ActionKind[]>;

export type FaultName = keyof typeof FAULTS;

export const isFaultName = (name: string): name is FaultName => Object.hasOwn(FAULTS, name);

const DOCUMENTS = ["boards/a", "boards/b", "notes/c"];

/** Nobody has these open from the beginning. */
const LATE_DOCUMENTS = ["notes/late", "notes/later"];

/** A newer version that still speaks this one, one that does not, and this one. */
const VERSIONS = [
  { min: 1, max: 2 },
  { min: 2, max: 2 },
  { min: 1, max: 1 },
];

const OFFLINE_MS_MAX = 4 * 3_600_000;
/** Now and then so long passes that whoever is offline is so for hours. */
const NIGHT_MS = 2 * 3_600_000;

/** Relative frequencies. What heals is as likely as what breaks, so that histories get somewhere. */
const WEIGHTS: Readonly<Record<ActionKind, number>> = {
  write: 60,
  life: 3,
  alter: 4,
  ask: 15,
  pass: 3,
  crash: 3,
  "crash-at-flush": 3,
  restart: 10,
  join: 2,
  pause: 2,
  cut: 3,
  "black-hole": 3,
  "one-way": 2,
  heal: 10,
  stall: 2,
  narrow: 1,
  garbage: 0.5,
  weather: 2,
  "disk-slow": 2,
  "disk-full": 1,
  "flush-fails": 1,
  "back-up": 1,
  restore: 0.3,
  "flip-bit": 0.3,
  tear: 0.3,
  "lose-disk": 0.3,
  clone: 0.3,
  version: 0.7,
  clock: 1,
  move: 3,
  "close-tab": 0.7,
  offline: 0.5,
  calm: 0.5,
  // Drawn apart, below.
  promote: 0,
  demote: 0,
  stop: 0,
  show: 0,
  open: 0,
  "crash-master": 0,
  "lose-master": 0,
  retire: 0,
  isolate: 0,
  sync: 0,
  purge: 0,
  "purge-dropped": 0,
};

/** What is drawn apart from the rest, which stays what it was when something is added here. */
const PURPOSES = {
  roles: 1,
  stops: 2,
  retention: 3,
  presence: 4,
  late: 5,
  retirements: 6,
  rules: 7,
  purges: 8,
  pace: 9,
} as const;

/** Everything that may happen, so that a batch of histories can be asked whether it did. */
export const ACTION_KINDS = Object.keys(WEIGHTS) as readonly ActionKind[];

/** How many of each there are; drawn, where it is not said. */
export interface Size {
  readonly masters: number;
  readonly followers: number;
  readonly clients: number;
}

/** The history of this seed: the same on every machine. Its pace is drawn, where it is not said. */
export function drawHistory(
  seed: number,
  steps: number,
  without: readonly FaultName[] = [],
  size?: Size,
  pace?: Pace,
): History {
  const random = new SeededRandom(seed);
  const masters = named("m", size?.masters ?? 2 + random.integer(2));
  const followers = named("f", size?.followers ?? 1 + random.integer(2));
  const nodes = [...masters, ...followers];
  const clientCount = size?.clients ?? 2 + random.integer(4);
  const clients = Array.from({ length: clientCount }, (_, index) => ({
    name: `c${index + 1}`,
    nodes: shuffled(random.chance(0.3) ? nodes : masters, random),
  }));
  const left = new Set<ActionKind>(without.flatMap((fault) => FAULTS[fault]));
  const kinds = ACTION_KINDS.filter((kind) => !left.has(kind));
  const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
  const drawKind = (): ActionKind => {
    let dice = random.float() * total;
    for (const kind of kinds) if ((dice -= WEIGHTS[kind]) < 0) return kind;
    return "write";
  };
  const names = { nodes, clients: clients.map((client) => client.name) };
  const pacing = new SeededRandom(seed, PURPOSES.pace);
  const drawnPace = drawPace(pacing);
  const stretch = stretching(pace ?? drawnPace, pacing);
  const actions: Action[] = [];
  for (let step = 0; step < steps; step++) {
    actions.push(drawAction(drawKind(), names, random));
    const times = stretch();
    if (random.chance(0.7)) actions.push({ kind: "pass", ms: random.integer(80) * times });
  }
  if (!left.has("promote")) insertRoles(actions, nodes, new SeededRandom(seed, PURPOSES.roles));
  if (!left.has("stop")) insertStops(actions, nodes, new SeededRandom(seed, PURPOSES.stops));
  if (!left.has("retire"))
    insertRetirements(actions, masters, followers, new SeededRandom(seed, PURPOSES.retirements));
  insertPresence(actions, names.clients, !left.has("close-tab"), new SeededRandom(seed, PURPOSES.presence));
  insertLateOpening(actions, names.clients, left, new SeededRandom(seed, PURPOSES.late));
  const cast = { masters, followers, clients: names.clients, left, drawMutations };
  if (!left.has("sync")) insertRules(actions, cast, new SeededRandom(seed, PURPOSES.rules));
  if (!left.has("purge")) insertPurges(actions, cast, new SeededRandom(seed, PURPOSES.purges));
  const keeping = new SeededRandom(seed, PURPOSES.retention);
  return {
    seed,
    ...(new SeededRandom(seed ^ 0x51461e).chance(0.2) && { single: true }),
    ...(keeping.chance(0.6) ? { retention: keeping.pick([2, 10, 40]) } : {}),
    masters: masters.map((name) => ({
      name,
      follow: masters.filter((other) => other !== name),
      quorum: followers.length > 0 && random.chance(0.4) ? 1 + random.integer(followers.length) : 0,
      immediate: random.chance(0.2),
      late: name !== "m1" && random.chance(0.1),
    })),
    followers: followers.map((name) => ({
      name,
      late: random.chance(0.1),
      // A chain now and then.
      follow: name === "f2" && random.chance(0.3) ? ["f1"] : masters,
    })),
    clients,
    actions,
  };
}

/** Makes the mutations of a description. `items` is a list of the document. */
export function mutateAs(
  draft: Pick<Draft, "register" | "counter" | "set">,
  items: ListDraft,
  mutations: readonly Mutation[],
): void {
  for (const mutation of mutations) {
    switch (mutation.do) {
      case "set":
        draft.register("title").set(mutation.value);
        break;
      case "clear":
        draft.register("title").clear();
        break;
      case "step":
        draft.counter("votes").increment(mutation.by);
        break;
      case "reset":
        draft.counter("votes").reset();
        break;
      case "add":
        draft.set("tags").add(mutation.element);
        break;
      case "remove":
        draft.set("tags").remove(mutation.element);
        break;
      case "removeAll":
        draft.set("tags").clear();
        break;
      case "insert":
      case "move":
      case "delete":
        mutateList(items, mutation);
    }
  }
}

function mutateList(
  items: ListDraft,
  mutation: Extract<Mutation, { do: "insert" | "move" | "delete" }>,
): void {
  const { length } = items;
  if (mutation.do === "insert") items.insert(mutation.at % (length + 1), mutation.value);
  else if (length === 0) return;
  else if (mutation.do === "move") items.move(mutation.at % length, mutation.to % length);
  else items.delete(mutation.at % length);
}

/** Whom stories are about, and how they write. */
export interface Cast {
  readonly masters: readonly string[];
  readonly followers: readonly string[];
  readonly clients: readonly string[];
  /** What does not happen in this history. */
  readonly left: ReadonlySet<ActionKind>;
  readonly drawMutations: (random: SeededRandom) => Mutation[];
}

/** Puts a story in between other actions, from `at` on; the rest goes on between, now and then. */
export function interleave(actions: Action[], story: readonly Action[], random: SeededRandom): void {
  let at = random.integer(actions.length + 1);
  for (const action of story) {
    actions.splice(at, 0, action);
    at = Math.min(actions.length, at + 1 + (random.chance(0.3) ? random.integer(5) : 0));
  }
}

/** One to three mutations, of all types. */
export function drawMutations(random: SeededRandom): Mutation[] {
  return Array.from({ length: 1 + random.integer(3) }, () => drawMutation(random));
}

/** A schema change about few names, so that they meet. */
export function drawStatement(random: SeededRandom): Statement {
  const collection = random.pick(["boards", "cards"]);
  const field = random.pick(["x", "y"]);
  const types = random.chance(0.5) ? ["string"] : ["number", "string"];
  const is = random.chance(0.5) ? { kind: "set", types } : { kind: "counter", types: [] };
  switch (random.integer(8)) {
    case 0:
    case 1:
      return { do: "create", collection };
    case 2:
    case 3:
      return { do: "add", collection, field, is };
    case 4:
      return random.chance(0.5) ? { do: "drop", collection } : { do: "drop", collection, field };
    case 5:
      return random.chance(0.5) ? { do: "undrop", collection } : { do: "undrop", collection, field };
    case 6:
      return { do: "rename", collection, field, to: random.pick(["x", "y", "z"]) };
    default:
      return { do: "widen", collection, field, to: { kind: "set", types: ["number", "string"] } };
  }
}

/** An action on one line, for traces. */
export function describeAction(action: Action): string {
  const { kind, ...fields } = action;
  return `${kind} ${Object.values(fields)
    .map((value) => (typeof value === "object" ? JSON.stringify(value) : value))
    .join(" ")}`;
}

function drawAction(
  kind: ActionKind,
  names: { nodes: readonly string[]; clients: readonly string[] },
  random: SeededRandom,
): Action {
  const everybody = [...names.nodes, ...names.clients];
  switch (kind) {
    case "write":
      return {
        kind,
        client: random.pick(names.clients),
        document: random.pick(DOCUMENTS),
        mutations: drawMutations(random),
      };
    case "life":
      return {
        kind,
        client: random.pick(names.clients),
        document: random.pick(DOCUMENTS),
        what: random.pick(["delete", "undelete"]),
      };
    case "alter":
      return { kind, client: random.pick(names.clients), statement: drawStatement(random) };
    case "ask":
      return {
        kind,
        caller: random.pick(["h1", "h2", "h3"]),
        node: random.pick(names.nodes),
        document: random.pick(DOCUMENTS),
        ...(random.chance(0.3) ? { maxStalenessMs: random.pick([50, 500, 5_000]) } : {}),
        ...(random.chance(0.4) ? { after: random.pick(names.clients) } : {}),
      };
    case "pass":
      return { kind, ms: random.chance(0.005) ? NIGHT_MS : 2_000 + random.integer(15_000) };
    case "pause":
      return { kind, process: random.pick(everybody), ms: 100 + random.integer(20_000) };
    case "cut":
    case "black-hole":
    case "one-way":
    case "heal":
      return { kind, a: random.pick(everybody), b: random.pick(everybody) };
    case "weather":
      return {
        kind,
        loss: random.chance(0.5) ? 0 : 0.02,
        duplication: random.chance(0.5) ? 0 : 0.02,
        delayMsMax: random.pick([5, 5, 50, 500]),
      };
    case "stall":
      return {
        kind,
        a: random.pick(everybody),
        b: random.pick(everybody),
        ms: random.pick([500, 3_000, 9_000, 30_000]),
      };
    case "narrow":
      return {
        kind,
        a: random.pick(everybody),
        b: random.pick(everybody),
        bytesPerMs: random.pick([0.2, 1, 10]),
      };
    case "garbage":
      return { kind, a: random.pick(everybody), b: random.pick(everybody) };
    case "crash-at-flush":
      return { kind, node: random.pick(names.nodes), moment: random.pick(["before", "during", "after"]) };
    case "version":
      return { kind, process: random.pick(everybody), ...random.pick(VERSIONS) };
    case "offline":
      return { kind, client: random.pick(names.clients), ms: random.pick([60_000, 600_000, OFFLINE_MS_MAX]) };
    case "calm":
      return { kind };
    case "disk-slow":
      return { kind, node: random.pick(names.nodes), flushMsMax: random.pick([2, 20, 200, 3_000]) };
    case "clock":
      return {
        kind,
        process: random.pick(everybody),
        skewMs: random.pick([0, -3_600_000, 3_600_000, 200_000, 86_400_000]),
        driftMsPerSecond: random.pick([0, 0, -50, 50]),
      };
    case "show":
      return { kind, client: random.pick(names.clients), document: random.pick(DOCUMENTS), isThere: true };
    case "open":
      return { kind, client: random.pick(names.clients), document: random.pick(LATE_DOCUMENTS) };
    case "move":
    case "close-tab":
    case "crash-master":
    case "lose-master":
      return { kind, client: random.pick(names.clients) };
    case "promote":
      return { kind, node: random.pick(names.nodes), force: random.chance(0.3), needed: 0 };
    case "retire":
      return { kind, node: random.pick(names.nodes), by: random.pick(names.nodes), force: false };
    case "demote":
      return { kind, node: random.pick(names.nodes), force: random.chance(0.3) };
    case "sync":
      return { kind, node: random.pick(names.nodes), rule: "any", needed: 0, of: [] };
    case "purge":
      return { kind, node: random.pick(names.nodes), document: random.pick(DOCUMENTS) };
    case "purge-dropped":
      return { kind, node: random.pick(names.nodes), collection: "boards" };
    default:
      return { kind, node: random.pick(names.nodes) };
  }
}

/** In half of all histories roles change, a few times. */
function insertRoles(actions: Action[], nodes: readonly string[], random: SeededRandom): void {
  if (random.chance(0.5)) return;
  for (let count = 1 + random.integer(4); count > 0; count--) {
    const [node, force] = [random.pick(nodes), random.chance(0.3)];
    const action: Action = random.chance(0.6)
      ? { kind: "promote", node, force, needed: random.chance(0.3) ? 1 : 0 }
      : { kind: "demote", node, force };
    actions.splice(random.integer(actions.length + 1), 0, action);
  }
}

/** In some histories nodes are told to end, and are started again a little later. */
function insertStops(actions: Action[], nodes: readonly string[], random: SeededRandom): void {
  if (random.chance(0.6)) return;
  for (let count = 1 + random.integer(3); count > 0; count--) {
    const node = random.pick(nodes);
    const at = random.integer(actions.length + 1);
    actions.splice(at, 0, { kind: "stop", node });
    actions.splice(at + 1 + random.integer(12), 0, { kind: "restart", node });
  }
}

/** In half of all histories people show themselves, and some vanish while they do. */
function insertPresence(
  actions: Action[],
  clients: readonly string[],
  mayVanish: boolean,
  random: SeededRandom,
): void {
  if (random.chance(0.5)) return;
  for (let count = 3 + random.integer(10); count > 0; count--) {
    const [client, document] = [random.pick(clients), random.pick(DOCUMENTS)];
    const at = random.integer(actions.length + 1);
    const isThere = random.chance(0.8);
    actions.splice(at, 0, { kind: "show", client, document, isThere });
    if (isThere && mayVanish && random.chance(0.3))
      actions.splice(at + 1 + random.integer(20), 0, { kind: "close-tab", client });
  }
}

/**
 * In two of five histories somebody writes to a document that others do not have open, its master dies, and one of the
 * others opens it.
 */
function insertLateOpening(
  actions: Action[],
  clients: readonly string[],
  left: ReadonlySet<ActionKind>,
  random: SeededRandom,
): void {
  if (random.chance(0.6) || clients.length < 2) return;
  for (const document of random.chance(0.5) ? LATE_DOCUMENTS : LATE_DOCUMENTS.slice(1)) {
    const writer = random.pick(clients);
    const reader = random.pick(clients.filter((client) => client !== writer));
    const kind = random.chance(0.4) ? "lose-master" : "crash-master";
    const story: Action[] = [];
    for (let count = 1 + random.integer(4); count > 0; count--) {
      story.push({ kind: "write", client: writer, document, mutations: drawMutations(random) });
      story.push({ kind: "pass", ms: random.integer(random.chance(0.5) ? 40 : 400) });
    }
    if (!left.has(kind)) story.push({ kind, client: writer });
    if (random.chance(0.5)) story.push({ kind: "pass", ms: random.integer(3_000) });
    story.push({ kind: "open", client: reader, document });
    if (random.chance(0.5))
      story.push({ kind: "write", client: reader, document, mutations: drawMutations(random) });
    // The rest goes on between, now and then.
    let at = random.integer(actions.length + 1);
    for (const action of story) {
      actions.splice(at, 0, action);
      at = Math.min(actions.length, at + 1 + (random.chance(0.2) ? random.integer(4) : 0));
    }
  }
}

/**
 * In some histories a node is gone, and another one retires it: it is dead, or only out of sight and takes writes all the
 * while. Some time later it comes back.
 */
function insertRetirements(
  actions: Action[],
  masters: readonly string[],
  followers: readonly string[],
  random: SeededRandom,
): void {
  if (random.chance(0.5)) return;
  for (let count = 1 + random.integer(2); count > 0; count--) {
    const node = random.pick(random.chance(0.8) ? masters : [...masters, ...followers]);
    const others = masters.filter((other) => other !== node);
    if (others.length === 0) return;
    let at = random.integer(actions.length + 1);
    const insert = (...more: Action[]): void => {
      actions.splice(at, 0, ...more);
      at += more.length + random.integer(8);
    };
    insert({ kind: random.chance(0.4) ? "crash" : "isolate", node }, { kind: "pass", ms: 12_000 });
    insert({ kind: "retire", node, by: random.pick(others), force: random.chance(0.15) });
    if (random.chance(0.5)) insert({ kind: "crash", node }, { kind: "restart", node });
    if (random.chance(0.7)) insert({ kind: "restart", node }, ...masters.map(healing(node)));
  }
}

const healing =
  (a: string) =>
  (b: string): Action => ({ kind: "heal", a, b });

function drawMutation(random: SeededRandom): Mutation {
  const element = `e${random.integer(5)}`;
  switch (random.integer(9)) {
    case 0:
    case 1:
      return { do: "add", element };
    case 2:
      return { do: "remove", element };
    case 3:
      return { do: "set", value: random.integer(1_000) };
    case 4:
    case 5:
      return drawStep(random.integer(10), element);
    case 6:
      return { do: "reset" };
    case 7:
      return { do: "clear" };
    default:
      return { do: "removeAll" };
  }
}

/** On a counter or a list. One throw decides, as ever, so that seeds go on naming the histories that they named. */
function drawStep(dice: number, value: string): Mutation {
  if (dice < 5) return { do: "step", by: dice - 2 };
  if (dice < 8) return { do: "insert", at: dice * value.charCodeAt(1), value };
  return dice === 8 ? { do: "move", at: value.charCodeAt(1), to: dice } : { do: "delete", at: dice };
}

const named = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);

function shuffled(items: readonly string[], random: SeededRandom): string[] {
  const rest = [...items];
  const result: string[] = [];
  while (rest.length > 0) result.push(...rest.splice(random.integer(rest.length), 1));
  return result;
}
