import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { until } from "../processes/server.js";
import { profile } from "./browser.js";

/** `syncline demo` as a process, and the playground in tabs on its nodes. */
const ROOT = join(import.meta.dirname, "..", "..");

/** The playground as it is now, for servers that are started after this. */
export function buildPlayground(): void {
  execFileSync(process.execPath, [join(ROOT, "apps/playground/build.mjs")]);
}

/** A node that was gone is dialed again after up to ten seconds by each other one; machines may be slow. */
const PATIENCE_MS = 120_000;

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

export type NodeName = "m1" | "m2" | "f1" | "f2";

export class Demo {
  private child: ChildProcess | undefined;
  private said = "";
  private control = "";
  private boards = 0;

  /** Starts it, with the playground as it is now. */
  async start(): Promise<void> {
    buildPlayground();
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("SYNCLINE_")),
    );
    this.child = spawn(
      process.execPath,
      [join(ROOT, "apps/syncline/bin/syncline.js"), "demo", "--port", "0"],
      {
        env,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    this.child.stdout?.on("data", (chunk) => (this.said += chunk));
    const { child } = this;
    await until(
      "the demo runs",
      () => {
        if (hasEnded(child)) throw new Error(`the demo has ended with ${child.exitCode}: ${this.said}`);
        return this.said.includes("What is done to them");
      },
      PATIENCE_MS,
    );
    const page = (await (await fetch(this.url("m1"))).text()).replaceAll("&#34;", '"');
    this.control = /"demo":"([^"]+)"/.exec(page)?.[1] ?? "";
  }

  async stop(): Promise<void> {
    if (this.child === undefined || hasEnded(this.child)) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGINT");
    await ended;
  }

  url(node: NodeName): string {
    return new RegExp(`^ {2}${node} {2}(\\S+)$`, "m").exec(this.said)?.[1] ?? "";
  }

  /** Presses a button, as the page does. */
  async order(what: "kill" | "restart" | "cut" | "heal" | "split", whom: string): Promise<void> {
    const answer = await fetch(this.control, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ what, whom }),
    });
    if (!answer.ok) throw new Error(`${what} ${whom}: ${answer.status}`);
  }

  /** All run and are connected again, after a test that broke something. */
  async mend(): Promise<void> {
    const { nodes, links } = (await (await fetch(this.control)).json()) as {
      nodes: { name: string; isUp: boolean }[];
      links: { id: string; isCut: boolean }[];
    };
    for (const { id, isCut } of links) if (isCut) await this.order("heal", id);
    for (const { name, isUp } of nodes) if (!isUp) await this.order("restart", name);
    const names: NodeName[] = ["m1", "m2"];
    for (const name of names) {
      await until(
        `${name} is connected to all`,
        async () => {
          const { nodes } = (await (await fetch(`${this.url(name)}/v1/status`)).json()) as {
            nodes: { state: string }[];
          };
          return nodes.length === 4 && nodes.every(({ state }) => state === "self" || state === "connected");
        },
        PATIENCE_MS,
      );
    }
  }

  /** A name for a board that nobody else has. */
  newBoard(): string {
    this.boards += 1;
    return `board-${this.boards}`;
  }

  /** What a node has of a board. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what the tests look at.
  async stored(node: NodeName, board: string): Promise<any> {
    const answer = await fetch(`${this.url(node)}/v1/docs/boards/${board}`);
    return ((await answer.json()) as { value?: unknown }).value;
  }

  /** A tab with the playground from this node. */
  async tab(node: NodeName, board: string, options: TabOptions = {}): Promise<PlaygroundTab> {
    return await PlaygroundTab.open(this.url(node), { ...options, query: { board, ...options.query } });
  }
}

export interface TabOptions {
  readonly context?: BrowserContext;
  readonly query?: Record<string, string>;
}

/** The playground as somebody uses it: by what is written on it. */
export class PlaygroundTab {
  /** What the page threw, and what its policy did not allow. There must be none. */
  readonly faults: string[] = [];

  static async open(url: string, { context, query = {} }: TabOptions = {}): Promise<PlaygroundTab> {
    const page = await (context ?? (await profile())).newPage();
    const tab = new PlaygroundTab(page);
    await page.goto(`${url}/?${new URLSearchParams(query)}`);
    return tab;
  }

