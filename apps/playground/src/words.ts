/** Plain words for what a person may want to know of the connection and of this device. */
import { remedyOf, type Status, type SynclineError } from "@syncline/client";

export interface Notice {
  readonly tone: "note" | "warning" | "bad";
  readonly title: string;
  readonly text: string;
}

/** What there is to say at present, the most important first. */
export function noticesOf(status: Status): Notice[] {
  const notices: Notice[] = [];
  const { storage, storageError } = status;
  const kept =
    storage === "ready"
      ? "What you do is kept on this device and sent when it is back."
      : "What you do is sent when it is back; keep this tab open until then.";
  if (status.connection !== "connected" && status.error !== undefined)
    notices.push(ofError(status.error, kept));
  if (status.connection === "connected" && !status.writable) {
    notices.push({
      tone: "warning",
      title: "Read-only for now",
      text: `You see everything that ${status.provider} gets, but no master can be reached to write to. ${kept}`,
    });
  }
  if (storageError !== undefined) notices.push(ofError(storageError, kept));
  return notices;
}

/** What an error means here, and what becomes of one's work. */
export function ofError(error: SynclineError, kept = ""): Notice {
  const known = WORDS[error.code];
  if (known === undefined) return { tone: "bad", title: error.message, text: remedyOf(error) };
  const { tone, title, text } = known;
  return { tone, title, text: `${text} ${kept}`.trim() };
}

/** The address names what no board can be called. */
export const NO_BOARD: Notice = {
  tone: "bad",
  title: "No board can have this name",
  text: "A name has up to 256 bytes, and nothing in it that cannot be seen. Correct the address of this page.",
};

const WORDS: Partial<Record<SynclineError["code"], Notice>> = {
  UNREACHABLE: { tone: "warning", title: "No server answers", text: "Go on working." },
  GREETING_TIMEOUT: { tone: "warning", title: "The server is silent", text: "It is tried again by itself." },
  SILENCE: { tone: "warning", title: "The connection went silent", text: "It is opened again by itself." },
  SHUTTING_DOWN: { tone: "warning", title: "The server is stopping", text: "Another one is tried." },
  PROTOCOL_VERSION: {
    tone: "bad",
    title: "This page and the server speak different versions",
    text: "Reload the page, or have the older of the two upgraded.",
  },
  CLUSTER_MISMATCH: {
    tone: "bad",
    title: "This server belongs to another cluster",
    text: "Open the page of a server of your own cluster.",
  },
  UNAUTHORIZED: { tone: "bad", title: "You are not let in", text: "Sign in again, or ask for access." },
  SCHEMA_CONFLICT: {
    tone: "bad",
    title: "The cluster knows this board in another form",
    text: "Reload the page: its app may have a newer version.",
  },
  SCHEMA_VERSION: {
    tone: "bad",
    title: "This page is too old for its cluster",
    text: "Reload it: what was not sent is kept, and sent then.",
  },
  FORBIDDEN: {
    tone: "bad",
    title: "You may not do this",
    text: "It was taken back. Ask for the right to do it.",
  },
  LIMIT_EXCEEDED: {
    tone: "bad",
    title: "That is too much",
    text: "Nothing was changed. Either it was too large, or so much waits to be sent that a connection is needed first.",
  },
  INVALID_VALUE: { tone: "bad", title: "That cannot be stored", text: "Nothing was changed." },
  OFFLINE_UNAVAILABLE: {
    tone: "warning",
    title: "Nothing can be kept on this device",
    text: "This is so in private windows, for instance. Before you close this tab, wait until all is saved.",
  },
  OFFLINE_FULL: {
    tone: "warning",
    title: "This device is full",
    text: "New changes are sent as usual, but not kept here. Free some space; it is tried again by itself.",
  },
  OFFLINE_DAMAGED: {
    tone: "warning",
    title: "Some of what this device had kept cannot be read",
    text: "What servers have is fetched from there. What was not sent may be lost.",
  },
};
