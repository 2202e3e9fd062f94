/**
 * Reads what strace wrote: the system calls of a process with all its threads, in order, each with where it began and
 * where it ended.
 */
export interface Call {
  readonly name: string;
  /** Arguments and result as strace prints them. */
  readonly text: string;
  readonly result: number;
  /** Line numbers: a call that ended before another began has `end` below its `start`. */
  readonly start: number;
  readonly end: number;
}

export function callsOf(trace: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { name: string; text: string; start: number }>();
  trace.split("\n").forEach((line, at) => {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    const begun = resumed === null ? /^(\w+)\((.*)$/.exec(rest) : null;
    if (begun !== null && rest.endsWith("<unfinished ...>")) {
      unfinished.set(pid, { name: begun[1] ?? "", text: begun[2] ?? "", start: at });
      return;
    }
    const before = resumed === null ? undefined : unfinished.get(pid);
    const name = begun?.[1] ?? before?.name;
    if (name === undefined) return;
    unfinished.delete(pid);
    const text = before === undefined ? (begun?.[2] ?? "") : before.text + (resumed?.[2] ?? "");
    const result = Number(/= (-?\d+)[^=]*$/.exec(text)?.[1] ?? Number.NaN);
    calls.push({ name, text, result, start: before?.start ?? at, end: at });
  });
  return calls;
}

/**
 * The lines `durable <label>` that were written too early, each with what is missing. In order there must be: a write
 * of a page that contains `<label>` to the data file; a sync of that file; a write to it through a descriptor
 * that syncs each write (the head page, which makes the others count); the line.
 */
export function tooEarly(trace: string): string[] {
  const calls = callsOf(trace);
  const synced = new Set<string>();
  const plain = new Set<string>();
  const isData = /data\.mdb/;
  for (const call of calls) {
    if (call.name !== "openat" || !isData.test(call.text) || call.result < 0) continue;
    (/O_D?SYNC/.test(call.text) ? synced : plain).add(`${call.result}`);
  }
  const descriptor = (call: Call) => /^\d+/.exec(call.text)?.[0] ?? "";
  const isWrite = (call: Call) => /^p?writev?(64|2)?$/.test(call.name) && call.result > 0;
  const pages = calls.filter((call) => isWrite(call) && plain.has(descriptor(call)));
  const heads = calls.filter((call) => isWrite(call) && synced.has(descriptor(call)));
  const syncs = calls.filter(
    (call) => /^f(data)?sync$/.test(call.name) && plain.has(descriptor(call)) && call.result === 0,
  );
  const complaints: string[] = [];
  for (const report of calls) {
    const label = report.name === "write" ? /durable (<[\w-]+>)/.exec(report.text)?.[1] : undefined;
    if (label === undefined) continue;
    const next = (from: readonly Call[], after: number, test = (_: Call) => true) =>
      from.find((call) => call.start > after && call.end < report.start && test(call));
    const page = next(pages, -1, (call) => call.text.includes(label));
    const sync = page && next(syncs, page.end);
    const head = sync && next(heads, sync.end);
    if (page === undefined) complaints.push(`${label}: not written`);
    else if (sync === undefined) complaints.push(`${label}: not synced`);
    else if (head === undefined) complaints.push(`${label}: not made to count`);
  }
  return complaints;
}
