/** The table of refusals: numbers for ever, and for each what follows from it. */
import { CODES, codeByNumber, type ErrorCode, fault } from "@syncline/protocol";
import { describe, expect, test } from "vitest";

/** On the wire for ever: lines are added, never changed. */
const NUMBERS: Record<ErrorCode, number> = {
  MALFORMED_MESSAGE: 1,
  UNEXPECTED_MESSAGE: 2,
  PROTOCOL_VERSION: 3,
  CLUSTER_MISMATCH: 4,
  PROOF_FAILED: 5,
  SELF_LINK: 6,
  GREETING_TIMEOUT: 7,
  SILENCE: 8,
  FRAME_SEQUENCE: 9,
  SLOW_PEER: 10,
  SHUTTING_DOWN: 11,
  SUPERSEDED: 12,
  UNREACHABLE: 13,
  OFFLINE_UNAVAILABLE: 14,
  OFFLINE_FULL: 15,
  OFFLINE_DAMAGED: 16,
  UNAUTHORIZED: 20,
  FORBIDDEN: 21,
  READ_ONLY_FOLLOWER: 22,
  MALFORMED_OP: 30,
  LIMIT_EXCEEDED: 31,
  OVERLOADED: 32,
  NOT_FOUND: 33,
  CAUSAL_WAIT_TIMEOUT: 34,
  CAUSES_MISSING: 35,
  IDENTITY_REUSED: 36,
  WRITE_CONCERN_UNSATISFIABLE: 37,
  STORAGE_FAILED: 38,
  INVALID_TOKEN: 39,
  QUORUM_WAIT_TIMEOUT: 40,
  STORAGE_FULL: 41,
  CLOCK_AHEAD: 42,
  NODE_CLOCK_AHEAD: 43,
  STALENESS_EXCEEDED: 50,
  PROMOTION_WOULD_LOSE: 51,
  NODE_RETIRED: 52,
  SCHEMA_CONFLICT: 53,
  LAST_MASTER: 54,
  ROLE_CHANGED: 55,
  RETIREMENT_WOULD_LOSE: 56,
  SCHEMA_VERSION: 60,
};

const names = Object.keys(CODES) as ErrorCode[];

test("every code has its number for ever", () => {
  expect(Object.fromEntries(names.map((name) => [name, CODES[name].number]))).toEqual(NUMBERS);
});

test("no number has two codes, and each finds its code", () => {
  expect(new Set(Object.values(NUMBERS)).size).toBe(names.length);
  for (const name of names) expect(codeByNumber(NUMBERS[name])).toBe(name);
  for (const unknown of [0, 17, 99, 127, Number.MAX_SAFE_INTEGER])
    expect(codeByNumber(unknown)).toBeUndefined();
});

test("numbers fit into one byte on the wire", () => {
  for (const name of names) expect(CODES[name].number).toBeLessThan(128);
});

describe("what users and tests hold on to", () => {
  test.each<[ErrorCode, number]>([
    ["READ_ONLY_FOLLOWER", 403],
    ["WRITE_CONCERN_UNSATISFIABLE", 503],
    ["CAUSAL_WAIT_TIMEOUT", 504],
    ["STALENESS_EXCEEDED", 503],
    ["PROMOTION_WOULD_LOSE", 409],
    ["MALFORMED_OP", 400],
    ["LIMIT_EXCEEDED", 413],
    ["OVERLOADED", 429],
    ["UNAUTHORIZED", 401],
    ["FORBIDDEN", 403],
    ["NOT_FOUND", 404],
    ["SCHEMA_CONFLICT", 409],
    ["LAST_MASTER", 409],
  ])("%s is %i over HTTP", (name, status) => {
    expect(CODES[name].http).toBe(status);
  });

  test("no write is finally refused for lack of quorum, lag or load", () => {
    for (const name of [
      "OVERLOADED",
      "LIMIT_EXCEEDED",
      "CAUSAL_WAIT_TIMEOUT",
      "CAUSES_MISSING",
      "WRITE_CONCERN_UNSATISFIABLE",
      "SHUTTING_DOWN",
      "STORAGE_FAILED",
      "STORAGE_FULL",
      "READ_ONLY_FOLLOWER",
      "SLOW_PEER",
    ] as const) {
      expect(CODES[name].retry, name).not.toBe("never");
    }
  });

  test("every code says what to do, in a sentence", () => {
    for (const name of names) expect(CODES[name].remedy, name).toMatch(/^[A-Z].{10,}\.$/);
  });

  test("statuses are those of errors", () => {
    for (const name of names) {
      expect(CODES[name].http, name).toBeGreaterThanOrEqual(400);
      expect(CODES[name].http, name).toBeLessThan(600);
    }
  });
});

test("a fault names masters only when it sends somewhere", () => {
  expect(fault("FORBIDDEN", "no")).toEqual({ code: "FORBIDDEN", reason: "no" });
  expect(fault("READ_ONLY_FOLLOWER", "no", [])).toEqual({
    code: "READ_ONLY_FOLLOWER",
    reason: "no",
    masters: [],
  });
});
