import type { Change, DocumentName, MutableVector } from "@syncline/core";
import { changeId, decodeChange, joinInto } from "@syncline/core";
import {
  encodeMessage,
  FrameReader,
  FrameWriter,
  type Message,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from "@syncline/protocol";
import { WebSocket } from "ws";

/**
 * Listens to a node as a client does, from before the first change on, and keeps every change of these documents that the
 * node sends: whoever comes later may be sent a state instead. A link that ends for silence, because the machine stood still,
 * is opened again where it was; anything else that a node ends it for is a failure.
 */
export class Auditor {
  readonly changes: Change[] = [];
  failure: Error | undefined;
  private isClosed = false;
  private socket: WebSocket | undefined;
  /** Up to where it has everything, as the cuts have said. */
  private readonly seen: MutableVector = new Map();
  /** What it has already, once a link was opened again: what came after the last cut comes once more. */
  private known: Set<string> | undefined;

  private constructor(
    private readonly url: string,
    private readonly documents: readonly DocumentName[],
  ) {}

  static open(url: string, documents: readonly DocumentName[]): Promise<Auditor> {
    const auditor = new Auditor(url, documents);
    return new Promise((resolve, reject) => {
      auditor.dial(() => resolve(auditor), reject);
    });
  }

  private dial(ready: () => void, failed: (error: Error) => void): void {
    const socket = new WebSocket(`${this.url}/sync`);
    this.socket = socket;
    const writer = new FrameWriter();
    const reader = new FrameReader();
    const loaded = new Set<number>();
    const send = (...messages: Message[]) => {
      for (const message of messages) writer.add(encodeMessage(message));
      for (const frame of writer.take()) socket.send(frame);
    };
    let refused: string | undefined;
    socket.on("error", failed);
    socket.on("close", () => {
      if (this.isClosed) return;
      if (refused !== undefined && refused !== "SILENCE") this.fail(`${this.url} ended the link: ${refused}`);
      else {
        this.known ??= new Set(this.changes.map(changeId));
        this.dial(
          () => {},
          (error) => this.fail(error.message),
        );
      }
    });
    socket.on("open", () => {
      send({
        kind: "hello",
        versionMin: PROTOCOL_VERSION_MIN,
        versionMax: PROTOCOL_VERSION_MAX,
        peer: "client",
        cluster: "",
        name: "auditor",
        incarnation: 1,
        nonce: new Uint8Array(16),
        url: "",
        voter: false,
        masters: [],
        token: "",
      });
      this.documents.forEach((document, index) => {
        send({ kind: "open", number: index + 1, document, since: new Map(this.seen) });
      });
    });
    socket.on("message", (data: Buffer) => {
      const frame = reader.read(new Uint8Array(data));
      if (!frame.ok) return this.fail(frame.fault.reason);
      for (const message of frame.messages) {
        if (message.kind === "ping") send({ kind: "pong" });
        if (message.kind === "refusal") refused = message.code;
        if (message.kind === "state") this.fail("a state came instead of changes");
        if (message.kind === "feed") for (const entry of message.entries) this.take(entry.change);
        if (message.kind === "cut") {
          joinInto(this.seen, message.visible);
          for (const number of message.loaded) loaded.add(number);
        }
      }
      if (loaded.size === this.documents.length) ready();
    });
  }

  private take(bytes: Uint8Array): void {
    const change = decodeChange(bytes);
    if (!change.ok) {
      this.fail(change.fault.reason);
      return;
    }
    const id = changeId(change.value);
    if (this.known?.has(id)) return;
    this.known?.add(id);
    this.changes.push(change.value);
  }

  private fail(reason: string): void {
    if (!this.isClosed) this.failure ??= new Error(reason);
  }

  close(): void {
    this.isClosed = true;
    this.socket?.close();
  }
}
