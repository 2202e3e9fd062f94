/** Who is here: an avatar for each tab that shows this board. It is gone with the tab, and stored nowhere. */
import { useEffect } from "react";
import { me, type Shown } from "./me.js";
import { boardKey } from "./page.js";
import { usePresence } from "./schema.js";

const SHOWN_MAX = 6;

export function People() {
  const [others, show] = usePresence<Shown>("boards", boardKey);
  useEffect(() => {
    show({ user: me });
    return () => show(undefined);
  }, [show]);

  // Others may show what this app does not expect.
  const users = others.flatMap(({ id, state }) => (state?.user?.name ? [{ id, ...state.user }] : []));
  const more = users.length - SHOWN_MAX;
  return (
    <ul className="people" aria-label="Who is here">
      {users.slice(0, SHOWN_MAX).map(({ id, name, color }) => (
        <Avatar key={id} name={name} color={color} label={name} />
      ))}
      {more > 0 && <Avatar name={`+${more}`} color="var(--soft)" label={`${more} more`} />}
      <Avatar name={me.name} color={me.color} label={`${me.name} (you)`} />
    </ul>
  );
}

function Avatar({ name, color, label }: { name: string; color: string; label: string }) {
  return (
    <li className="person" style={{ background: color }} title={label}>
      <span aria-hidden="true">{name.slice(0, 2)}</span>
      <span className="unseen">{label}</span>
    </li>
  );
}
