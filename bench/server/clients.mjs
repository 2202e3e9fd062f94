/** Clients of any system, alike: they join, write what was prepared, and count what others wrote. */
import { openSocket } from "./socket.mjs";

const READY_MS_MAX = 60_000;

/**
 * Resolves when the client has the document. `on.delivered(count)` is called for writes of others; `keep` keeps what
 * comes, so that `registers()` can say what it means.
 */
export function join(
  language,
  port,
  doc,
  n,
  { delivered, acknowledged, committed, keep = false, entriesPerWrite = 1 } = {},
) {
  if (language.session === undefined || (keep && language.connect !== undefined)) {
    return language.connect(port, doc, n, { delivered, acknowledged });
  }
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`client ${n} is not ready`)), READY_MS_MAX);
    let socket;
    const session = language.session(doc, n, {
      keep,
      acknowledged,
      committed,
      entriesPerWrite,
      ready: () => {
        clearTimeout(deadline);
        resolve({
          write: (prepared) => session.write(prepared),
          writeMany: (prepared) => session.writeMany(prepared),
          registers: () => session.registers(),
          close: () => socket.close(),
          bytesRead: () => socket.bytesRead,
        });
      },
    });
    socket = openSocket(port, language.path(doc), {
      open: () => session.opened((payload) => socket.send(payload)),
      frame(payload, isText) {
        const count = session.frame(payload, isText);
        if (count > 0) delivered?.(count);
      },
    });
  });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The entries of the i-th write: one of a hundred small registers. */
export const smallWrite = (i) => [[`key-${i % 100}`, i]];

/** Resolves when `isDone()`, looked at every few milliseconds; rejects after `msMax`. */
export async function until(what, isDone, msMax) {
  const deadline = performance.now() + msMax;
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${msMax} ms`);
    await pause(5);
  }
}

/** That many milliseconds, or less if it is over before. */
export async function passed(ms, isOver) {
  const end = performance.now() + ms;
  while (performance.now() < end && !isOver()) await pause(2);
}
