/**
 * Who hears of what happens in a document: `observe`, `UndoHistory` and digests.
 *
 * A document knows no more of them than `DocumentWatch`, so a program that watches nothing ships none of this, and looks for
 * nobody at every op.
 */
import type { Change } from "./change.js";
import { shifted } from "./descent.js";
import { BareDocument, type DocumentWatch } from "./document.js";
import type { RecordingWatch } from "./draft.js";
import type { Fields } from "./fields.js";
import type { Author, Dot } from "./ids.js";
import type { Path } from "./path.js";
import type { Op } from "./types.js";

/** Who hears of every place before something is done there, and when it is done. */
export interface Watcher {
  /** Undefined: anything may change. */
  before(path: Path | undefined): void;
  /** An op is about to be made by a transaction. */
  made?(path: Path, op: Op, dot: Dot): void;
  /** Undefined: nothing has changed after all. `author` is undefined for a merge. */
  after(origin: Origin | undefined): void;
}

type Origin = { readonly local: boolean; readonly author: Author | undefined };

/** Tells a watcher of a document from now on. Returns a function that ends it. Throws `BrokenInvariant` within a transaction. */
export function watch(document: BareDocument, watcher: Watcher): () => void {
  document.mustBeIdle();
  const { watchers } = BareDocument.watchOf(document, () => new Watching()) as Watching;
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

class Watching implements DocumentWatch {
  readonly watchers = new Set<Watcher>();

  before(path: Path | undefined): void {
    for (const watcher of this.watchers) watcher.before(path);
  }

  applying(change: Change, fields: Fields): void {
    for (const path of change.paths) this.before(path);
    for (const { path: index, op } of change.ops) {
      const path = change.paths[index]!;
      shifted(fields.root(path), path, op, (at) => this.before(at));
    }
  }

  recording(): RecordingWatch {
    // Those who are there now hear all of it.
    const makers = [...this.watchers].filter(({ made }) => made !== undefined);
    const before = (path: Path): void => this.before(path);
    return {
      before,
      shifting: (root, path, op) => shifted(root, path, op, before),
      made(path, op, dot) {
        for (const watcher of makers) watcher.made?.(path, op, dot);
      },
    };
  }

  after(origin: Origin | undefined, left = [...this.watchers].values()): void {
    try {
      for (const watcher of left) watcher.after(origin);
    } catch (error) {
      // The others keep what was before the change until they hear of it, and would take it for the next one's.
      this.after(origin, left);
      throw error;
    }
  }
}
