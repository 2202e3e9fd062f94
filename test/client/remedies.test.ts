/** What people can do about an error, which an app ships only if it says so. */
import { remedyOf, SynclineError } from "@syncline/client";
import { ERROR_CODES, REMEDIES } from "@syncline/protocol";
import { expect, test } from "vitest";

test.each([
  ["PROTOCOL_VERSION", "Upgrade the older end."],
  ["FORBIDDEN", "Ask for the right to do this."],
  ["SCHEMA_VERSION", "Update the app: what it has not sent is kept."],
  ["UNREACHABLE", "Check the URL, and that a server listens there. It is tried again by itself."],
  ["INVALID_VALUE", "Correct what the message names."],
] as const)("%s: %s", (code, remedy) => {
  expect(remedyOf(new SynclineError(code, "what happened"))).toBe(remedy);
});

test("every code of servers has its own", () => {
  for (const code of ERROR_CODES) expect(remedyOf(new SynclineError(code, ""))).toBe(REMEDIES[code]);
  expect(new Set(Object.values(REMEDIES)).size).toBeGreaterThan(ERROR_CODES.length - 3);
});
