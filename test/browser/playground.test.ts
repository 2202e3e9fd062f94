import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { until } from "../processes/server.js";
import { browserTest, hasBrowser, profile, useBrowser } from "./browser.js";
import { Demo, type PlaygroundTab } from "./demo.js";

/** The playground, as people use it, on the four nodes of `syncline demo`. */
useBrowser();

const demo = new Demo();

beforeAll(async () => {
  if (hasBrowser) await demo.start();
});

afterEach(async () => {
  if (hasBrowser) await demo.mend();
});

afterAll(() => demo.stop());

const withoutFaults = (...tabs: PlaygroundTab[]) => expect(tabs.flatMap(({ faults }) => faults)).toEqual([]);

browserTest("two tabs on two masters show each other's changes, and where each is stored", async () => {
  const board = demo.newBoard();
  const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
  await Promise.all([ann.connected("On m1"), bob.connected("On m2")]);
  await ann.add("To do", "Roadmap");
  await bob.has("To do", ["Roadmap"]);
  await Promise.all([ann.vote("Roadmap"), bob.vote("Roadmap")]);
  await Promise.all([ann.tag("Roadmap", "one"), bob.tag("Roadmap", "two")]);
  for (const tab of [ann, bob]) {
    await tab.hasVotes("Roadmap", 2);
    await tab.hasTag("Roadmap", "one");
    await tab.hasTag("Roadmap", "two");
    await tab.saved();
  }
  await ann.receipt("Added “Roadmap”", "quorum");
  await bob.rename("Roadmap", "Plan");
  await ann.has("To do", ["Plan"]);
  await ann.page.getByRole("button", { name: "Remove Plan" }).click();
  await bob.has("To do", []);
  withoutFaults(ann, bob);
});

browserTest("where the link between the masters is cut, changes go another way", async () => {
  const board = demo.newBoard();
  const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
  // By the buttons of the page.
  await ann.page.getByRole("button", { name: "Cut m1-m2" }).click();
  await ann.page.getByRole("button", { name: "Heal m1-m2" }).waitFor();
  await ann.page.locator('[data-node="m2"]:not([data-state="connected"])').waitFor();
  await bob.add("Done", "By way of a follower");
  await ann.has("Done", ["By way of a follower"]);
  await ann.page.getByRole("button", { name: "Heal m1-m2" }).click();
  await ann.page.locator('[data-node="m2"][data-state="connected"]').waitFor();
  withoutFaults(ann, bob);
});

browserTest("masters that are cut off from each other both go on, and meet when it is healed", async () => {
  const board = demo.newBoard();
  const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
  await ann.add("To do", "Shared");
  await bob.has("To do", ["Shared"]);
  await ann.page.getByRole("button", { name: "Split in two" }).click();
  for (const node of ["m2", "f2"]) {
    await ann.page.locator(`[data-node="${node}"]:not([data-state="connected"])`).waitFor();
  }
  await ann.add("Doing", "Of Ann");
  await bob.add("Done", "Of Bob");
  await Promise.all([ann.vote("Shared"), bob.vote("Shared")]);
  // Each half has a master and a follower: a quorum.
  await Promise.all([ann.receipt("Added “Of Ann”", "quorum"), bob.receipt("Added “Of Bob”", "quorum")]);
  expect([await ann.titles("Done"), await bob.titles("Doing")]).toEqual([[], []]);
  await ann.page.getByRole("button", { name: "Heal all" }).click();
  for (const tab of [ann, bob]) {
    await tab.has("Doing", ["Of Ann"]);
    await tab.has("Done", ["Of Bob"]);
    await tab.hasVotes("Shared", 2);
  }
  withoutFaults(ann, bob);
});

