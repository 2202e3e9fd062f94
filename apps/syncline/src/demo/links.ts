/**
 * The wires between the servers of the demo. Each node follows others through one of these, so that it can be cut and
 * healed while both ends live: a cut one ends what goes through it, and lets nothing through until it is healed.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export class DemoLink {
  /** `m1-m2`: both directions between two nodes. */
  readonly id: string;
  isCut = false;
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();

  constructor(a: string, b: string) {
    this.id = `${a}-${b}`;
  }

  /** Opens a way to a port of this machine. Resolves with the URL for the node that follows. */
  async to(port: number): Promise<string> {
    const server = createServer((near) => this.join(near, port));
    this.servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return `ws://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  heal(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    for (const server of this.servers) server.close();
  }

  private join(near: Socket, port: number): void {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
