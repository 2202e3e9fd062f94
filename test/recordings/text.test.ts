import { connect } from "@syncline/client";
import { text } from "@syncline/text";
import { afterEach, expect, test } from "vitest";
import * as Y from "yjs";
import { Servers, until } from "../processes/server.js";
import { type Recording, recording } from "./recording.js";

/** Recordings typed as text: each person's editor shows what it showed then, and what is typed goes through a bound Y.Doc. */
const servers = new Servers();

afterEach(() => servers.end());

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

const friends = recording("friendsforever");

test.skipIf(friends === undefined)(
  "two people on two master processes: everybody ends with the recorded text",
  async () => {
    if (friends === undefined) return;
    // Positions count code points, and Yjs counts UTF-16 units: here they are the same.
    expect(friends.endContent).not.toMatch(/[\ud800-\udfff]/);
    const m1 = servers.server("m1");
    await m1.start();
    const m2 = servers.server("m2", "--follow", m1.url);
    await m2.start();
    await m1.stop();
    await m1.start(["--follow", m2.url]);
    const f1 = servers.server("f1", "--role", "follower", "--follow", m1.url, "--follow", m2.url);
    await f1.start();

    const people = await Promise.all(
      [m1, m2].map(async (server, agent) => {
        const db = connect(server.url);
        const note = db.open("notes", "story");
        await note.ready;
        const field = note.field("story", text());
        return { db, note, field, editor: new Editor(friends, agent) };
      }),
    );
    const typed: Typed[] = [];
    for (const [index, { agent }] of friends.txns.entries()) {
      const { field, editor } = people[agent]!;
      for (const other of editor.missing(index)) {
        const { client, clock } = typed[other]!;
        await sees(field.doc, client, clock);
        editor.show(typed[other]!);
      }
      const made = editor.type(index);
      typed.push(made);
      Y.applyUpdate(field.doc, made.update, editor);
    }
    await until("every node has the whole text", async () => {
      const texts = await Promise.all(
        servers.all.map(async (server) => {
          const response = await server.get("/v1/docs/notes/story");
          if (!response.ok) return "";
          return ((await response.json()) as { value: { story?: string } }).value.story;
        }),
      );
      return texts.every((each) => each === friends.endContent);
    });
    for (const { field, db } of people) {
      expect(field.toString()).toBe(friends.endContent);
      db.close();
    }
  },
  180_000,
);

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
