/**
 * Who can have heard of a master that was made by force.
 *
 * A promotion that does without those who are not heard tells nobody who is cut off from it: he goes on with the masters that
 * he knows, and within no bound can he show what a master has accepted of which no word has come to him. So the check of such
 * reads has to know of whom a node cannot have heard, and it takes as little as can be for that: whoever was greeted by
 * the new master has heard of it, whoever gets any frame that was sent by somebody who had has heard of it too, and nobody
 * forgets it. A promotion that heard everybody whom it needs excuses nothing.
 */
export class Hearsay {
  /** By the name of the master, who has heard of it. */
  private readonly heard = new Map<string, Set<string>>();
  private readonly doubted = new Set<string>();

  /** A node becomes a master by force. */
  forced(name: string): void {
    this.doubted.add(name);
    this.heard.set(name, new Set([name]));
  }

  /** A node has become a master, by force or not. */
  promoted(name: string): void {
    if (!this.doubted.delete(name)) this.heard.delete(name);
  }

  /** A node is connected with that master, and was told that it is one. */
  greeted(name: string, by: string): void {
    this.heard.get(by)?.add(name);
  }

  /** A frame is sent. What this returns is to be called when it arrives. */
  sent(from: string, to: string): (() => void) | undefined {
    const told: Set<string>[] = [];
    // What a master sends itself before it has greeted anybody says only that it has another role.
    for (const [master, names] of this.heard)
      if (master !== from && names.has(from) && !names.has(to)) told.push(names);
    if (told.length === 0) return undefined;
    return () => {
      for (const names of told) names.add(to);
    };
  }

  /** The masters of which this node cannot have heard. */
  unheardBy(name: string): string[] {
    return [...this.heard].filter(([, names]) => !names.has(name)).map(([master]) => master);
  }
}
