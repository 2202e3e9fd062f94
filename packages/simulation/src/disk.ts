import {
  type Scheduler,
  type Storage,
  type StorageRange,
  type StorageWrite,
  StoreFull,
} from "@syncline/engine";
import type { SeededRandom } from "./random.js";

/**
 * A disk that can be slow, full, broken, restored from a backup, and whose process can die at any moment.
 *
 * It keeps the commits that it was given, in order, over a plain store that is handed in. After a crash it has every
 * commit that was reported durable, and of those under way the first few: which, the seed decides, because a process
 * that dies during a flush cannot know how far it came. A backup is the state after an earlier commit.
 *
 * Commits are atomic, as the contract of `Storage` says and as the tests of the real stores prove; a torn write is
 * therefore one that a store could not notice: a value that is cut short, for whoever reads it to notice.
 */
export interface DiskFaults {
  /** Milliseconds from a commit to its end, drawn from [min, max]. */
  flushMsMin: number;
  flushMsMax: number;
  /** There is no room for any commit, as long as this holds. */
  full: boolean;
}

/** A plain store on which commits take effect at once. */
export interface PlainStorage {
  get(key: Uint8Array): Uint8Array | undefined;
  scan(range: StorageRange): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  apply(writes: readonly StorageWrite[]): void;
}

interface Commit {
  readonly writes: readonly StorageWrite[];
  readonly done: (failure?: Error) => void;
}

/** When, seen from a flush, the process dies. */
export type CrashMoment = "before" | "during" | "after";

export class SimDisk {
  readonly faults: DiskFaults = { flushMsMin: 1, flushMsMax: 10, full: false };
  /** How often something happened. */
  readonly counts = {
    commits: 0,
    lostCommits: 0,
    survivedCommits: 0,
    failedCommits: 0,
    failedFlushes: 0,
    crashesBeforeFlush: 0,
    crashesDuringFlush: 0,
    crashesAfterFlush: 0,
    torn: 0,
    restores: 0,
    flips: 0,
  };
  private history: (readonly StorageWrite[])[] = [];
  private plain: PlainStorage;
  private backups: number[] = [];
  private underWay: Commit[] = [];
  /** Counts the processes that have used this disk; callbacks of a dead one do nothing. */
  private life = 0;
  /** The process dies at its next flush. */
  private doom: { readonly moment: CrashMoment; readonly died: () => void } | undefined;
  private flushFails = false;

  constructor(
    private readonly random: SeededRandom,
    private readonly makePlain: () => PlainStorage,
  ) {
    this.plain = makePlain();
  }

  /** The store for a new process. Whoever had it before is dead. */
  mount(scheduler: Scheduler): Storage {
    this.life += 1;
    const life = this.life;
    const isMine = () => life === this.life;
    let busyUntil: (() => void) | undefined;
    let closing: (() => void) | undefined;
    const next = () => {
      const commit = this.underWay[0];
      if (commit === undefined) {
        busyUntil = undefined;
        closing?.();
        return;
      }
      const { flushMsMin, flushMsMax } = this.faults;
      busyUntil = scheduler.after(flushMsMin + this.random.float() * (flushMsMax - flushMsMin), () => {
        if (!isMine()) return;
        if (this.doom !== undefined) {
          this.die(this.doom);
          return;
        }
        this.underWay.shift();
        if (this.flushFails) {
          this.failFlush(commit);
          return;
        }
        if (this.faults.full) {
          this.counts.failedCommits += 1;
          const refused = [commit, ...this.underWay];
          this.underWay = [];
          busyUntil = undefined;
          for (const each of refused) each.done(new StoreFull("a simulated disk"));
          return;
        }
        this.keep(commit.writes);
        commit.done();
        next();
      });
    };
    return {
      get: (key) => this.plain.get(key),
      scan: (range) => this.plain.scan(range),
      commit: (writes, done) => {
        if (!isMine()) return;
        this.underWay.push({ writes, done });
        if (busyUntil === undefined) next();
      },
      close: () =>
        new Promise((resolve) => {
          if (this.underWay.length === 0) resolve();
          else closing = resolve;
        }),
    };
  }

