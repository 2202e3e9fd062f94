/** Real nodes behind real sockets of this process, in memory; stopped after each test. */
import { once } from "node:events";
import { type Access, openAccess, SyncNode } from "@syncline/engine";
import { LIMITS, LOCAL } from "@syncline/protocol";
import { memoryStorage } from "@syncline/storage";
import {
  acceptLink,
  nodeDialer,
  SOCKET_OPTIONS,
  systemClock,
  systemRandom,
  systemScheduler,
} from "@syncline/transport/node";
import { afterEach } from "vitest";
import { WebSocketServer } from "ws";

export interface TestServer {
  /** As people write it: without a path. */
  readonly url: string;
  readonly node: SyncNode;
  /** Ends it as a crash would: without a word. */
  kill(): Promise<void>;
}

const running = new Set<TestServer>();

afterEach(async () => {
  await Promise.all([...running].map((server) => server.kill()));
});

export async function startMaster(
  name: string,
  follow: readonly TestServer[] = [],
  access: Access = openAccess,
): Promise<TestServer> {
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/sync", ...SOCKET_OPTIONS });
  await once(sockets, "listening");
  const address = sockets.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `ws://127.0.0.1:${port}`;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const node = new SyncNode(
    {
      name,
      cluster: "test",
      role: "master",
      rule: LOCAL,
      url,
      voter: true,
      follow: follow.map((server) => `${server.url}/sync`),
      limits: LIMITS,
    },
    {
      clock: systemClock,
      scheduler: systemScheduler,
      random: systemRandom,
      storage: memoryStorage({ scheduler: systemScheduler }),
      dialer: nodeDialer(),
      mac: undefined,
      log: silent,
      access,
      failed: (error) => {
        throw error;
      },
    },
  );
  await new Promise<void>((resolve) => node.start(resolve));
  sockets.on("connection", (socket) => {
    const accepted = acceptLink(socket);
    accepted.attach(node.accept(accepted.link));
  });
  const server: TestServer = {
    url,
    node,
    async kill() {
      if (!running.delete(server)) return;
      for (const socket of sockets.clients) socket.terminate();
      node.stop(() => {});
      await new Promise((resolve) => sockets.close(resolve));
    },
  };
  running.add(server);
  return server;
}
