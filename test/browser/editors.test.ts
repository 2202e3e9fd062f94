import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Servers, startBoth } from "../processes/server.js";
import { started } from "../server/servers.js";
import { browserTest, hasBrowser, type Site, serve, tab, useBrowser } from "./browser.js";
import "./pages/editors/note.js";

/**
 * The editors that exist, with their own bindings unchanged, in a real browser: two people, each on a master of his own,
 * type while the masters do not hear each other. And an app that has a provider of y-websocket, also at a follower.
 */
useBrowser();

const PATIENCE_MS = 120_000;

/** What differs between the editors. `what` tells what an editor shows in its own words. */
interface Editor {
  readonly name: string;
  readonly page: string;
  readonly place: string;
  readonly field: "notes" | "page";
  /** Where the other's cursor is, with his name if the editor shows names. */
  readonly cursor: string;
  readonly names: boolean;
  /** Whether a text can be bold. */
  readonly marks: boolean;
  /** What the editor says that it shows, for these runs of text. */
  readonly shows: (runs: readonly Run[]) => unknown;
}

type Mark = "bold" | "italic";
type Run = readonly [text: string, mark?: Mark | undefined];

const html =
  (tags: Record<Mark, string>) =>
  (runs: readonly Run[]): string => {
    const inside = runs.map(([text, mark]) =>
      mark === undefined ? text : `<${tags[mark]}>${text}</${tags[mark]}>`,
    );
    return `<p>${inside.join("")}</p>`;
  };
const plain = (runs: readonly Run[]): string => runs.map(([text]) => text).join("");

/** As Quill says it: alike runs are one, and every text ends with a line. */
function asDelta(runs: readonly Run[]): unknown {
  const ops = runs.map(([insert, mark]) =>
    mark === undefined ? { insert } : { insert, attributes: { [mark]: true } },
  );
  const last = ops.at(-1);
  if (last === undefined || "attributes" in last) return [...ops, { insert: "\n" }];
  return [...ops.slice(0, -1), { insert: `${last.insert}\n` }];
}

const EDITORS: readonly Editor[] = [
  {
    ...{ name: "CodeMirror", page: "codemirror.ts", place: ".cm-content", field: "notes" },
    ...{ cursor: ".cm-ySelectionInfo", names: true, marks: false },
    shows: plain,
  },
  {
    ...{ name: "Tiptap", page: "tiptap.ts", place: ".ProseMirror", field: "page" },
    ...{ cursor: ".collaboration-carets__label", names: true, marks: true },
    shows: html({ bold: "strong", italic: "em" }),
  },
  {
    ...{ name: "ProseMirror", page: "prosemirror.ts", place: ".ProseMirror", field: "page" },
    ...{ cursor: ".ProseMirror-yjs-cursor", names: true, marks: true },
    shows: html({ bold: "strong", italic: "em" }),
  },
  {
    ...{ name: "Quill", page: "quill.ts", place: ".ql-editor", field: "notes" },
    ...{ cursor: ".ql-cursor-name", names: true, marks: true },
    shows: asDelta,
  },
  {
    ...{ name: "Monaco", page: "monaco.ts", place: ".monaco-editor .view-lines", field: "notes" },
    ...{ cursor: ".yRemoteSelectionHead", names: false, marks: false },
    shows: plain,
  },
];

const servers = new Servers();
const [m1, m2] = [servers.server("m1"), servers.server("m2")];
const f1 = servers.server("f1", "--role", "follower");

beforeAll(async () => {
  if (!hasBrowser) return;
  await startBoth(m1, m2);
  await f1.start(["--follow", m1.url, "--follow", m2.url]);
});

// One that fails while it is stopped must not take the next ones with it.
afterEach(() => {
  if (hasBrowser) m2.signal("SIGCONT");
});

afterAll(async () => {
  await servers.end();
});

/** Where nothing is left the binding puts an empty paragraph, in each editor by itself: so there may be one of each. */
const withOneParagraph = (shown: unknown): unknown =>
  typeof shown === "string" ? shown.replace(/^(<p><\/p>)+$/, "<p></p>") : shown;

/** Somebody at an editor. */
class Person {
  readonly faults: string[] = [];

  constructor(
    private readonly page: Page,
    private readonly editor: Editor,
  ) {
    page.on("pageerror", (error) => this.faults.push(String(error)));
  }

