import type { MutableVector } from "@syncline/core";
import { joinInto } from "@syncline/core";
import type { Cluster } from "../cluster.js";
import type { SessionRecorder } from "./recorder.js";
import { spansOf } from "./recorder.js";

/**
 * Callers over HTTP: they ask any node for a document, and send back the token of each answer.
 *
 * Sometimes one brings the token of a write that a client was told of. Who asks anew has given up what he asked before:
 * an answer that comes then is not read by anybody.
 */
export class Callers {
  private readonly callers = new Map<string, Caller>();

  constructor(private readonly cluster: Cluster) {}

  /** Returns whether the node was there to be asked. */
  ask(name: string, question: Question): boolean {
    const node = this.cluster.nodes.get(question.node);
    if (node === undefined || !node.isUp) return false;
    const caller = this.caller(name);
    const { document, maxStalenessMs } = question;
    const handed = this.cluster.clients.get(question.after ?? "")?.watching.token;
    const took = handed === undefined ? {} : { took: handed.name };
    if (handed !== undefined) joinInto(caller.token, handed.vector);
    caller.asked += 1;
    const number = caller.asked;
    const at = this.cluster.time.now;
    const bound = maxStalenessMs === undefined ? {} : { maxStalenessMs };
    node.ask(document, { token: new Map(caller.token), waitMs: WAIT_MS, ...bound }, (answer) => {
      if (!answer.ok || caller.asked !== number) return;
      const shows = answer.document === undefined ? [] : spansOf(answer.document);
      const value = answer.document?.toJSON() ?? {};
      joinInto(caller.token, answer.token);
      const unheard = maxStalenessMs === undefined ? [] : this.cluster.hearsay.unheardBy(question.node);
      const unheardOf = unheard.length === 0 ? {} : { unheardOf: unheard };
      const lates = maxStalenessMs === undefined ? [] : this.cluster.late.unheardBy(question.node, document);
      const late = lates.length === 0 ? {} : { late: lates };
      const asked = { at, value, where: question.node, ...took, ...bound };
      caller.notes.saw(document, shows, { ...asked, ...unheardOf, ...late });
    });
    return true;
  }

  private caller(name: string): Caller {
    let caller = this.callers.get(name);
    if (caller === undefined) {
      caller = { notes: this.cluster.recorder.session(name), token: new Map(), asked: 0 };
      this.callers.set(name, caller);
    }
    return caller;
  }
}

export interface Question {
  readonly node: string;
  readonly document: string;
  /** How old the answer may be. */
  readonly maxStalenessMs?: number;
  /** The client whose last token is presented too. */
  readonly after?: string;
}

interface Caller {
  readonly notes: SessionRecorder;
  readonly token: MutableVector;
  asked: number;
}

const WAIT_MS = 3_000;
