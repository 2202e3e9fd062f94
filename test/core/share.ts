/**
 * Less than 1 for whoever runs all of it very often, as mutation does: of what is drawn at random this share is drawn, and
 * what must have come about in it has to have come about as much less often.
 */
export const SHARE = Number(process.env.SYNCLINE_SHARE ?? 1);

/** Of so many draws. */
export const draws = (all: number): number => Math.min(all, Math.max(5, Math.ceil(all * SHARE)));

/** More than so often. */
export const often = (times: number): number => (SHARE < 1 ? Math.floor((times * SHARE) / 2) - 1 : times);
