/** Who this tab is to the others: a name and a colour, kept for as long as the tab. */

/** What each tab shows of itself. A type, not an interface: it is a value that can be sent. */
export type Shown = {
  readonly user: { readonly name: string; readonly color: string; readonly colorLight: string };
};

const NAMES = [
  "Otter",
  "Heron",
  "Lynx",
  "Marten",
  "Swift",
  "Beaver",
  "Plover",
  "Ibex",
  "Wren",
  "Badger",
  "Hare",
  "Kite",
];
const KEY = "playground/name";

export const me: Shown["user"] = person(nameOfThisTab());

function nameOfThisTab(): string {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept !== null) return kept;
    const name = NAMES[Math.floor(Math.random() * NAMES.length)] ?? "Otter";
    sessionStorage.setItem(KEY, name);
    return name;
  } catch {
    return "Otter"; // Not every page may keep something.
  }
}

/** All colours are equally dark: enough for white letters, not too much for a dark page. */
function person(name: string): Shown["user"] {
  const colour = `52% 0.13 ${(NAMES.indexOf(name) * 360) / NAMES.length}`;
  return { name, color: `oklch(${colour})`, colorLight: `oklch(${colour} / 25%)` };
}
