/** The changes of this tab, and how far each has got: here, on a master's disk, at a quorum. It changes as they go. */
import type { ChangeReceipt } from "@syncline/react";
import { wordsOf } from "./change.js";
import { useReceipts } from "./schema.js";

const SHOWN_MAX = 8;

export function Receipts() {
  const receipts = useReceipts();
  return (
    <section className="panel">
      <h2>Your changes</h2>
      {receipts.length === 0 ? (
        <p className="quiet">Change something, and see where it is stored.</p>
      ) : (
        <ol className="receipts">
          {alikeTogether(receipts)
            .slice(0, SHOWN_MAX)
            .map(({ receipt, count }) => (
              <Row key={receipt.id} receipt={receipt} count={count} />
            ))}
        </ol>
      )}
    </section>
  );
}

interface Alike {
  /** The first of those that are shown as one. */
  readonly receipt: ChangeReceipt;
  readonly count: number;
}

/** Who types makes a change for each letter: those that are called the same, and are as far, are one line. */
function alikeTogether(receipts: readonly ChangeReceipt[]): Alike[] {
  const lines: Alike[] = [];
  for (const receipt of [...receipts].reverse()) {
    const last = lines.at(-1);
    const isAlike =
      last?.receipt.stage === receipt.stage && wordsOf(last.receipt.write) === wordsOf(receipt.write);
    const isSame = isAlike && stageWords(last.receipt) === stageWords(receipt);
    if (last !== undefined && isSame) lines[lines.length - 1] = { ...last, count: last.count + 1 };
    else if (last !== undefined && isAlike && receipt.stage === "quorum") {
      // Not all of them on the same disks.
      lines[lines.length - 1] = { receipt: { ...last.receipt, nodes: [] }, count: last.count + 1 };
    } else lines.push({ receipt, count: 1 });
  }
  return lines.reverse();
}

const STAGES = ["local", "durable", "quorum"] as const;

function Row({ receipt, count }: Alike) {
  const { stage, write } = receipt;
  const reached = stage === "rejected" ? -1 : STAGES.indexOf(stage);
  return (
    <li className="receipt" data-stage={stage}>
      <span className="what">
        {wordsOf(write)}
        {count > 1 && ` (${count} times)`}
      </span>
      <span className="stages" aria-hidden="true">
        {STAGES.map((name, i) => (
          <span key={name} className={i <= reached ? "reached" : ""} />
        ))}
      </span>
      <span className="quiet small">{stageWords(receipt)}</span>
    </li>
  );
}

function stageWords({ stage, isKept, nodes }: ChangeReceipt): string {
  switch (stage) {
    case "local":
      return isKept ? "kept on this device" : "in this tab";
    case "durable":
      return nodes.length === 0
        ? "on a master's disk, waits for the quorum"
        : `on the disk of ${nodes.join(", ")}`;
    case "quorum":
      return nodes.length === 0 ? "on the disks of a quorum" : `on the disks of ${nodes.join(", ")}`;
    case "rejected":
      return "refused, and taken back";
  }
}
