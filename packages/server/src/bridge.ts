/**
 * A client inside the process: it speaks to the node over a link of memory, as any other client does over a socket.
 *
 * What comes in by another protocol becomes changes through it, with everything that clients have: an author, an outbox,
 * causality, and one state of each document. Who may do what is asked before anything reaches it.
 */
import {
  type Access,
  type Dialer,
  type Link,
  type LinkHandler,
  type Logger,
  type Scheduler,
  SyncClient,
  type SyncNode,
} from "@syncline/engine";
import { LIMITS } from "@syncline/protocol";
import { systemClock, systemRandom, systemScheduler } from "@syncline/transport/node";

export interface Bridge {
  /** The access of the node, which lets this client in and nobody else by its token. */
  access(of: Access): Access;
  /** Its client, started when it is asked for first. */
  client(node: SyncNode): SyncClient;
  stop(): void;
}

export function createBridge(log: Logger): Bridge {
  const token = Buffer.from(systemRandom.bytes(32)).toString("base64url");
  const who = { name: "y-websocket" };
  let client: SyncClient | undefined;
  return {
    access: (of) => ({
      authenticate: (hello, answer) => (hello.token === token ? answer(who) : of.authenticate(hello, answer)),
      authorize: (asking, document, right) => asking === who || of.authorize(asking, document, right),
    }),
    client(node) {
      if (client === undefined) {
        client = new SyncClient(
          { urls: [URL_OF_NODE], cluster: "", name: who.name, limits: LIMITS },
          {
            clock: systemClock,
            scheduler: systemScheduler,
            random: systemRandom,
            log,
            dialer: dialerOf(node, systemScheduler),
            token: () => token,
          },
        );
        client.start();
      }
      return client;
    },
    stop: () => client?.stop(),
  };
}

const URL_OF_NODE = "memory://node";

/** Dials the node in this process, and nobody else: behind a follower nothing is written. */
function dialerOf(node: SyncNode, scheduler: Scheduler): Dialer {
  return {
    dial(url, on) {
      let isOver = false;
      scheduler.turn(() => {
        if (isOver) return;
        if (url !== URL_OF_NODE) {
          on.failed("nothing is written through a follower");
          return;
        }
        const [near, far] = [new MemoryLink(scheduler), new MemoryLink(scheduler)];
        near.connect(far);
        far.connect(near);
        far.handler = node.accept(far);
        near.handler = on.opened(near);
      });
      return () => {
        isOver = true;
      };
    },
  };
}

/** One end of a link between two parts of a process. */
class MemoryLink implements Link {
  handler: LinkHandler | undefined;
  readonly #scheduler: Scheduler;
  #other: MemoryLink | undefined;
  isOpen = true;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  connect(other: MemoryLink): void {
    this.#other = other;
  }

  send(frame: Uint8Array): void {
    if (!this.isOpen) return;
    this.#scheduler.turn(() => {
      const other = this.#other;
      if (other?.isOpen === true) other.handler?.frame(frame);
    });
  }

  queuedBytes(): number {
    return 0;
  }

  close(reason: string): void {
    this.end(reason);
    this.#other?.end(reason);
  }

  terminate(reason: string): void {
    this.close(reason);
  }

  end(reason: string): void {
    if (!this.isOpen) return;
    // What was sent before is delivered before.
    this.#scheduler.turn(() => {
      if (!this.isOpen) return;
      this.isOpen = false;
      this.handler?.closed(reason);
    });
  }
}
