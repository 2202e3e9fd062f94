/** The ports that we warn of are those to which `fetch` does not go. */
import { expect, test } from "vitest";
import { isBlockedPort } from "../../packages/server/src/blocked-ports.js";

test("fetch refuses each of them", async () => {
  const blocked = Array.from({ length: 65_536 }, (_, port) => port).filter((port) =>
    isBlockedPort(`ws://localhost:${port}`),
  );
  expect(blocked.length).toBeGreaterThan(75);
  for (const port of blocked) {
    const refusal = await fetch(`http://127.0.0.1:${port}`).catch(({ cause }) => cause?.message);
    expect(refusal, String(port)).toBe("bad port");
  }
  for (const url of ["ws://localhost", "wss://localhost", "ws://localhost:1234", "ws://localhost:4443"])
    expect(isBlockedPort(url)).toBe(false);
});
