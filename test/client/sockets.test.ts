import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, counter, defineSchema, register, set } from "@syncline/client";
import { type Access, openAccess } from "@syncline/engine";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startMaster, type TestServer } from "./servers.js";

/** The library over real WebSockets of this machine. Nothing here waits for time, only for events. */
const schema = defineSchema({
  boards: { title: register<string>(), votes: counter(), tags: set<string>() },
});

const open = new Set<{ close(): void }>();

afterEach(() => {
  for (const db of open) db.close();
  open.clear();
});

/** Connects, until the end of the test. */
const connected: typeof connect = (urls, options) => {
  const db = connect(urls, options);
  open.add(db);
  return db;
};

/** Waits until what a document or a database tells of satisfies. */
function until<T>(
  listen: (listener: () => void) => () => void,
  look: () => T | undefined | false,
): Promise<T> {
  return new Promise((resolve) => {
    const stop = listen(() => check());
    const check = (): void => {
      const found = look();
      if (found === undefined || found === false) return;
      stop();
      resolve(found);
    };
    check();
  });
}

test("the first steps of an app", async () => {
  const { url } = await startMaster("m1");
  const db = connected(url, { schema });
  const board = db.open("boards", "roadmap");
  await board.ready;
  const write = board.transact((b) => {
    b.title.set("Roadmap");
    b.votes.increment();
    b.tags.add("p1");
  });
  const receipt = await write.acknowledged({ level: "durable" });
  expect(receipt).toMatchObject({ outcome: "committed", nodes: ["m1"] });
  expect(db.status).toMatchObject({ connection: "connected", provider: "m1", master: "m1", pending: 0 });

  const other = connected(url).open("boards", "roadmap");
  await other.ready;
  expect(other.toJSON()).toEqual({ title: "Roadmap", votes: 1, tags: ["p1"] });
  other.transact((b) => b.counter("votes").increment(2));
  await until(
    (listener) => board.subscribe(listener),
    () => board.votes.value === 3,
  );
});

test("of several URLs one that answers is taken, and when it dies another, without losing or doubling a change", async () => {
  const m1 = await startMaster("m1");
  const m2 = await startMaster("m2", [m1]);
  const gone = await startMaster("gone");
  await gone.kill();
  const db = connected([gone.url, m1.url, m2.url], { schema });
  const board = db.open("boards", "roadmap");
  await board.ready;
  expect(db.status.provider).toBe("m1");
  const first = board.transact((b) => b.votes.increment());
  await first.acknowledged();
  await m1.kill();
  const second = board.transact((b) => b.votes.increment(10));
  await until(
    (listener) => db.onStatus(listener),
    () => db.status.provider === "m2",
  );
  const receipt = await second.acknowledged({ timeoutMs: Number.POSITIVE_INFINITY });
  expect(receipt).toMatchObject({ outcome: "committed", nodes: ["m2"] });
  const check = connected(m2.url, { schema }).open("boards", "roadmap");
  await check.ready;
  await until(
    (listener) => check.subscribe(listener),
    () => check.votes.value === 11,
  );
  expect(check.votes.value).toBe(11);
});

test("a token that was refused is asked for again", async () => {
  const shown: string[] = [];
  const access: Access = {
    ...openAccess,
    authenticate: ({ token, name }, answer) => {
      shown.push(token);
      answer(token === "fresh" ? { name } : { code: "UNAUTHORIZED", reason: "the token is too old" });
    },
  };
  const { url } = await startMaster("m1", [], access);
  const tokens = ["stale", "fresh"];
  const db = connected(url, { schema, token: async () => tokens.shift() ?? "" });
  const errors: unknown[] = [];
  db.onStatus(({ error }) => error !== undefined && errors.push(error.code));
  await db.open("boards", "roadmap").ready;
  expect(shown).toEqual(["stale", "fresh"]);
  expect(errors).toEqual(["UNAUTHORIZED"]);
  expect(db.status.error).toBeUndefined();
});

test("a WebSocket that is handed over is the one that is used", async () => {
  const { url } = await startMaster("m1");
  const dialed: string[] = [];
  class Recorded extends WebSocket {
    constructor(address: string) {
      super(address);
      dialed.push(address);
    }
  }
  const db = connected(url, { schema, WebSocket: Recorded });
  const board = db.open("boards", "roadmap");
  const receipt = await board.transact((b) => b.votes.increment()).acknowledged();
  expect(receipt.outcome).toBe("committed");
  expect(dialed).toEqual([`${url}/sync`]);
});

test("in a process of its own it needs nothing but the package, and lets the process end when it is closed", async () => {
  const { url } = await startMaster("m1");
  const { code, output } = await runModule(`
    import { connect } from "@syncline/client";
    const db = connect(${JSON.stringify(url)});
    const board = db.open("boards", "roadmap");
    await board.ready;
    const receipt = await board.transact((b) => b.counter("votes").increment()).acknowledged();
    db.close();
    process.stdout.write(receipt.outcome);
  `);
  expect({ code, output }).toEqual({ code: 0, output: "committed" });
});

test("a process whose connection was closed in the middle of it ends too", async () => {
  const server: TestServer = await startMaster("m1", [], { ...openAccess, authenticate: () => {} });
  // The server never answers the greeting: the socket is open, the connection is not.
  const { code, output } = await runModule(`
    import { connect } from "@syncline/client";
    import { WebSocket } from "ws";
    class Telling extends WebSocket {
      constructor(url) {
        super(url);
        this.addEventListener("open", () => setImmediate(() => {
          process.stdout.write(db.status.connection);
          db.close();
        }));
      }
    }
    const db = connect(${JSON.stringify(server.url)}, { WebSocket: Telling });
  `);
  expect({ code, output }).toEqual({ code: 0, output: "connecting" });
});

test("what a listener throws is an uncaught exception of the process, and the write is made", async () => {
  const { code, output } = await runModule(`
    import { connect } from "@syncline/client";
    process.on("uncaughtException", (error) => process.stdout.write(error.message));
    const db = connect("ws://127.0.0.1:1");
    const board = db.open("boards", "roadmap");
    board.subscribe(() => { throw new Error("cannot render"); });
    board.transact((b) => b.counter("votes").increment());
    process.stdout.write(db.status.pending + " ");
    db.close();
  `);
  expect({ code, output }).toEqual({ code: 0, output: "1 cannot render" });
});

/** Runs a module in a process of its own, on the built packages, as an app would. */
async function runModule(source: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code] = await once(child, "close");
  return { code, output };
}
