/** A peer that speaks the protocol by hand, and may speak it wrongly. */
import {
  encodeMessage,
  FrameReader,
  FrameWriter,
  type Hello,
  type Message,
  NONCE_BYTES,
  type Refusal,
} from "@syncline/protocol";
import { WebSocket } from "ws";

export const helloOf = (changes: Partial<Hello> = {}): Hello => ({
  kind: "hello",
  versionMin: 1,
  versionMax: 1,
  peer: "client",
  cluster: "",
  name: "raw",
  incarnation: 7,
  nonce: new Uint8Array(NONCE_BYTES),
  url: "",
  voter: false,
  masters: [],
  token: "",
  ...changes,
});

export class RawPeer {
  readonly received: Message[] = [];
  /** How the link ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly writer = new FrameWriter();
  private readonly reader = new FrameReader();
  private waiting: (() => void)[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.binaryType = "nodebuffer";
    socket.on("message", (data: Buffer) => {
      const read = this.reader.read(new Uint8Array(data));
      if (!read.ok) throw new Error(`the server sent what cannot be read: ${read.fault.reason}`);
      this.received.push(...read.messages);
      for (const wake of this.waiting.splice(0)) wake();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        resolve({ code, reason: String(reason) });
        for (const wake of this.waiting.splice(0)) wake();
      });
    });
  }

  static open(url: string): Promise<RawPeer> {
    const socket = new WebSocket(`${url}/sync`);
    const peer = new RawPeer(socket);
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(peer));
      socket.once("error", reject);
    });
  }

  /** Opens a link and greets as a client. */
  static async greeted(url: string): Promise<RawPeer> {
    const peer = await RawPeer.open(url);
    peer.send(helloOf());
    await peer.next("hello");
    return peer;
  }

  /** Messages of one frame. */
  send(...messages: Message[]): void {
    for (const message of messages) this.writer.add(encodeMessage(message));
    for (const frame of this.writer.take()) this.socket.send(frame);
  }

  /** A frame whose number in the sequence is right and whose contents are these bytes. */
  sendBytes(bytes: Uint8Array, sequence: number): void {
    this.socket.send(Uint8Array.of(sequence, ...bytes));
  }

  /** The next message of a kind, or undefined if the link ends before it comes. */
  async next<Kind extends Message["kind"]>(
    kind: Kind,
  ): Promise<Extract<Message, { kind: Kind }> | undefined> {
    for (;;) {
      const at = this.received.findIndex((message) => message.kind === kind);
      if (at >= 0) return this.received.splice(at, 1)[0] as Extract<Message, { kind: Kind }>;
      if (this.socket.readyState === WebSocket.CLOSED) return undefined;
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }

  refusal(): Promise<Refusal | undefined> {
    return this.next("refusal");
  }
}
