/** The cluster as this tab's node sees it: who is there, who is behind, and under `syncline demo` buttons that break it. */
import { type Demo, useDemo } from "./demo.js";
import { useStatus } from "./schema.js";
import { type ClusterStatus, type Lag, type NodeStatus, useCluster } from "./status.js";

export function Cluster() {
  const { status, isLost } = useCluster();
  const demo = useDemo();
  const provider = useStatus(({ provider }) => provider);
  const master = useStatus(({ master }) => master);
  return (
    <section className="panel">
      <h2>Cluster</h2>
      <p className="quiet">{whereWords(provider, master)}</p>
      {isLost && <p className="quiet">The node does not answer; this is what it said last.</p>}
      <ul className="nodes">
        {status?.nodes.toSorted(mastersFirst).map((node) => (
          <Node
            key={node.node}
            node={node}
            status={status}
            isHere={node.node === provider}
            isLost={isLost}
            demo={demo}
          />
        ))}
      </ul>
      {demo && <Links demo={demo} />}
      <p className="small">
        <a href="/status">All that this node knows</a>
      </p>
    </section>
  );
}

function whereWords(provider: string | undefined, master: string | undefined): string {
  if (provider === undefined) return "This tab is not connected.";
  if (master === provider) return `This tab reads from and writes to ${provider}.`;
  const writes = master === undefined ? "no master to write to can be reached" : `writes go to ${master}`;
  return `This tab reads from ${provider}, a read-only follower; ${writes}.`;
}

/** A rule is read as one word. */
const NO_BREAK = "\u00a0";

const mastersFirst = (a: NodeStatus, b: NodeStatus): number =>
  a.role === b.role ? 0 : a.role === "master" ? -1 : 1;

interface NodeProps {
  readonly node: NodeStatus;
  readonly status: ClusterStatus;
  readonly isHere: boolean;
  /** What is known of it is old. */
  readonly isLost: boolean;
  readonly demo: Demo | undefined;
}

function Node({ node: { node, role, state, syncState, lag }, status, isHere, isLost, demo }: NodeProps) {
  const rule = status.streams.find((stream) => stream.node === node)?.rule;
  const isUp = demo?.isUp(node);
  const isThere = isUp !== false && state !== "disconnected";
  const tone = isUp === false ? "bad" : isLost ? "unknown" : isThere ? "good" : "bad";
  return (
    <li className="node" data-node={node} data-state={state}>
      <span className={`dot ${tone}`} aria-hidden="true" />
      <div>
        <strong>{node}</strong> <span className="quiet">{role}</span>
        {isHere && <span className="here">this tab</span>}
        <div className="quiet small">
          {[
            isUp === false ? "killed" : STATES[state],
            isThere && state !== "self" && lagWords(lag.applied),
            isThere && syncState !== null && syncState !== "async" && "in the quorum",
            role === "master" &&
              rule !== undefined &&
              rule !== "LOCAL" &&
              `commits with ${rule.replaceAll(" ", NO_BREAK)}`,
          ]
            .filter(Boolean)
            .join(" · ")}
        </div>
      </div>
      {demo && isUp !== undefined && (
        <button
          type="button"
          onClick={() => (isUp ? demo.kill(node) : demo.restart(node))}
          disabled={demo.isBusy}
        >
          {isUp ? "Kill" : "Restart"}
          <span className="unseen"> {node}</span>
        </button>
      )}
    </li>
  );
}

/** Who is connected says how far it is, which tells more. */
const STATES = {
  self: "serves this page",
  connected: undefined,
  heard: "heard of",
  disconnected: "not reachable from here",
};

function lagWords(lag: Lag | null): string {
  if (lag === null) return "unknown how far";
  if (lag.records === 0) return "has everything";
  return `${lag.records} behind, ${lag.seconds.toFixed(0)} s`;
}

function Links({ demo }: { demo: Demo }) {
  const isSplit = demo.links.some(({ isCut }) => isCut);
  return (
    <>
      <h3>Links between nodes</h3>
      <ul className="links">
        {demo.links.map(({ id, isCut }) => (
          <li key={id}>
            <button
              type="button"
              className={isCut ? "cut" : ""}
              onClick={() => (isCut ? demo.heal(id) : demo.cut(id))}
              disabled={demo.isBusy}
            >
              {isCut ? "Heal" : "Cut"} {id}
            </button>
          </li>
        ))}
        <li>
          <button type="button" onClick={isSplit ? demo.healAll : demo.split} disabled={demo.isBusy}>
            {isSplit ? "Heal all" : "Split in two"}
          </button>
        </li>
      </ul>
    </>
  );
}
