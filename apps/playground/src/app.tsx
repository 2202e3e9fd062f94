/** The page: the board and the note, and beside them the cluster that keeps them. */

import { Cluster } from "./cluster.js";
import { Board } from "./columns.js";
import { Conflicts } from "./conflicts.js";
import { Example } from "./example.js";
import { Header } from "./header.js";
import { Note } from "./note.js";
import { Notices } from "./notices.js";
import { Receipts } from "./receipts.js";

export function App() {
  return (
    <>
      <Header />
      <Notices />
      <div className="layout">
        <main id="work">
          <Board />
          <Example />
          <Note />
        </main>
        <aside id="cluster" aria-label="The cluster">
          <Cluster />
          <Conflicts />
          <Receipts />
        </aside>
      </div>
    </>
  );
}
