/** Logs: machines get JSON, people get lines, and nobody's names can forge either. */
import { createLog } from "@syncline/server";
import { expect, test } from "vitest";

/** What a log writes. */
function written(
  options: { level: "debug" | "warn"; pretty: boolean; colour?: boolean },
  name: string,
): string {
  let text = "";
  const log = createLog({ ...options, write: (line) => (text += line) });
  log.debug("quiet", { name });
  log.warn("node-connected", { name, port: 1234, url: "ws://a", list: ["a"], empty: "" });
  return text;
}

const FORGED = 'a\n{"level":"error"}\r\u001b[2J\u2028\u202eb';

test("JSON: one line for each event, with level, time and event first", () => {
  const text = written({ level: "warn", pretty: false }, FORGED);
  expect(text.split("\n")).toHaveLength(2);
  expect(JSON.parse(text)).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    event: "node-connected",
    name: FORGED,
    port: 1234,
    url: "ws://a",
    list: ["a"],
    empty: "",
  });
  expect(Object.keys(JSON.parse(text)).slice(0, 3)).toEqual(["level", "time", "event"]);
});

test("text: aligned, without anything that moves the cursor", () => {
  const text = written({ level: "warn", pretty: true }, FORGED);
  expect(text).toMatch(
    /^\d\d:\d\d:\d\d warn {2}node-connected {5}name="a\uFFFD\{\\"level\\":\\"error\\"\}\uFFFD\uFFFD\[2J\uFFFD\uFFFDb" port=1234 url=ws:\/\/a list=\["a"\] empty=""\n$/,
  );
  expect(written({ level: "warn", pretty: true, colour: true }, "x")).toContain("\u001b[33mwarn \u001b[0m");
});

test("the level decides what is written", () => {
  expect(written({ level: "debug", pretty: false }, "x").trim().split("\n")).toHaveLength(2);
});
