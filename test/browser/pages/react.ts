import { connect, counter, defineSchema, presence, register, set } from "@syncline/client";
import { createHooks } from "@syncline/react";
import { createElement as h, StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

/** A page in React: three components that read different parts of one board. */
const schema = defineSchema({ boards: { title: register<string>(), votes: counter(), tags: set<string>() } });
const { SynclineProvider, useDocument, usePresence, useReceipts, useSaveState, useStatus } =
  createHooks(schema);

const output = (id: string, text: string) => h("output", { id }, text);
const button = (id: string, onClick: () => void) => h("button", { type: "button", id, onClick }, id);

let tagRenders = 0;

function Votes() {
  const [votes, transact] = useDocument("boards", "roadmap", (board) => board.votes.value);
  return h(
    "div",
    null,
    output("votes", votes === undefined ? "…" : String(votes)),
    button("vote", () => transact((b) => b.votes.increment())),
  );
}

function Tags() {
  const [tags] = useDocument("boards", "roadmap", (board) => board.tags.values);
  tagRenders += 1;
  return output("tags", tags === undefined ? "…" : tags.join());
}

function Saved() {
  const saved = useSaveState("boards", "roadmap");
  const master = useStatus((status) => status.master);
  return output("saved", `${saved} ${master}`);
}

function Receipts() {
  const stages = useReceipts().map(({ stage }) => stage);
  return output("receipts", stages.join());
}

/** Who is here, by name; or why nobody can be. */
function People({ name }: { name: string }) {
  const [others, show, error] = usePresence<{ name: string }>("boards", "roadmap");
  useEffect(() => {
    show({ name });
    return () => show(undefined);
  }, [name, show]);
  return output("people", error?.code ?? others.map(({ state }) => state.name).join());
}

function App({ name }: { name: string | undefined }) {
  const [isOpen, setOpen] = useState(true);
  return h(
    "main",
    null,
    button("toggle", () => setOpen(!isOpen)),
    isOpen && h(Votes),
    isOpen && h(Tags),
    h(Saved),
    h(Receipts),
    name !== undefined && h(People, { name }),
  );
}

declare global {
  /** With a name, the page shows who is here; `presence` or not, as an app may have forgotten it. */
  var startApp: (url: string, name?: string, isShowing?: boolean) => void;
  /** How often the component that shows the tags was rendered. */
  var tagRendersSeen: () => number;
}

globalThis.startApp = (url, name, isShowing = false) => {
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no root");
  const database = connect(url, { schema, ...(isShowing && { presence }) });
  createRoot(root).render(h(StrictMode, null, h(SynclineProvider, { database }, h(App, { name }))));
};
globalThis.tagRendersSeen = () => tagRenders;
