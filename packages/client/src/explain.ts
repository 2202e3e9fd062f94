/**
 * What messages stand for in a build for production, where they are marks: `«3f|5|7»` for a sentence with a 5 and a 7.
 *
 * For whoever reads what an app has reported: `explain(error.message)`, in the same version. Elsewhere messages are
 * sentences already, and come back as they are.
 */

/** Sentences by mark, with a `$` for each value. Filled in by `scripts/lean.mjs`. */
const PROSE = {};

/** The message with sentences in the places of marks. */
export function explain(message: string): string {
  return explained(message, PROSE);
}

/** The same by any table. */
export function explained(message: string, prose: Readonly<Record<string, string>>): string {
  // The innermost first: a value may be a message itself.
  const next = message.replace(/«(\w+)(?:\|([^«»]*))?»/g, (mark, id: string, values = "") => {
    const parts = prose[id]?.split("$");
    if (parts === undefined) return mark;
    const [first, ...others] = parts;
    const given = values.split("|");
    // Only the last value can have taken in more than it should.
    if (given.length > others.length && others.length > 0)
      given.push(given.splice(others.length - 1).join("|"));
    return others.reduce((text, part, i) => text + (given[i] ?? "") + part, first!);
  });
  return next === message ? message : explained(next, prose);
}
