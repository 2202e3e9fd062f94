import { atomicVisibility } from "./atomic-visibility.js";
import { Changes } from "./changes.js";
import { exactlyOnce } from "./exactly-once.js";
import { honestOutcomes } from "./honest-outcomes.js";
import { monotonicReads } from "./monotonic-reads.js";
import { monotonicWrites } from "./monotonic-writes.js";
import { Past } from "./past.js";
import { readYourWrites } from "./read-your-writes.js";
import type { Read, Recording } from "./recording.js";
import type { Rule, Specification } from "./rule.js";
import { staleness } from "./staleness.js";
import { writesFollowReads } from "./writes-follow-reads.js";

/**
 * The checker of what clients saw: holds a recording against what every session was promised.
 *
 * It knows nothing of streams, vectors and nodes, so it cannot make the mistakes that they make: it compares what was
 * shown with what was shown, written and told before. The four session guarantees are those of Terry et al., "Session
 * Guarantees for Weakly Consistent Replicated Data" (1994), causes followed back to the beginning.
 */
export const GUARANTEES = {
  "read your writes": readYourWrites,
  "monotonic reads": monotonicReads,
  "monotonic writes": monotonicWrites,
  "writes follow reads": writesFollowReads,
  "atomic visibility": atomicVisibility,
  "exactly once": exactlyOnce,
  "honest outcomes": honestOutcomes,
  staleness,
} as const satisfies Record<string, Rule>;

export type Guarantee = keyof typeof GUARANTEES;

/** Something that was promised and not kept. */
export interface Breach {
  readonly guarantee: Guarantee;
  /** Place in the recording of the event that shows it. */
  readonly event: number;
  /** Who was shown what and when, and what was owed. */
  readonly line: string;
}

/** Nobody reads more. */
const BREACHES_MAX = 100;

/** What was not kept, in the order of the recording: of each guarantee one line for each read. */
export function checkSessions(recording: Recording, specification: Specification): Breach[] {
  const changes = new Changes(recording);
  const past = new Past(changes);
  const breaches: Breach[] = [];
  recording.events.forEach((event, index) => {
    const twofold = event.did === "write" && changes.clashes.find(({ write }) => write === event);
    if (twofold) {
      const line = `exactly once: ${event.session} wrote ${event.change} at ${event.at}, and its ops were taken`;
      breaches.push({ guarantee: "exactly once", event: index, line });
    }
    const read = past.next(event);
    if (read === undefined) return;
    for (const [guarantee, rule] of Object.entries(GUARANTEES) as [Guarantee, Rule][]) {
      const wrong = rule(read, { changes, past, specification });
      if (wrong === undefined) continue;
      breaches.push({ guarantee, event: index, line: `${guarantee}: ${shows(read.event)} ${wrong}` });
    }
  });
  return breaches.slice(0, BREACHES_MAX);
}

function shows({ session, at, document, where }: Read): string {
  return `${session} is shown ${document}${where === undefined ? "" : ` by ${where}`} at ${at}`;
}
