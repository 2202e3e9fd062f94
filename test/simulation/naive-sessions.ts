import type { Read, Recording, SessionEvent, Write } from "@syncline/simulation";

/**
 * The guarantees once more, word for word and as slowly as can be: for every read the whole recording is gone through
 * again, and causes are followed by asking the same of the moment at which a change was made. Written without a look at
 * how the checker does it; on small recordings both must find the same.
 */
export function naiveBreaches({ events, survives }: Recording): string[] {
  const found: string[] = [];
  const writes = events.filter((event): event is Write => event.did === "write");
  const made = new Map(writes.map((write) => [write.change, write]));
  const placeOf = (write: Write): number => {
    const first = write.insteadOf === undefined ? undefined : made.get(write.insteadOf);
    return first === undefined ? events.indexOf(write) : placeOf(first);
  };
  const refused = new Set(
    events.flatMap((event) => (event.did === "told" && event.outcome === "rejected" ? [event.change] : [])),
  );
  const givenUp = new Set(events.flatMap((event) => (event.did === "given-up" ? [event.change] : [])));
  const rescued = new Set(events.flatMap((event) => (event.did === "rescued" ? [event.change] : [])));

  const opsShown = (read: Read, write: Write) => {
    if (read.document !== write.document) return 0;
    let count = 0;
    for (let op = write.first; op <= write.last; op++) {
      if (read.shows.some(([author, first, last]) => author === write.author && first <= op && op <= last))
        count += 1;
    }
    return count;
  };
  const isWhole = (read: Read, write: Write) => opsShown(read, write) === write.last - write.first + 1;
  const wholeIn = (read: Read) => writes.filter((write) => isWhole(read, write));

  /** Reads and writes that a session, or whose token it took, knows of before a place in the recording. */
  interface Known {
    readonly written: Set<string>;
    readonly read: Set<string>;
  }
  function knownBefore(session: string, place: number): Known {
    const known: Known = { written: new Set(), read: new Set() };
    events.slice(0, place).forEach((event, index) => {
      if (!("session" in event) || event.session !== session) return;
      if (event.did === "write" && event.asked === undefined) known.written.add(event.change);
      if (event.did === "told" && made.has(event.change)) known.written.add(event.change);
      if (event.did !== "read") return;
      if (event.took !== undefined) take(event.took, index, known);
      for (const { change } of wholeIn(event)) known.read.add(change);
    });
    return known;
  }
  function take(token: string, place: number, known: Known): void {
    const giver = lastGiver(token, place);
    if (giver?.event.did === "told") known.written.add(giver.event.change);
    if (giver?.event.did === "read") {
      const its = knownBefore(giver.event.session, giver.place + 1);
      for (const change of its.written) known.written.add(change);
      for (const change of its.read) known.read.add(change);
    }
  }
  function lastGiver(token: string, place: number): { event: SessionEvent; place: number } | undefined {
    for (let index = place - 1; index >= 0; index--) {
      const event = events[index]!;
      if ("gave" in event && event.gave === token) return { event, place: index };
    }
    return undefined;
  }

  /** What somebody who is shown these changes is owed because of them: by whom it was written tells why. */
  function owedBy(shown: Iterable<string>): { read: Set<string>; written: Set<string> } {
    const owed = { read: new Set<string>(), written: new Set<string>() };
    for (const change of shown) {
      const write = made.get(change)!;
      const known = knownBefore(write.session, placeOf(write));
      // What its writer took from tokens is only the token's change: its causes come by the change itself.
      const direct = [...known.read, ...known.written].filter((other) => other !== change);
      const further = owedBy(direct.filter((other) => !own(write.session, other, placeOf(write))));
      const isLeft = (other: string) =>
        givenUp.has(other) || (rescued.has(change) && made.get(other)!.document !== write.document);
      for (const other of [...known.read, ...further.read]) if (!isLeft(other)) owed.read.add(other);
      for (const other of [...known.written, ...further.written]) if (!isLeft(other)) owed.written.add(other);
    }
    return owed;
  }
  function own(session: string, change: string, place: number): boolean {
    const write = made.get(change)!;
    return write.session === session && placeOf(write) < place;
  }

  events.forEach((event, place) => {
    if (event.did !== "read") return;
    const note = (guarantee: string) => found.push(`${place} ${guarantee}`);
    const lacks = (owed: Iterable<string>) =>
      [...owed].some((change) => {
        const write = made.get(change)!;
        return write.document === event.document && !refused.has(change) && !isWhole(event, write);
      });
    const known = knownBefore(event.session, place);
    if (event.took !== undefined) take(event.took, place, known);
    const shown = new Set([...known.read, ...wholeIn(event).map(({ change }) => change)]);
    const tokens = tokenChanges(event.session, place + 1);
    const owed = owedBy(new Set([...shown, ...tokens]));
    if (lacks(known.written)) note("read your writes");
    if (lacks(known.read)) note("monotonic reads");
    if (lacks(owed.written)) note("monotonic writes");
    if (lacks(owed.read)) note("writes follow reads");
    const counts = writes.map((write) => ({ write, count: opsShown(event, write) }));
    if (counts.some(({ write, count }) => count > 0 && !isWhole(event, write))) note("atomic visibility");
    const total = event.shows.reduce((sum, [, first, last]) => sum + last - first + 1, 0);
    const isUnmade = counts.reduce((sum, { count }) => sum + count, 0) < total;
    const isEarly = wholeIn(event).some((write) => placeOf(write) > place);
    if (isUnmade || isEarly) note("exactly once");
    const rejected = wholeIn(event).some(
      ({ change, session }) => refused.has(change) && (event.final === true || session !== event.session),
    );
    const lost = writes.some((write) => {
      if (event.final === undefined || write.document !== event.document || isWhole(event, write))
        return false;
      return committedLevels(write).some((level) => {
        const isHeld =
          write.asked === undefined &&
          !events.some((other) => other.did === "end" && other.session === write.session);
        return isHeld || level >= LEVEL[survives];
      });
    });
    if (rejected || lost) note("honest outcomes");
    const bound = event.maxStalenessMs;
    const isStale =
      bound !== undefined &&
      events.some(
        (other) =>
          other.did === "told" &&
          other.outcome === "committed" &&
          LEVEL[other.level] >= LEVEL[survives] &&
          other.at <= event.at - bound &&
          !givenUp.has(other.change) &&
          events.some(
            (word) =>
              word.did === "told" &&
              word.change === other.change &&
              (word.by === undefined || event.unheardOf?.includes(word.by) !== true),
          ) &&
          !event.late?.some(
            ({ by, without, until }) =>
              committedFirst(other.change) <= (until ?? Number.POSITIVE_INFINITY) &&
              events.every(
                (word) =>
                  word.did !== "told" ||
                  word.change !== other.change ||
                  by === undefined ||
                  (word.by !== undefined && by.includes(word.by)),
              ) &&
              writes.some(
                (write) => write.change === other.change && !isWhole({ ...event, shows: without }, write),
              ),
          ) &&
          lacks([other.change]),
      );
    if (isStale) note("staleness");
  });
  return found;

  function committedFirst(change: string): number {
    const told = events.flatMap((event) =>
      event.did === "told" &&
      event.change === change &&
      event.outcome === "committed" &&
      LEVEL[event.level] >= LEVEL[survives]
        ? [event.at]
        : [],
    );
    return Math.min(...told);
  }

  function committedLevels(write: Write): number[] {
    return events.flatMap((event) =>
      event.did === "told" && event.change === write.change && event.outcome === "committed"
        ? [LEVEL[event.level]]
        : [],
    );
  }
  /** Changes whose causes a session is owed because it took tokens: those of an answer to a write, or all of a reader's. */
  function tokenChanges(session: string, end: number): Set<string> {
    const result = new Set<string>();
    events.slice(0, end).forEach((event, index) => {
      if (event.did !== "read" || event.session !== session || event.took === undefined) return;
      const giver = lastGiver(event.took, index);
      if (giver?.event.did === "told") result.add(giver.event.change);
      if (giver?.event.did !== "read") return;
      for (const change of knownBefore(giver.event.session, giver.place + 1).read) result.add(change);
      for (const change of tokenChanges(giver.event.session, giver.place + 1)) result.add(change);
    });
    return result;
  }
}

const LEVEL = { received: 0, durable: 1, safe: 2 } as const;
