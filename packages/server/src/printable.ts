/** Text from outside, as it may stand in a line for people: nothing in it breaks the line or moves the cursor. */
export const printable = (given: string): string =>
  given.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