browserTest("a change waits for the quorum while no follower runs, and shows how far it got", async () => {
  const board = demo.newBoard();
  const ann = await demo.tab("m1", board);
  await ann.connected("On m1");
  for (const follower of ["f1", "f2"]) {
    await ann.page.getByRole("button", { name: `Kill ${follower}` }).click();
    await ann.page.getByRole("button", { name: `Restart ${follower}` }).waitFor();
  }
  await ann.add("To do", "Patient");
  await ann.receipt("Added “Patient”", "durable");
  await ann.shows("on a master's disk, waits for the quorum");
  await ann.saved("saving");
  await ann.page.getByRole("button", { name: "Restart f2" }).click();
  await ann.receipt("Added “Patient”", "quorum");
  await ann.saved();
  withoutFaults(ann);
});

browserTest("a tab whose master is killed goes on at the other one", async () => {
  const board = demo.newBoard();
  const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
  await ann.connected("On m1");
  await ann.add("To do", "Before");
  await bob.has("To do", ["Before"]);
  await ann.page.getByRole("button", { name: "Kill m1" }).click();
  await ann.vote("Before");
  await ann.connected("On m2");
  await ann.vote("Before");
  await ann.saved();
  await bob.hasVotes("Before", 2);
  // The panel asks where the tab is now.
  await ann.page.locator('[data-node="m1"][data-state="disconnected"]').waitFor();
  await ann.page.getByRole("button", { name: "Restart m1" }).click();
  await ann.page.locator('[data-node="m1"][data-state="connected"]').waitFor();
  expect(Object.values((await demo.stored("m2", board)).votes)).toEqual([2]);
  withoutFaults(ann, bob);
});

browserTest("a tab on a follower writes through a master, and is read-only without", async () => {
  const board = demo.newBoard();
  const ann = await demo.tab("f1", board);
  await ann.connected("On f1, writing to m[12]");
  await ann.shows(/reads from f1, a read-only follower; writes go to m[12]/);
  await ann.add("To do", "Through a follower");
  await ann.receipt("Added “Through a follower”", "quorum");
  await Promise.all([demo.order("kill", "m1"), demo.order("kill", "m2")]);
  await ann.connected("On f1, read-only");
  await ann.shows(/Read-only for now/);
  for (const node of ["m1", "m2"]) {
    await ann.page.locator(`[data-node="${node}"]`, { hasText: "killed" }).locator(".dot.bad").waitFor();
  }
  await ann.vote("Through a follower");
  await ann.saved("offline");
  await demo.order("restart", "m2");
  await ann.connected("On f1, writing to m2");
  await ann.saved();
  withoutFaults(ann);
});

browserTest("a reload without a server shows the board; what waits is sent once", async () => {
  const board = demo.newBoard();
  const context = await profile();
  // This tab knows one server only, the one that sends its page.
  const server = demo.url("m1").replace(/^http/, "ws");
  const ann = await demo.tab("m1", board, { context, query: { server } });
  await ann.add("To do", "Online");
  await ann.saved();
  await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await demo.order("kill", "m1");
  await ann.shows(/No server answers/);
  await ann.add("To do", "Offline");
  await ann.vote("Online");
  await ann.type("No server");
  await ann.saved("offline");
  for (const words of ["Added “Offline”", "Voted for “Online”", "Typed in the note"]) {
    await ann.page
      .locator(".receipt", { hasText: words })
      .filter({ hasText: "kept on this device" })
      .waitFor();
  }
  await ann.page.reload();
  await ann.hasVotes("Online", 1);
  await ann.card("Offline").waitFor();
  await ann.noteIs("No server");
  await ann.shows(/No server answers.*kept on this device/);
  await ann.saved("offline");
  await ann.vote("Online");
  await demo.order("restart", "m1");
  await ann.connected("On m1");
  await ann.saved();
  await ann.hasVotes("Online", 2);
  const { cards, votes, notes } = await demo.stored("m1", board);
  expect(notes).toBe("No server");
  expect(Object.keys(cards).length).toBe(2);
  expect(Object.values(votes)).toEqual([2]);
});

