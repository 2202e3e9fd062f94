/**
 * What a node says of the cluster's topology: nothing where there are several masters; with one, that there is to be one, and
 * a master its claim to be that. In a greeting it stands where clients show their token: nodes have none.
 */
import type { ByteReader, ByteWriter } from "@syncline/core";

/** What a master says that is the only one of its cluster: of two claims one is greater. */
export interface Claim {
  /** Greater than all that were known when it was claimed. */
  readonly term: number;
  /** Wall-clock milliseconds since 1970 of the claim: of one term the earlier one is the greater. */
  readonly since: number;
}

export interface SaidOfTopology {
  /** This node wants one master in the cluster. */
  readonly isSingle: boolean;
  readonly claim: Claim | undefined;
}

const SINGLE = "single-master";

/** Empty where nothing is to be said. */
export function topologyText({ isSingle, claim }: SaidOfTopology): string {
  if (!isSingle) return "";
  return claim === undefined ? SINGLE : `${SINGLE} ${claim.term} ${claim.since}`;
}

/** Later versions may say more, or something else: what this one does not understand says nothing. */
export function readTopology(text: string): SaidOfTopology {
  const [word, term, since] = text.split(" ");
  const isClaim = [term, since].every((number) => /^\d{1,15}$/.test(number ?? ""));
  return {
    isSingle: word === SINGLE,
    claim: word === SINGLE && isClaim ? { term: Number(term), since: Number(since) } : undefined,
  };
}

export function writeClaim(out: ByteWriter, { term, since }: Claim): void {
  out.uint(term);
  out.uint(since);
}

export const readClaim = (input: ByteReader): Claim => ({ term: input.uint(), since: input.uint() });
