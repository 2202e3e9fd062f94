import { joinInto, type Vector } from "@syncline/core";
import type { Span } from "./sessions/recording.js";

/**
 * What was accepted without a takeover in doubt, and of which a node cannot have heard (decision 0118).
 *
 * Where one master is written to, a promotion with force goes on without what its former master has beyond what the promoted
 * node had. Nobody counts that one as a master any more, so no bound is about it, until word of it comes. The check of bounded
 * reads excuses as little as can be for that: only at nodes that can have heard of the takeover, only what was told by
 * those who went before it and is not in what the promoted node showed then, and only until a frame has come from somebody who had more
 * than it, or from somebody who had got one of such a node. An only master that is started again goes on in the same way without what it
 * had sent before its disk had it: only who has that can tell it.
 */
export interface Late {
  /** Those who were there when a node took over, and have not been made masters since. Undefined: whoever it is. */
  readonly by?: readonly string[];
  /** Of the document that is asked for, what that node showed then. */
  readonly without: readonly Span[];
  /** When a master began again: what was committed since is not meant. */
  readonly until?: number;
}

export interface LateNode {
  readonly name: string;
  readonly isUp: boolean;
  /** What its process shows. */
  readonly visible: Vector;
  /** The ops that it shows of a document. */
  spansOf(document: string): readonly Span[];
}

interface Takeover {
  /** All others, but for who has become a master since. */
  readonly before?: Set<string>;
  readonly until?: number;
  readonly had: Vector;
  readonly shown: ReadonlyMap<string, readonly Span[]>;
  /** Who can have heard of it. */
  readonly told: Set<string>;
  /** Who can have heard of more than it had. */
  readonly more: Set<string>;
}

export class LateWrites {
  private readonly takeovers: Takeover[] = [];

  constructor(
    private readonly nodes: () => Iterable<LateNode>,
    private readonly documents: () => Iterable<string>,
  ) {}

  /** A node has taken over, and does not know how much others have of these streams. */
  tookOver(by: LateNode, had: Vector): void {
    // Its own former streams are not among those of others.
    const all = new Map(had);
    joinInto(all, by.visible);
    const before = new Set(Array.from(this.nodes(), ({ name }) => name));
    before.delete(by.name);
    this.goesOn(by, { had: all, before });
  }

  /**
   * An only master has been started again. What it had sent before its disk had it, it may have forgotten, and others may have that:
   * it cannot know, until it hears one of them.
   */
  beganAgain(master: LateNode, now: number): void {
    this.goesOn(master, { had: new Map(master.visible), until: now });
  }

  private goesOn(node: LateNode, how: Pick<Takeover, "had" | "before" | "until">): void {
    const shown = new Map(Array.from(this.documents(), (id) => [id, node.spansOf(id)] as const));
    this.takeovers.push({ ...how, shown, told: new Set([node.name]), more: new Set() });
  }

  /** A node has become a master: what it accepts from now on is not late. */
  promoted(name: string): void {
    for (const { before } of this.takeovers) before?.delete(name);
  }

  /** A frame is sent. What this returns is to be called when it arrives. */
  sent(from: string, to: string): (() => void) | undefined {
    const heard: Set<string>[] = [];
    for (const takeover of this.takeovers) {
      const { told, more } = takeover;
      if (told.has(from)) heard.push(told);
      if (more.has(from) || this.hasMore(from, takeover)) heard.push(more);
    }
    const news = heard.filter((names) => !names.has(to));
    if (news.length === 0) return undefined;
    return () => {
      for (const names of news) names.add(to);
    };
  }

  /** What this node may lack of a document however old it may be. */
  unheardBy(name: string, document: string): Late[] {
    return this.takeovers.flatMap(({ before, told, more, shown, until }) => {
      if (!told.has(name) || more.has(name)) return [];
      const without = shown.get(document) ?? [];
      return [{ without, ...(before && { by: [...before] }), ...(until !== undefined && { until }) }];
    });
  }

  private hasMore(name: string, { had, told }: Takeover): boolean {
    for (const node of this.nodes()) {
      if (node.name !== name || !node.isUp) continue;
      for (const [stream, position] of node.visible) {
        const known = had.get(stream);
        // A stream that was opened since is more, if it is of somebody who goes on without the takeover.
        if (known === undefined ? !told.has(name) : position > known) return true;
      }
    }
    return false;
  }
}