browserTest("the note is written by two at once, also while they are cut off from each other", async () => {
  const board = demo.newBoard();
  const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
  await ann.type("Hello");
  await bob.noteIs("Hello");
  await Promise.all([ann.type("Dear Bob! ", "start"), bob.type(" from Bob")]);
  for (const tab of [ann, bob]) await tab.noteIs("Dear Bob! Hello from Bob");
  await ann.receipt("Typed in the note", "quorum");
  await demo.order("split", "halves");
  await Promise.all([ann.type("\nAnn was here"), bob.type("1 ", "start")]);
  await ann.noteIs("Dear Bob! Hello from Bob\nAnn was here");
  await bob.noteIs("1 Dear Bob! Hello from Bob");
  await demo.order("heal", "all");
  for (const tab of [ann, bob]) {
    await tab.noteIs("1 Dear Bob! Hello from Bob\nAnn was here");
    await tab.saved();
  }
  // Each undoes what they did themselves.
  await bob.note.click();
  for (let i = 0; i < 15; i++) await bob.page.keyboard.press("Control+z");
  for (const tab of [ann, bob]) await tab.noteIs("Dear Bob! Hello\nAnn was here");
  await ann.saved();
  expect((await demo.stored("m1", board)).notes).toBe("Dear Bob! Hello\nAnn was here");
  withoutFaults(ann, bob);
});

browserTest(
  "who is here is shown on every node, with cursors in the note, and gone with the tab",
  async () => {
    const board = demo.newBoard();
    const [ann, bob, carol] = await Promise.all([
      demo.tab("m1", board),
      demo.tab("m2", board),
      demo.tab("f1", board),
    ]);
    const here = (tab: PlaygroundTab, count: number) =>
      until(`${count} are here`, async () => (await tab.page.locator(".person").count()) === count);
    await Promise.all([here(ann, 3), here(bob, 3), here(carol, 3)]);
    await bob.type("Hello");
    const cursors = ann.page.locator(".cm-ySelectionCaret");
    await cursors.waitFor({ state: "attached" });
    await ann.noteIs("Hello");
    expect(await cursors.count()).toBe(1);
    await bob.page.close();
    await Promise.all([here(ann, 2), here(carol, 2)]);
    await cursors.waitFor({ state: "detached" });
    // Nothing of it was stored.
    expect(Object.keys(await demo.stored("m1", board))).toEqual(["notes"]);
    withoutFaults(ann, carol);
  },
);

browserTest("cards are dragged to a place in a column, and everybody sees them there", async () => {
  const board = demo.newBoard();
  const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
  for (const title of ["A", "B", "C"]) await ann.add("To do", title);
  await bob.has("To do", ["A", "B", "C"]);
  await ann.drag("C", await ann.aboveOf("A"));
  await bob.has("To do", ["C", "A", "B"]);
  await bob.drag("C", await bob.aboveOf("B"));
  await ann.has("To do", ["A", "C", "B"]);
  await ann.drag("A", await ann.endOf("To do"));
  await bob.has("To do", ["C", "B", "A"]);
  await bob.drag("B", await bob.endOf("Done"));
  await ann.has("Done", ["B"]);
  // What was begun and given up has not happened.
  const box = await ann.handle("C").boundingBox();
  await ann.page.mouse.move((box?.x ?? 0) + 5, (box?.y ?? 0) + 5);
  await ann.page.mouse.down();
  const { x, y } = await ann.endOf("Doing");
  await ann.page.mouse.move(x, y, { steps: 5 });
  await ann.page.keyboard.press("Escape");
  await ann.page.mouse.up();
  await ann.vote("C");
  await bob.hasVotes("C", 1);
  expect(await bob.titles("Doing")).toEqual([]);
  withoutFaults(ann, bob);
});

