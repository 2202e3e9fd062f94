/** What somebody should know, in plain words, above everything else. */
import { remedyOf, SynclineError } from "@syncline/client";
import type { ReactNode } from "react";
import { boardKey } from "./page.js";
import { useDocument, useStatus } from "./schema.js";
import { dismiss, useTroubles } from "./troubles.js";
import { NO_BOARD, type Notice, noticesOf, ofError } from "./words.js";

export function Notices() {
  const notices = useStatus(noticesOf);
  const [, , refused] = useDocument("boards", boardKey, () => undefined);
  const troubles = useTroubles();
  return (
    <div className="notices" role="status">
      {refused && <NoticeBox notice={refused.code === "INVALID_VALUE" ? NO_BOARD : ofError(refused)} />}
      {notices.map((notice) => (
        <NoticeBox key={notice.title} notice={notice} />
      ))}
      {troubles.map((error, i) => (
        <NoticeBox key={`${error.code}/${error.message}/${i}`} notice={ofError(error)}>
          <button type="button" className="plain" onClick={() => dismiss(error)}>
            Understood
          </button>
        </NoticeBox>
      ))}
    </div>
  );
}

/** Shown instead of the app when there is no way to begin. */
export function WrongAddress({ error }: { error: unknown }) {
  const [message, remedy] =
    error instanceof SynclineError ? [error.message, remedyOf(error)] : [String(error), "Reload the page."];
  return (
    <main className="alone">
      <NoticeBox
        notice={{ tone: "bad", title: "There is no server at this address", text: `${message}. ${remedy}` }}
      >
        <a href="/">Back to this server</a>
      </NoticeBox>
    </main>
  );
}

function NoticeBox({ notice, children }: { notice: Notice; children?: ReactNode }) {
  return (
    <div className={`notice ${notice.tone}`}>
      <p>
        <strong>{notice.title}.</strong> {notice.text}
      </p>
      {children}
    </div>
  );
}
