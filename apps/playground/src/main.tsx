/** The playground: it connects, and shows the app. */
import { connect, indexedDb, presence } from "@syncline/client";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import { WrongAddress } from "./notices.js";
import { facts, servers } from "./page.js";
import { SynclineProvider, schema } from "./schema.js";
import { report } from "./troubles.js";

const root = createRoot(document.getElementById("root") as HTMLElement);
try {
  // What is kept belongs to one cluster: another one on this port is not told of it.
  const storage = indexedDb(`playground/${facts.cluster}`);
  const name = "playground";
  const database = connect(servers(), { schema, storage, presence, name, cluster: facts.cluster });
  database.onRejected(({ error }) => report(error));
  // Nobody loses what is only in this tab without being asked.
  addEventListener("beforeunload", (event) => {
    const { pending, storage } = database.status;
    if (pending > 0 && storage !== "ready") event.preventDefault();
  });
  root.render(
    <StrictMode>
      <SynclineProvider database={database}>
        <App />
      </SynclineProvider>
    </StrictMode>,
  );
} catch (error) {
  root.render(<WrongAddress error={error} />);
}

// The page itself is there without a network, too; see sw.js.
navigator.serviceWorker?.register("/sw.js").catch(() => {});