  async type(text: string, at: "start" | "end", mark?: Mark): Promise<void> {
    await this.page.locator(this.editor.place).click();
    // Yjs takes back at once what was typed within half a second, however fast this runs.
    await this.page.evaluate(() => note.newStep?.());
    const { keyboard } = this.page;
    // An editor that hears of the caret from the browser may have put it back meanwhile, as when somebody else's is drawn.
    await expect
      .poll(
        async () => {
          await keyboard.press(at === "start" ? "Control+Home" : "Control+End");
          return this.page.evaluate((at) => note.isAt(at), at);
        },
        { timeout: PATIENCE_MS },
      )
      .toBe(true);
    if (mark !== undefined) await keyboard.press(mark === "bold" ? "Control+b" : "Control+i");
    await keyboard.type(text);
  }

  async undo(times: number): Promise<void> {
    await this.page.locator(this.editor.place).click();
    for (let i = 0; i < times; i++) await this.page.keyboard.press("Control+z");
  }

  async shows(...runs: Run[]): Promise<void> {
    await expect
      .poll(async () => withOneParagraph(await this.page.evaluate(() => note.shown())), {
        timeout: PATIENCE_MS,
      })
      .toEqual(this.editor.shows(runs));
  }

  /** Sees one cursor, and whose it is. */
  async seesCursorOf(name: string): Promise<void> {
    const { cursor, names } = this.editor;
    await expect
      .poll(
        async () => {
          const all = await this.page.locator(cursor).allTextContents();
          return all.map((text) => (names ? text.replaceAll("\u2060", "").trim() : ""));
        },
        { timeout: PATIENCE_MS },
      )
      .toEqual([names ? name : ""]);
  }

  async saved(): Promise<void> {
    await expect
      .poll(() => this.page.evaluate(() => note.saveState()), { timeout: PATIENCE_MS })
      .toBe("saved");
  }

  text(): Promise<string> {
    return this.page.evaluate(() => note.text());
  }

  /** Puts a text at the end in one go, as pasting does. */
  async paste(text: string): Promise<void> {
    await this.page.locator(this.editor.place).click();
    await this.page.keyboard.press("Control+End");
    await this.page.keyboard.insertText(text);
  }

  /** What was refused, and what the text was when it was taken back. */
  fate(): Promise<{ refused: string[]; lost: string[] }> {
    return this.page.evaluate(() => ({ refused: note.refused(), lost: note.lost() }));
  }
}

/** Opens this editor for somebody. */
async function open(editor: Editor, site: Site, url: string, name: string, key: string): Promise<Person> {
  const page = await tab(site);
  const person = new Person(page, editor);
  const color = name === "Ann" ? "#c02020" : "#2020c0";
  await page.evaluate(([url, name, color, key]) => openNote(url, { name, color }, key), [
    url,
    name,
    color,
    key,
  ] as const);
  return person;
}

for (const editor of EDITORS) {
  browserTest(`two people at ${editor.name}, on masters that are apart for a while`, async () => {
    const site = await serve(`editors/${editor.page}`);
    const key = editor.name.toLowerCase();
    const [ann, bob] = await Promise.all([
      open(editor, site, m1.url, "Ann", key),
      open(editor, site, m2.url, "Bob", key),
    ]);
    await bob.type("Hello", "end");
    await ann.shows(["Hello"]);
    await bob.saved();
    await ann.seesCursorOf("Bob");

    m2.signal("SIGSTOP");
    const [bold, italic]: (Mark | undefined)[] = editor.marks ? ["bold", "italic"] : [];
    await Promise.all([ann.type("Ann: ", "start", bold), bob.type(" of Bob", "end", italic)]);
    await ann.saved();
    await ann.shows(["Ann: ", bold], ["Hello"]);
    await bob.shows(["Hello"], [" of Bob", italic]);
    m2.signal("SIGCONT");
    for (const person of [ann, bob]) await person.shows(["Ann: ", bold], ["Hello"], [" of Bob", italic]);
    await Promise.all([ann.seesCursorOf("Bob"), bob.seesCursorOf("Ann")]);
    expect(await ann.text()).toBe(await bob.text());

    // Everybody takes back what is his own, and nothing else.
    await ann.undo(3);
    for (const person of [ann, bob]) await person.shows(["Hello"], [" of Bob", italic]);
    await bob.undo(5);
    for (const person of [ann, bob]) await person.shows();
    await Promise.all([ann.saved(), bob.saved()]);
    const kept = await ann.text();
    for (const server of [m1, m2]) {
      const answer = await server.get(`/v1/docs/boards/${key}`);
      expect(await answer.json()).toMatchObject({ value: { [editor.field]: kept } });
    }
    expect([...ann.faults, ...bob.faults]).toEqual([]);
  });
}

