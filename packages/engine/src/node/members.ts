import type { DocumentName, Draft, Value } from "@syncline/core";
import type { Claim, Limits } from "@syncline/protocol";
import { greatestClaim } from "./claims.js";
import type { Documents } from "./documents.js";
import type { Peers } from "./peers.js";
import type { Retirements } from "./retirements.js";
import { Revision } from "./revision.js";

/**
 * The cluster's member list: who belongs to it, in which role, and whose voice counts.
 *
 * The list is a document like any other, with a register for each node's name, so it replicates with the data, in
 * the same causal order, and is the same everywhere. Masters write it: whoever they meet, and has proven that it
 * belongs to the cluster, is enlisted. A node that is down is still a member. A master that has never met anybody
 * writes nothing: it is alone.
 */
export const MEMBERS: DocumentName = { collection: "_syncline", key: "members" };

/** Whether the cluster itself writes this document, and nobody else may. */
export const isReserved = ({ collection }: DocumentName): boolean => collection === MEMBERS.collection;

export interface Member {
  readonly role: "master" | "follower";
  /** Under which others reach it; empty if it has no URL. */
  readonly url: string;
  /** Whether it counts in `MAJORITY` and `ALL`. */
  readonly voter: boolean;
  /** A master that was a follower when others were started: they look for it without being told. */
  readonly promoted?: boolean;
  /** How many retirements of itself it knows of. Who knows of fewer than there were is no member (SPINE 17). */
  readonly generation?: number;
  /** A master's, where there is to be one. */
  readonly claim?: Claim | undefined;
}

export class Members {
  /** Moves whenever the list, or who is heard, may have changed. */
  readonly revision = new Revision();
  /** The revision at which everybody who is here stood in the list, or will. */
  private completeAt: number | undefined;
  private listed: ReadonlyMap<string, Member> | undefined;
  private known: ReadonlyMap<string, Member> | undefined;
  private first: ReturnType<typeof greatestClaim>;
  /** What this master has written and perhaps does not see yet, because its stream waits for a quorum. */
  private readonly written = new Map<string, Member>();

  constructor(
    private readonly self: { readonly name: string } & Member,
    private readonly documents: Documents,
    private readonly peers: Peers,
    private readonly limits: Limits,
    private readonly retirements: Pick<Retirements, "isRetired" | "generationOf">,
  ) {}

  /** The document has changed, or a node has come or gone. */
  changed(): void {
    this.listed = undefined;
    this.known = undefined;
    this.revision.next();
  }

  /** Every other node that is listed or heard. */
  others(): ReadonlyMap<string, Member> {
    if (this.known !== undefined) return this.known;
    const known = new Map(this.list());
    for (const { heard } of this.peers.all()) {
      for (const { node, role, url, voter, promoted, generation, claim } of heard.values())
        known.set(node, { role, url, voter, promoted, generation, claim });
    }
    for (const { peer, url, topology } of this.peers.all()) {
      if (peer.peer === "client") continue;
      const { claim } = topology;
      const { voter, promoted = false, generation = 0 } = peer;
      known.set(peer.name, { role: peer.peer, url, voter, promoted, generation, claim });
    }
    known.delete(this.self.name);
    for (const [name, { generation }] of known)
      if (this.retirements.isRetired(name, generation)) known.delete(name);
    this.first = greatestClaim([...known, [this.self.name, this.self]]);
    // Who was replaced is no master any more, though it may have to hear of it yet.
    for (const [name, member] of known)
      if (member.claim !== undefined && name !== this.first?.name)
        known.set(name, { ...member, role: "follower", promoted: false, claim: undefined });
    this.known = known;
    return known;
  }

  /** With `topology: single-master`, the one that is written to, as far as it is known here. */
  writer(): { readonly name: string; readonly claim: Claim } | undefined {
    this.others();
    return this.first;
  }

  /** The greatest term that anybody has claimed, as far as it is known here, also who is no master any more; -1 if none has. */
  greatestTerm(): number {
    const listed = Array.from(this.list().values(), ({ claim }) => claim?.term ?? -1);
    return Math.max(-1, this.writer()?.claim.term ?? -1, ...listed);
  }

  /** Names of the listed nodes that vote. */
  voters(): string[] {
    return [...this.list()]
      .filter(([name, { voter, generation }]) => voter && !this.retirements.isRetired(name, generation))
      .map(([name]) => name);
  }

  hasRoomFor(name: string): boolean {
    return this.others().has(name) || this.others().size < this.limits.membersMax;
  }

  /** What this master has to write so that the list says who is here; undefined if it does. */
  unlisted(): ((draft: Draft) => void) | undefined {
    if (!this.revision.hasMoved(this.completeAt) || this.others().size === 0) return undefined;
    const { name, role, url, voter, promoted = false, claim } = this.self;
    const generation = this.retirements.generationOf(name);
    const here = new Map<string, Member>([[name, { role, url, voter, promoted, generation, claim }]]);
    for (const name of this.peers.heardNodes()) {
      // Two processes under one name would have the list rewritten for ever.
      if (this.peers.isContested(name) && this.list().has(name)) continue;
      const member = this.others().get(name);
      if (member !== undefined) here.set(name, member);
    }
    const news = [...here].filter(
      ([name, member]) => !same(this.list().get(name), member) && !same(this.written.get(name), member),
    );
    if (news.length === 0) {
      this.completeAt = this.revision.number;
      return undefined;
    }
    return (draft) => {
      for (const [name, member] of news) {
        const { role, url, voter, promoted, generation = 0, claim } = member;
        const claimed = claim && { claim: [claim.term, claim.since] };
        draft.register(name).set({
          role,
          url,
          voter,
          ...(promoted && { promoted }),
          ...(generation > 0 && { generation }),
          ...claimed,
        });
        this.written.set(name, member);
      }
    };
  }

  /** The list, as it is shown here, names this node, and nobody else who was not retired: it knows that it is alone. */
  isAlone(): boolean {
    return this.list().has(this.self.name) && this.others().size === 0;
  }

  private list(): ReadonlyMap<string, Member> {
    if (this.listed !== undefined) return this.listed;
    const listed = new Map<string, Member>();
    for (const [name, value] of Object.entries(this.documents.shown(MEMBERS)?.toJSON() ?? {})) {
      const member = memberFrom(value);
      if (member !== undefined) listed.set(name, member);
    }
    this.listed = listed;
    return listed;
  }
}

/** A later version may write more about a member, or something else altogether: that is not this version's. */
function memberFrom(value: Value): Member | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    return undefined;
  }
  const { role, url, voter, promoted, generation, claim } = value as Readonly<Record<string, Value>>;
  if ((role !== "master" && role !== "follower") || typeof url !== "string" || typeof voter !== "boolean") {
    return undefined;
  }
  const known = typeof generation === "number" ? generation : 0;
  return {
    role,
    url,
    voter,
    promoted: promoted === true,
    generation: known,
    claim: role === "master" ? claimFrom(claim) : undefined,
  };
}

function claimFrom(value: Value | undefined): Claim | undefined {
  const [term, since] = Array.isArray(value) ? value : [];
  return typeof term === "number" && typeof since === "number" ? { term, since } : undefined;
}

const same = (a: Member | undefined, b: Member): boolean =>
  a !== undefined &&
  a.role === b.role &&
  a.url === b.url &&
  a.voter === b.voter &&
  (a.promoted ?? false) === (b.promoted ?? false) &&
  (a.generation ?? 0) === (b.generation ?? 0) &&
  a.claim?.term === b.claim?.term &&
  a.claim?.since === b.claim?.since;
