import { connect, createServer, type Socket, type Server as TcpServer } from "node:net";

/** A wire between two processes that a test can cut: a TCP proxy on a port of its own. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private server: TcpServer | undefined;
  port = 0;

  /** Opens the near end. The far end may be set, and change, later. */
  async open(far: () => number): Promise<void> {
    const server = createServer((near) => {
      if (this.isCut) {
        near.destroy();
        return;
      }
      const onward = connect(far(), "127.0.0.1");
      for (const [socket, other] of [
        [near, onward],
        [onward, near],
      ] as const) {
        this.sockets.add(socket);
        socket.pipe(other);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          this.sockets.delete(socket);
          other.destroy();
        });
      }
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address !== null && typeof address === "object") this.port = address.port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Breaks what goes through it, and lets nothing through until `mend`. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    const { server } = this;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }
}