browserTest(
  "an app with a provider of y-websocket beside one of Syncline: one text, whatever happens to masters",
  async () => {
    const [codeMirror] = EDITORS as [Editor];
    const [plain, ours] = [await serve("editors/y-websocket.ts"), await serve("editors/codemirror.ts")];
    const [ann, bob, eve] = await Promise.all([
      open(codeMirror, plain, m1.url, "Ann", "provider"),
      open(codeMirror, ours, m2.url, "Bob", "provider"),
      open(codeMirror, plain, f1.url, "Eve", "provider"),
    ]);
    await ann.type("Hello", "end");
    for (const person of [bob, eve]) await person.shows(["Hello"]);
    await bob.seesCursorOf("Ann");

    // The masters are apart.
    m2.signal("SIGSTOP");
    await Promise.all([ann.type("Ann: ", "start"), bob.type(" of Bob", "end")]);
    await eve.shows(["Ann: Hello"]);
    m2.signal("SIGCONT");
    for (const person of [ann, bob, eve]) await person.shows(["Ann: Hello of Bob"]);

    // The provider's master is gone for a while: what was typed is sent when it is back.
    await m1.kill();
    await Promise.all([ann.type("!", "end"), bob.type("(", "start")]);
    await eve.shows(["(Ann: Hello of Bob"]);
    await m1.start(["--follow", m2.url]);
    for (const person of [ann, bob, eve]) await person.shows(["(Ann: Hello of Bob!"]);

    // What is typed at a follower stays there, and what others type comes to it all the same.
    await eve.type("Eve, ", "start");
    await ann.type("?", "end");
    await eve.shows(["Eve, (Ann: Hello of Bob!?"]);
    for (const person of [ann, bob]) await person.shows(["(Ann: Hello of Bob!?"]);
    await Promise.all([ann.saved(), bob.saved(), eve.saved()]);
    await ann.undo(3);
    for (const person of [ann, bob]) await person.shows(["(Hello of Bob"]);
    expect([...ann.faults, ...bob.faults, ...eve.faults]).toEqual([]);
  },
);

browserTest(
  "an editor that loses the right to write shows what is there, and goes on when it has it again",
  async () => {
    const [codeMirror] = EDITORS as [Editor];
    const rights = { of: new Set(["Ann", "Bob"]) };
    const { port } = await started(
      {},
      {
        access: {
          authenticate: ({ token }, answer) => answer({ name: token }),
          authorize: (who, _document, right) => right === "read" || rights.of.has(who.name),
        },
      },
    );
    const site = await serve(`editors/${codeMirror.page}`);
    const url = `ws://localhost:${port}`;
    const [ann, bob] = await Promise.all([
      open(codeMirror, site, url, "Ann", "rights"),
      open(codeMirror, site, url, "Bob", "rights"),
    ]);
    await ann.paste("Hello");
    await bob.shows(["Hello"]);
    await ann.saved();

    rights.of.delete("Ann");
    await ann.paste(" from Ann");
    await ann.shows(["Hello"]);
    // She is told, and what she wrote is in the hands of the app.
    expect(await ann.fate()).toEqual({ refused: ["FORBIDDEN"], lost: ["Hello from Ann"] });
    await bob.paste(", says Bob");
    await ann.shows(["Hello, says Bob"]);
    await bob.seesCursorOf("Ann");
    await ann.paste(" again");
    await ann.shows(["Hello, says Bob"]);
    expect((await ann.fate()).lost).toEqual(["Hello from Ann", "Hello, says Bob again"]);

    rights.of.add("Ann");
    await ann.paste(". Ann, too");
    for (const person of [ann, bob]) await person.shows(["Hello, says Bob. Ann, too"]);
    await ann.saved();
    await ann.undo(1);
    for (const person of [ann, bob]) await person.shows(["Hello, says Bob"]);
    expect([...ann.faults, ...bob.faults]).toEqual([]);
  },
);
