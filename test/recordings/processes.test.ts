import { connect } from "@syncline/client";
import { afterEach, expect, test } from "vitest";
import { Servers, startBoth, until } from "../processes/server.js";
import { recording } from "./recording.js";
import { type Character, type Keystrokes, Typist, textOf } from "./typist.js";

/** The recording, typed over real sockets into two master processes that a follower process follows. */
const friends = recording("friendsforever");
const servers = new Servers();

afterEach(() => servers.end());

test.skipIf(friends === undefined)(
  "two people on two master processes: every node ends with the recorded text",
  async () => {
    if (friends === undefined) return;
    const [m1, m2] = [servers.server("m1"), servers.server("m2")] as const;
    await startBoth(m1, m2);
    const follow = [m1, m2].flatMap(({ url }) => ["--follow", url]);
    await servers.started("f1", "--role", "follower", ...follow);

    const people = await Promise.all(
      [m1, m2].map(async (server, agent) => {
        const db = connect(server.url);
        const story = db.open("notes", "story");
        await story.ready;
        /** How far each person has come, as this client sees it. */
        const shown = (who: number) => Number(story.register(`typist ${who}`).value ?? -1);
        const sees = (who: number, index: number) =>
          new Promise<void>((resolve) => {
            if (shown(who) >= index) return resolve();
            const unsubscribe = story.subscribe(() => {
              if (shown(who) < index) return;
              unsubscribe();
              resolve();
            });
          });
        return { db, story, sees, agent };
      }),
    );
    const typed: (Keystrokes | undefined)[] = [];
    const typists = people.map(({ agent }) => new Typist(friends, agent, typed));
    for (const [index, { agent }] of friends.txns.entries()) {
      const person = people[agent]!;
      const typist = typists[agent]!;
      for (const other of typist.missing(index)) {
        const who = friends.txns[other]!.agent;
        if (who !== agent) await person.sees(who, other);
        typist.show(other);
      }
      const { added, removed } = typist.type(index);
      person.story.transact((draft) => {
        draft.register(`typist ${agent}`).set(index);
        const text = draft.set("text");
        for (const character of removed) text.remove(character);
        for (const character of added) text.add(character);
      });
    }

    const textAt = async (server: { get(path: string): Promise<Response> }) => {
      const response = await server.get("/v1/docs/notes/story");
      if (!response.ok) return "";
      const { value } = (await response.json()) as { value: { text: Character[] } };
      return textOf(value.text as never);
    };
    await until("every node has the whole text", async () => {
      const texts = await Promise.all(servers.all.map(textAt));
      return texts.every((text) => text === friends.endContent);
    });
    for (const { story } of people) expect(textOf(story.set("text").values)).toBe(friends.endContent);
    for (const { db } of people) db.close();
  },
);
