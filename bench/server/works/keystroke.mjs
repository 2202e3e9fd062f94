/**
 * A keystroke beside what the server cannot look into: one writer and one reader of one document, 64 changes
 * at once and the next when the reader has them all, so that the server finds as much in a turn on a busy machine as on a
 * quiet one. Opaque ops of 25 bytes, of a kind that no server knows; writes of a register of as many; keystrokes into a text of
 * 20,000 characters, one a change, each an update of Yjs of about as many bytes; and again and again in turn, because what
 * comes later finds the server warmer, and the machine may do other things meanwhile.
 */
import * as Y from "yjs";
import { textLog } from "../../ours.mjs";
import { quantile } from "../../statistics.mjs";
import { join, passed, until } from "../clients.mjs";

const AT_ONCE = 64;
const OPAQUE_BYTES = 25;
/** A kind of a later version. */
const UNKNOWN_KIND = 200;

export const keystroke = {
  name: "keystroke",
  title: "A keystroke, and an opaque message of 25 bytes",
  memoryOnly: true,
  onlyFor: "syncline",
  metrics: {
    text: { title: "server CPU per keystroke", unit: "µs", better: "less" },
    opaque: { title: "per opaque message", unit: "µs", better: "less" },
    register: { title: "per register write", unit: "µs", better: "less" },
    ratio: { title: "keystroke to opaque", unit: "×", better: "less", goal: "≤ 1.2" },
    bytes: { title: "an update", unit: "B", better: "less" },
  },
  sizes: {
    full: { characters: 20_000, prepared: 40_000, warmMs: 500, ms: 1_000, turns: 3, rounds: 5 },
    smoke: { characters: 200, prepared: 400, warmMs: 20, ms: 60, turns: 1 },
  },

  async run({ server, language, size }) {
    const spent = { text: [], opaque: [], register: [] };
    const updates = typed(size);
    const makers = {
      opaque: () => opaqueOf,
      register: () => (draft, i) => draft.register("notes").set(new Uint8Array(OPAQUE_BYTES).fill(i % 251)),
      text: () => (draft, i) => draft.at("notes", textLog).bring(updates[i]),
    };
    let n = 0;
    const order = Array(size.turns).fill(["opaque", "register", "text", "text", "register", "opaque"]).flat();
    for (const kind of order) {
      n += 1;
      // The first update is the text that is there already.
      const changes = await language.prepareChanges(`${kind}-${n}`, n, size.prepared, makers[kind]());
      spent[kind].push(await cpuOf(language, server, size, `${kind}-${n}`, n, changes));
    }
    const [text, opaque, register] = [spent.text, spent.opaque, spent.register].map((each) =>
      quantile(
        [...each].sort((a, b) => a - b),
        0.5,
      ),
    );
    const bytes = updates.slice(1).reduce((sum, { length }) => sum + length, 0) / (updates.length - 1);
    return { text, opaque, register, ratio: text / opaque, bytes };
  },
};

function opaqueOf(draft, i) {
  const bytes = new Uint8Array(OPAQUE_BYTES).fill(i % 251);
  draft.play([{ name: "notes", kind: UNKNOWN_KIND }], { act: "opaque", bytes });
}

/** What is typed, in words here and there, as updates: first the text, then its keystrokes. */
function typed({ characters, prepared }) {
  const doc = new Y.Doc();
  const updates = [];
  doc.on("update", (update) => updates.push(update));
  const text = doc.getText("notes");
  text.insert(0, "x".repeat(characters));
  let at = 0;
  while (updates.length < prepared) {
    if (updates.length % 40 === 1) at = (at * 31 + 7_919) % text.length;
    text.insert(at, "e");
    at += 1;
  }
  return updates;
}

/** Microseconds of the server's processor for one change. */
async function cpuOf(language, server, size, doc, n, changes) {
  let received = 0;
  let sent = 0;
  let isOver = false;
  const writer = await join(language, server.port, doc, 2 * n);
  const pump = () => {
    if (isOver || sent > received || sent === changes.length) return;
    const more = changes.slice(sent, sent + AT_ONCE);
    sent += more.length;
    for (const change of more) writer.write(change);
  };
  const reader = await join(language, server.port, doc, 2 * n + 1, {
    delivered(count) {
      received += count;
      pump();
    },
  });
  pump();
  await passed(size.warmMs, () => sent >= changes.length / 3);
  const [cpuBefore, before] = [await server.cpuMicros(), received];
  await passed(size.ms, () => sent >= changes.length);
  const [after, cpuAfter] = [received, await server.cpuMicros()];
  isOver = true;
  await until("the reader has everything", () => received === sent, 30_000);
  writer.close();
  reader.close();
  return (cpuAfter - cpuBefore) / (after - before);
}