browserTest(
  "one card that is dragged to two places at once is at one of them, the same for both",
  async () => {
    const board = demo.newBoard();
    const [ann, bob] = await Promise.all([demo.tab("m1", board), demo.tab("m2", board)]);
    for (const title of ["A", "B", "C"]) await ann.add("To do", title);
    await bob.has("To do", ["A", "B", "C"]);
    await demo.order("split", "halves");
    for (const node of ["m2", "f2"]) {
      await ann.page.locator(`[data-node="${node}"]:not([data-state="connected"])`).waitFor();
    }
    await ann.drag("A", await ann.endOf("Doing"));
    await bob.drag("A", await bob.endOf("Done"));
    await ann.drag("C", await ann.aboveOf("B"));
    await bob.drag("B", await bob.endOf("Doing"));
    await Promise.all([ann.has("To do", ["C", "B"]), bob.has("To do", ["C"])]);
    await demo.order("heal", "all");
    // What was moved by one is where that one has put it; of A there is one, and the other place is offered.
    const choice = (tab: PlaygroundTab) => tab.page.locator("[data-conflict='Where “A” is']");
    await Promise.all([choice(ann).waitFor(), choice(bob).waitFor()]);
    await Promise.all([ann.has("To do", ["C"]), bob.has("To do", ["C"])]);
    const columns = async (tab: PlaygroundTab) =>
      [await tab.titles("Doing"), await tab.titles("Done")].map((titles) => titles.sort());
    const [atAnn, atBob] = await Promise.all([columns(ann), columns(bob)]);
    expect(atAnn).toEqual(atBob);
    expect([
      [["A", "B"], []],
      [["B"], ["A"]],
    ]).toContainEqual(atAnn);
    const places = await choice(ann).getByRole("button").allInnerTexts();
    expect(places.sort()).toEqual(["Doing", "Done"]);
    // Somebody decides, for all; what was not taken is told of, and can be had after all.
    const isInDone = atAnn[1]?.includes("A") === true;
    await choice(bob).getByRole("button").first().click();
    const resolved = (tab: PlaygroundTab) => tab.page.locator("[data-resolved='Where “A” is']");
    for (const tab of [ann, bob]) {
      await choice(tab).waitFor({ state: "detached" });
      await resolved(tab).waitFor();
      expect(await columns(tab)).toEqual(atAnn);
    }
    await resolved(ann).getByRole("button").click();
    for (const tab of [ann, bob]) {
      await resolved(tab).waitFor({ state: "detached" });
      expect(await columns(tab)).toEqual(isInDone ? [["A", "B"], []] : [["B"], ["A"]]);
    }
    withoutFaults(ann, bob);
  },
);

