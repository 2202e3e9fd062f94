/** Marks of builds for production become sentences again. `bundle.test.ts` does it to real ones. */
import { explain } from "@syncline/client/explain";
import { expect, test } from "vitest";
import { explained } from "../../packages/client/src/explain.js";

const PROSE = { "0": "nothing is here", a: "$ is not $", b: "field $: $" };

test.each([
  ["«0»", "nothing is here"],
  ["«a|5|7»", "5 is not 7"],
  ["«a||7»", " is not 7"],
  ["«b|title|«a|5|7»»", "field title: 5 is not 7"],
  ["at «b|x|«b|y|«0»»»!", "at field x: field y: nothing is here!"],
  // The last value takes what is left.
  ["«a|5|7|8»", "5 is not 7|8"],
  ["«a|5»", "5 is not "],
  // Of another version.
  ["«zz|5»", "«zz|5»"],
  ["field «title»", "field «title»"],
  ["plain", "plain"],
  ["", ""],
])("%s", (message, sentence) => {
  expect(explained(message, PROSE)).toBe(sentence);
});

test("where messages are sentences they stay as they are", () => {
  expect(explain("field title: 5 is not 7")).toBe("field title: 5 is not 7");
});