  /** The process is to die at its next flush; `died` is called when it has. */
  dieAtFlush(moment: CrashMoment, died: () => void): void {
    this.doom = { moment, died };
  }

  /** The next flush fails. */
  failNextFlush(): void {
    this.flushFails = true;
  }

  /** What was to come does not come. */
  mend(): void {
    this.doom = undefined;
    this.flushFails = false;
    this.faults.full = false;
  }

  /** A copy of everything, for another machine. */
  copy(): SimDisk {
    const copy = new SimDisk(this.random.fork(), this.makePlain);
    for (const writes of this.history) copy.keep(writes);
    return copy;
  }

  /** The process has died: of the commits under way some may have got through, the first ones. */
  crash(): void {
    this.endLife(this.random.integer(this.underWay.length + 1));
  }

  private die({ moment, died }: { moment: CrashMoment; died: () => void }): void {
    if (moment === "before") this.counts.crashesBeforeFlush += 1;
    else if (moment === "during") this.counts.crashesDuringFlush += 1;
    else this.counts.crashesAfterFlush += 1;
    if (moment === "during") this.crash();
    else this.endLife(moment === "before" ? 0 : 1);
    died();
  }

  private endLife(survived: number): void {
    this.life += 1;
    this.doom = undefined;
    for (const { writes } of this.underWay.slice(0, survived)) this.keep(writes);
    this.counts.survivedCommits += survived;
    this.counts.lostCommits += this.underWay.length - survived;
    this.underWay = [];
  }

  /** Nobody knows what is on a disk whose flush has failed: all of it, or nothing. */
  private failFlush(commit: Commit): void {
    this.flushFails = false;
    this.counts.failedFlushes += 1;
    if (this.random.chance(0.5)) this.keep(commit.writes);
    this.underWay = [];
    commit.done(new Error("EIO: the flush failed"));
  }

  backUp(): void {
    this.backups.push(this.history.length);
  }

  /** Puts an earlier state back; nothing at all if there is no backup. The process must be dead. */
  restore(): void {
    const upTo = this.backups.length === 0 ? 0 : this.random.pick(this.backups);
    this.counts.restores += 1;
    this.history = this.history.slice(0, upTo);
    this.backups = this.backups.filter((backup) => backup <= upTo);
    this.plain = this.makePlain();
    for (const writes of this.history) this.plain.apply(writes);
  }

  /** A new, empty disk. The process must be dead. */
  wipe(): void {
    this.life += 1;
    this.underWay = [];
    this.history = [];
    this.backups = [];
    this.plain = this.makePlain();
  }

  /** Flips one bit of one value that is stored. The process must be dead. */
  flipBit(range: StorageRange): boolean {
    const entries = [...this.plain.scan(range)];
    if (entries.length === 0) return false;
    const [key, value] = this.random.pick(entries);
    if (value.length === 0) return false;
    const damaged = new Uint8Array(value);
    const at = this.random.integer(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << this.random.integer(8));
    this.counts.flips += 1;
    this.plain.apply([{ key, value: damaged }]);
    return true;
  }

  /** Cuts short one value of what was written last. The process must be dead. */
  tear(): boolean {
    const whole = (this.history.at(-1) ?? []).filter(({ value }) => (value?.length ?? 0) > 0);
    if (whole.length === 0) return false;
    const { key, value } = this.random.pick(whole);
    this.counts.torn += 1;
    this.plain.apply([{ key, value: value!.slice(0, this.random.integer(value!.length)) }]);
    return true;
  }

  private keep(writes: readonly StorageWrite[]): void {
    this.counts.commits += 1;
    this.history.push(writes);
    this.plain.apply(writes);
  }
}
