import { connect, counter, defineSchema, register, set } from "@syncline/client";
import { createHooks } from "@syncline/react";
import { createElement as h, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

/** A page in React: three components that read different parts of one board. */
const schema = defineSchema({ boards: { title: register<string>(), votes: counter(), tags: set<string>() } });
const { SynclineProvider, useDocument, useReceipts, useSaveState, useStatus } = createHooks(schema);

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

function App() {
  const [isOpen, setOpen] = useState(true);
  return h(
    "main",
    null,
    button("toggle", () => setOpen(!isOpen)),
    isOpen && h(Votes),
    isOpen && h(Tags),
    h(Saved),
    h(Receipts),
  );
}

declare global {
  var startApp: (url: string) => void;
  /** How often the component that shows the tags was rendered. */
  var tagRendersSeen: () => number;
}

globalThis.startApp = (url) => {
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no root");
  const database = connect(url, { schema });
  createRoot(root).render(h(StrictMode, null, h(SynclineProvider, { database }, h(App))));
};
globalThis.tagRendersSeen = () => tagRenders;
