import type { Action, Cast } from "./history.js";
import { interleave } from "./history.js";
import type { SeededRandom } from "./random.js";

/**
 * Operators who purge (decision 0053): a document that somebody has deleted, a collection or a field that somebody has
 * dropped. What others do meanwhile is drawn with the rest: they write on, are away, come back with an old disk. Few others
 * write to `gone`, so that all of it goes.
 */
export function insertPurges(actions: Action[], cast: Cast, random: SeededRandom): void {
  if (random.chance(0.4)) return;
  for (let count = 1 + random.integer(3); count > 0; count--) {
    const story = random.chance(0.5) ? ofDocument(cast, random) : ofDropped(cast, random);
    interleave(actions, story, random);
  }
}

/** The fields that histories write to, as a schema says them. */
const FIELDS = [
  { field: "title", kind: "register" },
  { field: "votes", kind: "counter" },
  { field: "tags", kind: "set" },
  { field: "items", kind: "list" },
] as const;

function ofDocument(cast: Cast, random: SeededRandom): Action[] {
  const document = random.pick(["boards/a", "notes/c", "gone/a", "gone/b"]);
  const [node, client] = [purger(cast, random), random.pick(cast.clients)];
  const isRestored = random.chance(0.25) && !cast.left.has("restore");
  const [old] = isRestored ? [random.pick([...cast.masters, ...cast.followers])] : [];
  return [
    ...writes(document, cast, random),
    ...(old === undefined ? [] : [{ kind: "back-up", node: old } as const]),
    ...quiet(random),
    { kind: "life", client, document, what: "delete" },
    pause(random),
    { kind: "purge", node, document },
    pause(random),
    ...(random.chance(0.3) ? writes(document, cast, random) : []),
    ...(random.chance(0.2) ? [{ kind: "life", client, document, what: "undelete" } as const] : []),
    ...(old === undefined
      ? []
      : ([
          { kind: "restore", node: old },
          { kind: "restart", node: old },
        ] as const)),
  ];
}

function ofDropped(cast: Cast, random: SeededRandom): Action[] {
  const [client, node] = [random.pick(cast.clients), purger(cast, random)];
  const collection = random.pick(["boards", "gone", "gone"]);
  const { field, kind } = random.pick(FIELDS);
  const what = { collection, ...(random.chance(0.7) && { field }) };
  const document = random.pick(["a", "b"].map((key) => `${collection}/${key}`));
  const alter = (statement: Extract<Action, { kind: "alter" }>["statement"]): Action => ({
    kind: "alter",
    client,
    statement,
  });
  return [
    alter({ do: "create", collection }),
    alter({ do: "add", collection, field, is: { kind, types: [] } }),
    ...writes(document, cast, random),
    ...quiet(random),
    alter({ do: "drop", ...what }),
    pause(random),
    { kind: "purge-dropped", node, ...what },
    pause(random),
    ...(random.chance(0.3) ? writes(document, cast, random) : []),
    ...(random.chance(0.2) ? [alter({ do: "undrop", ...what })] : []),
  ];
}

function writes(document: string, cast: Cast, random: SeededRandom): Action[] {
  return Array.from({ length: 1 + random.integer(3) }, () => ({
    kind: "write",
    client: random.pick(cast.clients),
    document,
    mutations: cast.drawMutations(random),
  }));
}

/** Most purge when nothing is wrong, and all is there that is to go. */
const quiet = (random: SeededRandom): Action[] => (random.chance(0.6) ? [{ kind: "calm" }] : []);

/** Long enough for everybody to hear of it, mostly. */
const pause = (random: SeededRandom): Action => ({
  kind: "pass",
  ms: random.integer(random.chance(0.3) ? 100 : 4_000),
});

const purger = ({ masters, followers }: Cast, random: SeededRandom): string =>
  random.pick(random.chance(0.9) ? masters : [...masters, ...followers]);
