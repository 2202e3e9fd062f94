/**
 * A ballot: the votes for and against one thing that no later vote has replaced, and one vote against is enough.
 *
 * It is what removing wins by. Each vote takes the place of all that its maker had seen, of either side, so what is
 * left are the concurrent last ones. A vote against must be remembered until somebody who has seen it votes again;
 * that is the price of removing winning, and why adding wins by default.
 */
import type { AuthorTable } from "./author-table.js";
import type { ByteReader, ByteWriter } from "./bytes.js";
import {
  beyond,
  compareDots,
  type Dots,
  joinDots,
  NO_DOTS,
  plusDot,
  type Seen,
  withoutDots,
} from "./dots.js";
import type { Author, Dot } from "./ids.js";

/** Never changed. */
export interface Ballot {
  readonly yes: Dots;
  readonly no: Dots;
}

export const NO_VOTES: Ballot = Object.freeze({ yes: NO_DOTS, no: NO_DOTS });

/** True if somebody is for it and nobody against. */
export function isCarried(ballot: Ballot): boolean {
  return ballot.yes.length > 0 && ballot.no.length === 0;
}

export function hasVotes(ballot: Ballot): boolean {
  return ballot.yes.length > 0 || ballot.no.length > 0;
}

/** True if somebody else is for it. */
export function hasVotesOfOthers({ yes }: Ballot, author: Author): boolean {
  return yes.some((dot) => dot.author !== author);
}

/** All votes, of both sides. */
export function votes(ballot: Ballot): Dots {
  if (ballot.no.length === 0) return ballot.yes;
  return [...ballot.yes, ...ballot.no].sort(compareDots);
}

/** The ballot after a vote `dot`, if there is one, in place of others. */
export function voted(ballot: Ballot, side: "yes" | "no" | undefined, dot: Dot, replaces: Dots): Ballot {
  const yes = withoutDots(ballot.yes, replaces);
  const no = withoutDots(ballot.no, replaces);
  if (side === undefined) return { yes, no };
  return side === "yes" ? { yes: plusDot(yes, dot), no } : { yes, no: plusDot(no, dot) };
}

/** The ballot without the votes up to one counter per author. */
export function forgotten({ yes, no }: Ballot, upTo: Dots): Ballot {
  return { yes: beyond(yes, upTo), no: beyond(no, upTo) };
}

export function joinBallots(mine: Ballot, mineSeen: Seen, theirs: Ballot, theirsSeen: Seen): Ballot {
  return {
    yes: joinDots(mine.yes, mineSeen, theirs.yes, theirsSeen),
    no: joinDots(mine.no, mineSeen, theirs.no, theirsSeen),
  };
}

export function writeBallot(out: ByteWriter, ballot: Ballot, authors: AuthorTable): void {
  authors.writeCountedDots(out, ballot.yes);
  authors.writeCountedDots(out, ballot.no);
}

export function readBallot(input: ByteReader, authors: AuthorTable): Ballot {
  const at = input.offset;
  const yes = authors.readCountedDots(input);
  const no = authors.readCountedDots(input);
  if (withoutDots(yes, no).length < yes.length) input.fail("a vote on both sides", at);
  return { yes, no };
}