  private constructor(readonly page: Page) {
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (message) => {
      // That a server does not answer is what these tests are about.
      const isNetwork = /Failed to load resource|WebSocket connection to|net::ERR|ERR_CONNECTION/.test(
        message.text(),
      );
      if (message.type() === "error" && !isNetwork) this.faults.push(message.text());
    });
  }

  async shows(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  async connected(words: string): Promise<void> {
    await this.page.locator("[data-connection]", { hasText: new RegExp(`^${words}$`) }).waitFor();
  }

  async saved(state = "saved"): Promise<void> {
    await this.page.locator(`[data-save-state="${state}"]`).waitFor();
  }

  async add(column: string, title: string): Promise<void> {
    const field = this.page.getByLabel(`New card in ${column}`);
    await field.fill(title);
    await field.press("Enter");
  }

  card(title: string) {
    return this.page.locator("[data-card]", {
      has: this.page.getByRole("button", { name: `Remove ${title}`, exact: true }),
    });
  }

  /** The titles of a column, from top to bottom. */
  async titles(column: string): Promise<string[]> {
    return await this.page
      .getByRole("region", { name: column, exact: true })
      .getByLabel("Title of the card")
      .evaluateAll((fields) => fields.map((field) => (field as HTMLTextAreaElement).value));
  }

  /** Waits until a column has these cards in this order. */
  async has(column: string, titles: readonly string[]): Promise<void> {
    const wanted = JSON.stringify(titles);
    let last = "";
    await until(
      `${column} is ${wanted}`,
      async () => {
        last = JSON.stringify(await this.titles(column));
        return last === wanted;
      },
      PATIENCE_MS,
    ).catch((error: Error) => {
      throw new Error(`${error.message}, but ${last}`);
    });
  }

  async vote(title: string): Promise<void> {
    await this.page.getByRole("button", { name: new RegExp(`^Vote for ${title}:`) }).click();
  }

  async hasVotes(title: string, votes: number): Promise<void> {
    await this.page.getByRole("button", { name: new RegExp(`^Vote for ${title}: ${votes} vote`) }).waitFor();
  }

  async tag(title: string, tag: string): Promise<void> {
    await this.page.getByRole("button", { name: `Add a tag to ${title}`, exact: true }).click();
    await this.page.getByLabel(`New tag of ${title}`).fill(tag);
    await this.page.keyboard.press("Enter");
  }

  async hasTag(title: string, tag: string): Promise<void> {
    await this.page.getByRole("button", { name: `Remove the tag ${tag} of ${title}`, exact: true }).waitFor();
  }

  async rename(title: string, to: string): Promise<void> {
    await this.card(title).getByLabel("Title of the card").fill(to);
    await this.page.keyboard.press("Enter");
  }

  handle(title: string) {
    return this.page.getByRole("button", { name: `Move ${title}: arrow keys`, exact: true });
  }

  /** Takes a card by its handle to another place, in steps as a hand does. */
  async drag(title: string, to: { readonly x: number; readonly y: number }): Promise<void> {
    const box = await this.handle(title).boundingBox();
    if (box === null) throw new Error(`${title} is not to be seen`);
    const { mouse } = this.page;
    await mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await mouse.down();
    await mouse.move(to.x, to.y, { steps: 8 });
    await mouse.up();
  }

  /** The middle of the upper part of a card: what is let go of there goes above it. */
  async aboveOf(title: string): Promise<{ x: number; y: number }> {
    const box = await this.card(title).boundingBox();
    if (box === null) throw new Error(`${title} is not to be seen`);
    return { x: box.x + box.width / 2, y: box.y + 4 };
  }

  /** The end of a column. */
  async endOf(column: string): Promise<{ x: number; y: number }> {
    const box = await this.page.getByLabel(`New card in ${column}`).boundingBox();
    if (box === null) throw new Error(`${column} is not to be seen`);
    return { x: box.x + box.width / 2, y: box.y + box.height };
  }

  get note() {
    return this.page.getByRole("textbox", { name: "Shared note" });
  }

  /** What the note says, without the cursors of others. */
  async noteText(): Promise<string> {
    return await this.note.evaluate((editor) =>
      [...editor.querySelectorAll(".cm-line")]
        .map((line) => {
          const copy = line.cloneNode(true) as Element;
          for (const extra of copy.querySelectorAll(".cm-ySelectionCaret, .cm-placeholder")) extra.remove();
          return copy.textContent?.replaceAll("\u2060", "") ?? "";
        })
        .join("\n"),
    );
  }

  /** Types at the end of the note. */
  async type(text: string, at: "start" | "end" = "end"): Promise<void> {
    await this.note.click();
    await this.page.keyboard.press(at === "end" ? "Control+End" : "Control+Home");
    await this.page.keyboard.type(text);
  }

  async noteIs(text: string): Promise<void> {
    let last = "";
    await until(
      `the note is ${JSON.stringify(text)}`,
      async () => {
        last = await this.noteText();
        return last === text;
      },
      PATIENCE_MS,
    ).catch((error: Error) => {
      throw new Error(`${error.message}, but ${JSON.stringify(last)}`);
    });
  }

  async receipt(words: string, stage: string): Promise<void> {
    await this.page.locator(`.receipt[data-stage="${stage}"]`, { hasText: words }).first().waitFor();
  }
}
