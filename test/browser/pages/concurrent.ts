import { connect, counter, type Database, type Doc, defineSchema, set } from "@syncline/client";
import { createHooks } from "@syncline/react";
import {
  createElement as h,
  type ReactNode,
  StrictMode,
  startTransition,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";

/**
 * Many slow components that show the same document, rendered in pieces while it changes: does one of them ever show another
 * moment than its neighbour? And a page that was rendered on a server.
 */
const fields = { votes: counter(), tags: set<string>() };
const schema = defineSchema({ boards: fields });
const { SynclineProvider, useDocument, useDatabase, useStatus } = createHooks(schema);

const CELLS = 20;
const CELL_MS = 2;

/** What a cell shows: each vote adds a tag, in one transaction. */
const words = ({ votes, tags }: Doc<typeof fields>) => `${votes.value} votes, ${tags.values.length} tags`;

function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

function Cell() {
  busy(CELL_MS);
  const [shown] = useDocument("boards", "hooks", words);
  return h("li", null, shown);
}

/** How not to do it: it reads while it renders, and is told afterwards. */
function NaiveCell({ board }: { board: Doc<typeof fields> }) {
  busy(CELL_MS);
  const [, again] = useState(0);
  useEffect(() => board.subscribe(() => startTransition(() => again((n) => n + 1))), [board]);
  return h("li", null, words(board));
}

/** What is on the screen after each commit: one text for all cells, or more. */
function Grid({ how, moment }: { how: "hooks" | "naive"; moment: number }) {
  const place = useRef<HTMLUListElement>(null);
  const database = useDatabase() as Database<{ boards: typeof fields }>;
  const [board] = useState(() => database.open("boards", how));
  useLayoutEffect(() => {
    const look = (): void => {
      const texts = new Set([...(place.current?.children ?? [])].map(({ textContent }) => textContent));
      globalThis.seen.commits += 1;
      if (texts.size > 1) globalThis.seen.torn += 1;
      for (const text of texts) {
        const [votes, tags] = (text ?? "").match(/\d+/g) ?? [];
        if (votes !== tags) globalThis.seen.halves += 1;
      }
    };
    const observer = new MutationObserver(look);
    observer.observe(place.current as HTMLUListElement, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    look();
    return () => observer.disconnect();
  }, []);
  const cells = Array.from({ length: CELLS }, (_, i) =>
    how === "hooks" ? h(Cell, { key: `${moment}/${i}` }) : h(NaiveCell, { key: `${moment}/${i}`, board }),
  );
  return h("ul", { ref: place }, cells);
}

let show: (moment: number) => void = () => {};

function App({ how }: { how: "hooks" | "naive" }) {
  const [moment, setMoment] = useState(0);
  show = setMoment;
  return moment === 0 ? h("p", null, "nothing yet") : h(Grid, { how, moment });
}

function Hydrated() {
  const [shown] = useDocument("boards", "b", words);
  const connection = useStatus(({ connection }) => connection);
  return h("p", { id: "hydrated" }, `${shown ?? "nothing"}, ${connection}`);
}

interface Seen {
  commits: number;
  /** On the screen were several moments at once. */
  torn: number;
  /** On the screen was half a transaction. */
  halves: number;
}

declare global {
  var seen: Seen;
  /** Renders all cells in transitions while the document changes between their pieces. */
  var renderWhileItChanges: (url: string, how: "hooks" | "naive") => Promise<Seen>;
  /** Puts a server's page into this one and hydrates it. Returns that page. */
  var hydrate: (url: string) => Promise<string>;
  /** What React had to say of that. */
  var complaints: string[];
}

globalThis.seen = { commits: 0, torn: 0, halves: 0 };

const root = () => document.getElementById("root") as HTMLElement;
const provided = (database: Database<{ boards: typeof fields }> | undefined, child: ReactNode) =>
  h(StrictMode, null, h(SynclineProvider, { database }, child));

const turn = () => new Promise((resolve) => setTimeout(resolve));

globalThis.renderWhileItChanges = async (url, how) => {
  const database = connect(url, { schema });
  const board = database.open("boards", how);
  await board.ready;
  createRoot(root()).render(h(SynclineProvider, { database }, h(App, { how })));
  await turn();
  globalThis.seen = { commits: 0, torn: 0, halves: 0 };
  for (let moment = 1; moment <= 3; moment++) {
    startTransition(() => show(moment));
    for (let i = 0; i < 15; i++) {
      await turn();
      board.transact((b) => {
        b.tags.add(`${moment}/${i}`);
        b.votes.increment();
      });
    }
  }
  const wanted = words(board);
  const isThere = () =>
    [...document.querySelectorAll("li")].every(({ textContent }) => textContent === wanted);
  while (document.querySelectorAll("li").length < CELLS || !isThere()) await turn();
  return globalThis.seen;
};

globalThis.hydrate = async (url) => {
  const html = renderToString(provided(undefined, h(Hydrated)));
  root().innerHTML = html;
  globalThis.complaints = [];
  const database = connect(url, { schema });
  // All is known before it is hydrated: the first render must not show it.
  await database.open("boards", "b").ready;
  hydrateRoot(root(), provided(database, h(Hydrated)), {
    onRecoverableError: (error) => globalThis.complaints.push(String(error)),
  });
  return html;
};
