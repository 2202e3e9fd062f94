import { connect, type Database } from "@syncline/client";
import { text } from "@syncline/text";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { type Server, Servers, startBoth, until } from "../processes/server.js";
import { type Recording, recording } from "./recording.js";

/** Recordings typed as text: each person's editor shows what it showed then, and what is typed goes through a bound Y.Doc. */
const servers = new Servers();
const [m1, m2, f1] = ["m1", "m2", "f1"].map((name) => servers.server(name)) as [Server, Server, Server];

/** Set when there is something to be played. */
let isNeeded = false;

beforeAll(async () => {
  if (!isNeeded) return;
  await startBoth(m1, m2);
  await f1.start(["--role", "follower", "--follow", m1.url, "--follow", m2.url]);
});

afterAll(() => servers.end());

/** What one transaction did, and how far its author's Yjs client was then. */
interface Typed {
  readonly update: Uint8Array;
  readonly client: number;
  readonly clock: number;
}

/** One person's editor: a Y.Doc that is shown only what the person had seen at that moment. */
class Editor {
  readonly doc = new Y.Doc();
  readonly #seen = new Set<number>();
  #last: Uint8Array | undefined;

  constructor(
    private readonly recorded: Recording,
    readonly agent: number,
  ) {
    this.doc.clientID = agent + 1;
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === this) this.#last = update;
    });
  }

  /** Transactions of others that this one builds on and that are not on the screen yet, oldest first. */
  missing(index: number): number[] {
    const found: number[] = [];
    const stack = [...this.recorded.txns[index]!.parents];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (this.#seen.has(next)) continue;
      this.#seen.add(next);
      if (this.recorded.txns[next]!.agent !== this.agent) found.push(next);
      stack.push(...this.recorded.txns[next]!.parents);
    }
    return found.sort((a, b) => a - b);
  }

  show({ update }: Typed): void {
    Y.applyUpdate(this.doc, update);
  }

  type(index: number): Typed {
    this.#seen.add(index);
    const shown = this.doc.getText("story");
    this.#last = undefined;
    this.doc.transact(() => {
      for (const [position, deleted, inserted] of this.recorded.txns[index]!.patches) {
        if (deleted > 0) shown.delete(position, deleted);
        if (inserted !== "") shown.insert(position, inserted);
      }
    }, this);
    const update = this.#last ?? new Uint8Array([0, 0]);
    return { update, client: this.doc.clientID, clock: Y.getState(this.doc.store, this.doc.clientID) };
  }
}

/** Of what one person typed alone the first few minutes are played, unless all of it is asked for: half an hour. */
const IS_WHOLE = process.env.SYNCLINE_WHOLE !== undefined;
const BEGINNING = IS_WHOLE ? undefined : 5_000;

interface Played {
  readonly name: string;
  /** Of one person: two take turns at it, of so many transactions. */
  readonly turn?: number;
}

const PLAYED: readonly Played[] = [
  { name: "friendsforever" },
  { name: "clownschool" },
  { name: "sveltecomponent", turn: 500 },
  { name: "automerge-paper", turn: 500 },
];

for (const { name, turn } of PLAYED) {
  const recorded = recording(name);
  isNeeded ||= recorded !== undefined;
  const first = turn === undefined ? undefined : BEGINNING;
  const all = recorded && (turn === undefined ? recorded : inTurns(recorded, turn));
  const played = all && first !== undefined ? beginningOf(all, first) : all;
  const part =
    first === undefined ? "" : `, the first ${first} transactions (all of them with SYNCLINE_WHOLE=1)`;
  test.skipIf(played === undefined)(
    `${name} on two master processes: everybody ends with the recorded text${part}`,
    () => play(name, played!),
    IS_WHOLE ? 3_600_000 : 300_000,
  );
}

/** What one person typed, typed by two who take turns. */
function inTurns(recorded: Recording, turn: number): Recording {
  const txns = recorded.txns.map(({ patches }, i) => ({
    agent: Math.floor(i / turn) % 2,
    parents: i === 0 ? [] : [i - 1],
    patches,
  }));
  return { endContent: recorded.endContent, numAgents: 2, txns };
}

/** The first transactions of what one person has typed, with the text that they make. */
function beginningOf({ numAgents, txns }: Recording, count: number): Recording {
  const beginning = txns.slice(0, count);
  let endContent = "";
  for (const { patches } of beginning) {
    for (const [position, deleted, inserted] of patches)
      endContent = endContent.slice(0, position) + inserted + endContent.slice(position + deleted);
  }
  return { endContent, numAgents, txns: beginning };
}

async function play(name: string, recorded: Recording): Promise<void> {
  // Positions count code points, and Yjs counts UTF-16 units: here they are the same.
  for (const { patches } of recorded.txns)
    for (const [, , inserted] of patches) expect(/[\ud800-\udfff]/.test(inserted)).toBe(false);
  const masters = [m1, m2];
  const people = await Promise.all(
    Array.from({ length: recorded.numAgents }, async (_, agent) => {
      const db = connect(masters[agent % 2]!.url);
      const note = db.open("notes", name);
      await note.ready;
      const field = note.field("story", text());
      return { db, note, field, editor: new Editor(recorded, agent) };
    }),
  );
  const typed: Typed[] = [];
  for (const [index, { agent }] of recorded.txns.entries()) {
    const { db, field, editor } = people[agent]!;
    for (const other of editor.missing(index)) {
      const { client, clock } = typed[other]!;
      await sees(field.doc, client, clock);
      editor.show(typed[other]!);
    }
    const made = editor.type(index);
    typed.push(made);
    Y.applyUpdate(field.doc, made.update, editor);
    if (db.status.pending >= UNDER_WAY_MAX) await fewer(db);
  }
  await until(
    "every node has the whole text",
    async () => {
      const texts = await Promise.all(
        servers.all.map(async (server) => {
          const response = await server.get(`/v1/docs/notes/${name}`);
          if (!response.ok) return "";
          return ((await response.json()) as { value: { story?: string } }).value.story;
        }),
      );
      return texts.every((each) => each === recorded.endContent);
    },
    IS_WHOLE ? 600_000 : 300_000,
  );
  await until("everybody has it", () => people.every(({ field }) => `${field}` === recorded.endContent));
  for (const { db } of people) db.close();
}

/** Who types as fast as a machine waits for the master when so much is under way. */
const UNDER_WAY_MAX = 256;

function fewer(db: Database): Promise<void> {
  return new Promise((resolve) => {
    const stop = db.onStatus(({ pending }) => {
      if (pending > UNDER_WAY_MAX / 2) return;
      stop();
      resolve();
    });
  });
}

/** Resolves when a Y.Doc has a client's structs up to this clock. */
function sees(doc: Y.Doc, client: number, clock: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (Y.getState(doc.store, client) < clock) return;
      doc.off("update", look);
      resolve();
    };
    doc.on("update", look);
    look();
  });
}
