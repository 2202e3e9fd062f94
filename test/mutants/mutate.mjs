/** The text with every edit made, each of which must be found exactly once; or what does not fit. */
export function mutate(text, edits) {
  let result = text;
  for (const [from, to] of edits) {
    const parts = result.split(from);
    if (parts.length !== 2) return { misfit: `found ${parts.length - 1} times: ${from}` };
    result = parts.join(to);
  }
  return { result };
}
