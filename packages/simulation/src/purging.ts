import {
  type BareDocument,
  type Change,
  changeId,
  documentId,
  KINDS,
  type PathStep,
  readDocumentId,
} from "@syncline/core";
import type { FieldIdentity, WriteAnswer } from "@syncline/engine";
import { mustEqual, Violation } from "./checks.js";
import type { Cluster, SimNode } from "./cluster.js";
import type { Inspection } from "./inspection.js";
import type { SessionRecorder } from "./sessions/recorder.js";
import { specifiedPurge } from "./specification/purge.js";

/**
 * Purges as operators order them, and what has become of each when all has settled.
 *
 * A purge is a change that a node makes itself. It may be lost with its node until it is called committed, and no client
 * brings it along. Where it has got through, nothing that it had seen is left: not in what the document shows, not behind a
 * deletion, not in the list of lost values, and in the end not in any node's records; and what it had not seen is all there.
 */
interface Purge {
  readonly change: Change;
  /** Undefined: all of the document. */
  readonly field: PathStep | undefined;
}

/** Until every node has let go of its records: those that are kept for a snapshot stay a minute. */
const CONFIRM_MS_MAX = 240_000;

export class Purging {
  private readonly made: Purge[] = [];
  /** Those that were called committed. */
  private readonly promised = new Set<string>();
  private readonly entered = new Set<string>();
  private readonly sessions = new Map<number, SessionRecorder>();

  constructor(
    private readonly cluster: Cluster,
    private readonly inspection: Inspection,
    /** Whether some disk has lost something, or a retirement was forced. */
    private readonly isLossy: () => boolean,
    private readonly count: (what: string) => void,
  ) {}

  /** Of a document that the node sees deleted. */
  purge(node: SimNode, document: string): void {
    this.write(node, undefined, (answer) =>
      node.engine.purge(readDocumentId(document), { ...OPTIONS, token: NOTHING }, answer),
    );
  }

  /** Of what the node sees dropped: a collection, or fields of it. Returns whether there is any. */
  purgeDropped(node: SimNode, collection: string, field: string | undefined): boolean {
    const found = node.engine.catalog().withId(collection);
    const fields: (FieldIdentity | undefined)[] =
      field === undefined
        ? found?.dropped === true
          ? [undefined]
          : []
        : (found?.fields.filter(({ name, dropped }) => name === field && dropped) ?? []);
    for (const each of fields) this.purgeAll(node, collection, each);
    return fields.length > 0;
  }

  private purgeAll(node: SimNode, collection: string, field: FieldIdentity | undefined): void {
    const keys = node.engine.allKeys(collection, undefined, 100);
    let left = keys.length;
    const dropAgain = (): void =>
      this.write(node, undefined, (answer) =>
        node.engine.dropAgain(collection, field, { ...OPTIONS, token: NOTHING }, answer),
      );
    for (const key of keys)
      this.write(node, field && stepOf(field), (answer) => {
        node.engine.purgeDropped({ collection, key }, field, OPTIONS, (done) => {
          if (done !== undefined) answer(done);
          left -= 1;
          // Whoever drops anew has seen what he has purged: it is shown here by then.
          if (left === 0 && node.isUp) node.engine.whenReadable(this.shown(node), dropAgain);
        });
      });
  }

  private shown(node: SimNode) {
    return { token: new Map(node.engine.heldVector()), waitMs: 5_000 };
  }

  /** Has a node write, and enters what it writes as something that may be lost. */
  private write(
    node: SimNode,
    field: PathStep | undefined,
    act: (answer: (answer: WriteAnswer) => void) => void,
  ): void {
    const { cluster } = this;
    node.making(
      () =>
        act((answer) => {
          const word = answer.ok ? answer.receipt.outcome : answer.fault.code;
          this.count(`purges: ${word}`);
          if (answer.ok && word === "committed") this.promised.add(answer.receipt.change ?? "");
        }),
      (change) => {
        // One act may be part of another one.
        if (this.entered.has(changeId(change))) return;
        this.entered.add(changeId(change));
        cluster.ledger.add(change);
        cluster.ledger.doubt(change);
        this.session(node.name, change.author).wrote(change);
        // A change of the schema says that something is dropped, still.
        if (change.document.collection !== "_syncline") this.made.push({ change, field });
      },
    );
  }

