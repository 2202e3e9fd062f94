/** A text that is edited where it stands, over as many lines as it takes. What others write meanwhile is shown once this one is left. */
import { type KeyboardEvent, useState } from "react";

interface EditableProps {
  readonly value: string;
  readonly label: string;
  readonly placeholder?: string;
  readonly className?: string;
  /** Called when the text is another one, and not empty. */
  readonly onChange: (value: string) => void;
}

export function Editable({ value, label, placeholder, className, onChange }: EditableProps) {
  /** What is being typed; undefined while nobody types. */
  const [typed, setTyped] = useState<string>();
  const finish = (): void => {
    const text = typed?.trim();
    setTyped(undefined);
    if (text && text !== value) onChange(text);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === "Escape") setTyped(undefined);
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.blur();
  };
  return (
    <textarea
      rows={1}
      className={`editable ${className ?? ""}`}
      aria-label={label}
      placeholder={placeholder}
      maxLength={200}
      value={typed ?? value}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={finish}
      onKeyDown={onKeyDown}
    />
  );
}
