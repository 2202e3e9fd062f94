import type { Change, DocumentName } from "@syncline/core";
import { decodeChange } from "@syncline/core";
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
 * node sends: whoever comes later may be sent a state instead.
 */
export class Auditor {
  readonly changes: Change[] = [];
  failure: Error | undefined;
  private isClosed = false;

  private constructor(private readonly socket: WebSocket) {}

  static open(url: string, documents: readonly DocumentName[]): Promise<Auditor> {
    const socket = new WebSocket(`${url}/sync`);
    const auditor = new Auditor(socket);
    const writer = new FrameWriter();
    const reader = new FrameReader();
    const loaded = new Set<number>();
    const send = (...messages: Message[]) => {
      for (const message of messages) writer.add(encodeMessage(message));
      for (const frame of writer.take()) socket.send(frame);
    };
    const fail = (reason: string) => {
      if (!auditor.isClosed) auditor.failure ??= new Error(reason);
    };
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => fail(`${url} ended the link`));
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
        documents.forEach((document, index) => {
          send({ kind: "open", number: index + 1, document, since: new Map() });
        });
      });
      socket.on("message", (data: Buffer) => {
        const frame = reader.read(new Uint8Array(data));
        if (!frame.ok) return fail(frame.fault.reason);
        for (const message of frame.messages) {
          if (message.kind === "ping") send({ kind: "pong" });
          if (message.kind === "state") fail("a state came instead of changes");
          if (message.kind === "feed") {
            for (const entry of message.entries) {
              const change = decodeChange(entry.change);
              if (change.ok) auditor.changes.push(change.value);
              else fail(change.fault.reason);
            }
          }
          if (message.kind === "cut") for (const number of message.loaded) loaded.add(number);
        }
        if (loaded.size === documents.length) resolve(auditor);
      });
    });
  }

  close(): void {
    this.isClosed = true;
    this.socket.close();
  }
}
