/** The tags of a card: a set, so two people who add the same one have added one, and adding wins over removing. */
import { type KeyboardEvent, useState } from "react";
import { useChange } from "./change.js";

export function Tags({ card, title, tags }: { card: string; title: string; tags: readonly string[] }) {
  const change = useChange();
  const [isAdding, setAdding] = useState(false);
  const add = (text: string): void => {
    setAdding(false);
    const tag = text.trim().toLowerCase();
    if (tag !== "") change(`Tagged “${title}” ${tag}`, (board) => board.tags.at(card).add(tag));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "Escape") setAdding(false);
    if (event.key === "Enter" && !event.nativeEvent.isComposing) add(event.currentTarget.value);
  };
  return (
    <div className="tags">
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          className="tag"
          style={{ "--hue": hueOf(tag) }}
          aria-label={`Remove the tag ${tag} of ${title}`}
          title="Remove this tag"
          onClick={() =>
            change(`Took the tag ${tag} off “${title}”`, (board) => board.tags.at(card).remove(tag))
          }
        >
          {tag}
        </button>
      ))}
      {isAdding ? (
        <input
          className="tag-input"
          aria-label={`New tag of ${title}`}
          maxLength={30}
          // biome-ignore lint/a11y/noAutofocus: it comes when somebody has asked for it.
          autoFocus
          onBlur={(event) => add(event.target.value)}
          onKeyDown={onKeyDown}
        />
      ) : (
        <button
          type="button"
          className="add-tag"
          aria-label={`Add a tag to ${title}`}
          onClick={() => setAdding(true)}
        >
          + tag
        </button>
      )}
    </div>
  );
}

/** The same colour for the same tag, everywhere. */
export function hueOf(text: string): number {
  let hue = 0;
  for (const letter of text) hue = (hue * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return hue;
}