browserTest("on a phone a finger moves a card by its handle, and pushes the columns elsewhere", async () => {
  const board = demo.newBoard();
  const context = await profile({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const ann = await demo.tab("m1", board, { context });
  for (const title of ["A", "B"]) await ann.add("To do", title);
  await ann.has("To do", ["A", "B"]);
  const finger = await context.newCDPSession(ann.page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...touchPoints: { x: number; y: number }[]) =>
    finger.send("Input.dispatchTouchEvent", { type, touchPoints });
  const box = await ann.handle("A").boundingBox();
  const [x, y] = [(box?.x ?? 0) + 15, (box?.y ?? 0) + 15];
  const end = await ann.endOf("To do");
  await touch("touchStart", { x, y });
  for (let step = 1; step <= 5; step++) await touch("touchMove", { x, y: y + ((end.y - y) * step) / 5 });
  await touch("touchEnd");
  await ann.has("To do", ["B", "A"]);
  // Nothing is wider than the screen but the columns, which are pushed.
  const widths = await ann.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(widths[0]).toBe(widths[1]);
  withoutFaults(ann);
});

browserTest("a card is moved by the arrow keys, keeps the focus, and says where it is", async () => {
  const board = demo.newBoard();
  const ann = await demo.tab("m1", board);
  await ann.add("To do", "Other");
  await ann.add("To do", "Mover");
  await ann.has("To do", ["Other", "Mover"]);
  await ann.handle("Mover").focus();
  await ann.page.keyboard.press("ArrowUp");
  await ann.has("To do", ["Mover", "Other"]);
  await ann.page.keyboard.press("ArrowDown");
  await ann.has("To do", ["Other", "Mover"]);
  await ann.page.keyboard.press("ArrowRight");
  await ann.has("Doing", ["Mover"]);
  await ann.shows("Mover is in Doing, 1 of 1");
  await ann.page.keyboard.press("ArrowRight");
  await ann.has("Done", ["Mover"]);
  // Nowhere to go.
  await ann.page.keyboard.press("ArrowRight");
  await ann.page.keyboard.press("ArrowLeft");
  await ann.has("Doing", ["Mover"]);
  withoutFaults(ann);
});

browserTest("a word without an end stays in its card, and every card in its column", async () => {
  const board = demo.newBoard();
  for (const viewport of [
    { width: 1280, height: 900 },
    { width: 320, height: 640 },
  ]) {
    const ann = await demo.tab("m1", board, { context: await profile({ viewport }) });
    await ann.add("To do", "Wide".repeat(50));
    await ann.add("Doing", "https://example.com/".padEnd(200, "a"));
    await ann.tag("Wide".repeat(50), "tag".repeat(10));
    await ann.hasTag("Wide".repeat(50), "tag".repeat(10));
    const outside = await ann.page.evaluate(() =>
      [...document.querySelectorAll("[data-column]")].flatMap((column) => {
        const { right } = column.getBoundingClientRect();
        return [...column.querySelectorAll("*")]
          .filter((element) => element.getBoundingClientRect().right > right)
          .map((element) => element.className);
      }),
    );
    expect(outside).toEqual([]);
    expect(
      await ann.page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
    ).toBeLessThanOrEqual(0);
    await ann.page.getByRole("button", { name: /^Remove Wide/ }).click();
    withoutFaults(ann);
  }
});

browserTest("a card that a program has made is at the end, until somebody moves it", async () => {
  const board = demo.newBoard();
  const ann = await demo.tab("m1", board);
  for (const title of ["A", "B"]) await ann.add("To do", title);
  await ann.has("To do", ["A", "B"]);
  await fetch(`${demo.url("m2")}/v1/docs/boards/${board}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ path: ["cards", "from-a-program", "title"], op: "set", value: "P" }]),
  });
  await ann.has("To do", ["A", "B", "P"]);
  await ann.handle("P").press("ArrowUp");
  await ann.has("To do", ["A", "P", "B"]);
  await ann.drag("A", await ann.endOf("To do"));
  await ann.has("To do", ["P", "B", "A"]);
  withoutFaults(ann);
});

browserTest("the page asks nobody but the nodes for anything, and everything in it has a name", async () => {
  const board = demo.newBoard();
  const context = await profile();
  const asked = new Set<string>();
  context.on("request", (request) => asked.add(new URL(request.url()).hostname));
  const ann = await demo.tab("m1", board, { context });
  await ann.page.emulateMedia({ reducedMotion: "reduce" });
  await ann.page.getByRole("button", { name: "Fill it with an example" }).click();
  await ann.card("Kill the server that this tab is on").waitFor();
  await ann.saved();
  expect([...asked]).toEqual(["localhost"]);
  const moves = await ann.page.evaluate(() => document.getAnimations().length);
  expect(moves).toBe(0);
  const nameless = await ann.page.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea, a")]
      .filter((element) => !(element.getAttribute("aria-label") ?? element.textContent)?.trim())
      .map((element) => element.outerHTML),
  );
  expect(nameless).toEqual([]);
  // All that a mouse can do here, the Tab key reaches, and it is seen where one is.
  await ann.page.getByLabel("Title of the board").focus();
  await ann.page.keyboard.press("Tab");
  const outline = await ann.page.evaluate(
    () => getComputedStyle(document.activeElement as Element).outlineStyle,
  );
  expect(outline).toBe("solid");
  withoutFaults(ann);
});
