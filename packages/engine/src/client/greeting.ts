import { type ClientLimits, type Fault, fault, type Hello, NONCE_BYTES } from "@syncline/protocol";
import { Channel } from "../channel.js";
import {
  type IntroductionPorts,
  introduction,
  mismatch,
  type Self,
  type SessionHandler,
} from "../introduction.js";
import type { Link } from "../ports.js";

/**
 * The greeting of a client: it says who it is, the server answers, and that is all. It proves nothing, and asks no proof:
 * that it has reached the right server is for TLS to say.
 */
export interface ServerGreetingHandler {
  /** The server is there. Its first message follows after this has returned. */
  greeted(channel: Channel, server: Hello): SessionHandler;
  /** The link ended before that. */
  failed(reason: string, fault: Fault | undefined): void;
}

export function greetServer(
  link: Link,
  self: Self,
  ports: IntroductionPorts,
  limits: ClientLimits,
  handler: ServerGreetingHandler,
): Channel {
  const mine = introduction(self, ports.random.bytes(NONCE_BYTES), ports, limits);
  const channel = new Channel(link, ports, limits, {
    message(message) {
      if (message.kind !== "hello") {
        channel.end(fault("UNEXPECTED_MESSAGE", `${message.kind} before the greeting`));
        return;
      }
      const refused = objection(message);
      if (refused !== undefined) {
        channel.end(refused);
        return;
      }
      stopDeadline();
      channel.greeted(handler.greeted(channel, message));
    },
    drained() {},
    closed(reason, why) {
      stopDeadline();
      handler.failed(reason, why);
    },
  });
  const stopDeadline = ports.scheduler.after(limits.greetingMsMax, () =>
    channel.end(fault("GREETING_TIMEOUT", `no greeting within ${limits.greetingMsMax} ms`)),
  );
  channel.send(mine);
  return channel;

  function objection(server: Hello): Fault | undefined {
    if (server.peer === "client") return fault("UNEXPECTED_MESSAGE", "a client answered as a server");
    return mismatch(mine, server);
  }
}