  private session(name: string, author: number): SessionRecorder {
    let session = this.sessions.get(author);
    if (session === undefined)
      this.sessions.set(author, (session = this.cluster.recorder.session(`the operator of ${name}`)));
    return session;
  }

  /** All has settled. Lets time pass until what must be confirmed is. */
  check(): void {
    const nodes = [...this.cluster.nodes.values()].filter((node) => node.isUp);
    for (const purge of this.made) {
      const { change } = purge;
      const has = (document: BareDocument | undefined): boolean =>
        (document?.counter(change.author) ?? 0) >= change.last;
      const id = documentId(change.document);
      if (nodes.every((node) => has(node.document(id)))) this.checkPurge(purge, nodes);
      else if (this.promised.has(changeId(change)) && !this.isLossy())
        throw new Violation(`I9: the purge ${id}@${changeId(change)} was called committed, and is lost`);
      else this.count("purges: lost with their nodes");
    }
  }

  private checkPurge({ change, field }: Purge, nodes: readonly SimNode[]): void {
    const id = documentId(change.document);
    const what = `of what ${changeId(change)} has purged of ${field?.name ?? id}`;
    const document = nodes[0]?.document(id);
    const held = this.cluster.ledger
      .of(id)
      .filter(({ author, last }) => (document?.counter(author) ?? 0) >= last);
    const { shows, must, lost, isAll } = specifiedPurge(change, field, held);
    mustEqual(what, shows, must);
    mustEqual(`what is lost ${what}`, lost, []);
    for (const node of nodes)
      mustEqual(`what ${node.name} would bring back of ${id}`, behind(node, id, field), shows);
    const stateOf = (node: SimNode): string =>
      node.engine.purgeState(change.document, field && identityOf(field)).state;
    if (Object.keys(shows).length > 0) {
      this.count("purges: something remains that they had not seen");
      const wrong = nodes.find((node) => stateOf(node) !== "present");
      if (wrong)
        throw new Violation(`I9: ${wrong.name} says ${stateOf(wrong)} ${what}, and it shows something`);
    }
    if (!isAll || !this.isStill(nodes[0]!, change, field)) return;
    // The purge itself among it: it names the lost values that it takes off the list.
    const seen = held.filter((one) => one === change || isAbout(one, field));
    const isGone = () =>
      nodes.every((node) => ["purged", "unknown"].includes(stateOf(node))) &&
      !seen.some((one) => this.inspection.isKept(one));
    this.cluster.passUntil(`nothing is left ${what}`, isGone, CONFIRM_MS_MAX);
    this.count("purges: confirmed by every node");
  }

  /** What is purged is deleted, or dropped, still: nobody lets go of records early for what was brought back. */
  private isStill(node: SimNode, { document }: Change, field: PathStep | undefined): boolean {
    if (field === undefined) return node.document(documentId(document))?.isDeleted === true;
    const fields = node.engine.catalog().withId(document.collection)?.fields ?? [];
    return fields.some(({ id, kind, dropped }) => id === field.name && KIND[kind] === field.kind && dropped);
  }
}

const NOTHING = new Map();
const OPTIONS = { level: "committed", waitMs: 10_000 } as const;

const KIND: Readonly<Record<string, number>> = KINDS;

const stepOf = ({ id, kind }: FieldIdentity): PathStep => ({ name: id, kind: KIND[kind] ?? 0 });

const identityOf = ({ name, kind }: PathStep): FieldIdentity => ({
  id: name,
  kind: Object.keys(KIND).find((word) => KIND[word] === kind) as FieldIdentity["kind"],
});

const isAbout = ({ paths }: Change, field: PathStep | undefined): boolean =>
  paths.some(([step]) =>
    field === undefined ? true : step!.name === field.name && step!.kind === field.kind,
  );

/** What a node has of a document, or of a field of it, whatever a deletion hides. */
function behind(node: SimNode, id: string, field: PathStep | undefined): Record<string, unknown> {
  const document = node.engine.documentFromDisk(readDocumentId(id));
  document?.transact({ author: 1, stamp: 1, asIs: true }, (draft) => draft.restoreDocument());
  return Object.fromEntries(
    Object.entries(document?.toJSON() ?? {}).filter(
      ([name, value]) =>
        (field === undefined || name === field.name) &&
        !(value === 0 || (Array.isArray(value) && value.length === 0)),
    ),
  );
}
