/**
 * Who makes an HTTP request: the same question, put to the same hook, as for a client's WebSocket.
 *
 * The hook is code of the user's: when it throws, hangs or answers nonsense, that one caller is refused and nothing
 * else happens.
 */
import { type Access, isFault, type Logger, MEMBERS, type Who } from "@syncline/engine";
import {
  fault,
  type Hello,
  LIMITS,
  NONCE_BYTES,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from "@syncline/protocol";
import { Refused } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";

/** Asks who makes a request that carries this Authorization header. Rejects with `Refused`. */
export function authenticateCaller(
  access: Access,
  cluster: string,
  authorization: string | undefined,
): Promise<Who> {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "")?.[1] ?? "";
  if (token.length > LIMITS.tokenBytesMax) {
    return Promise.reject(new Refused("UNAUTHORIZED", `a token has at most ${LIMITS.tokenBytesMax} bytes`));
  }
  const hello: Hello = {
    kind: "hello",
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION_MAX,
    peer: "client",
    cluster,
    name: "http",
    incarnation: 0,
    nonce: new Uint8Array(NONCE_BYTES),
    url: "",
    voter: false,
    masters: [],
    token,
  };
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      reject(new Refused("OVERLOADED", "the server did not find out in time who is asking"));
    }, SERVER_LIMITS.authenticateMsMax);
    access.authenticate(hello, (result) => {
      clearTimeout(deadline);
      if (isFault(result)) reject(Refused.by(result));
      else resolve(result);
    });
  });
}

/** Whom a request for administrators is judged by. */
export interface Gate {
  readonly access: Access;
  readonly cluster: string;
}

/**
 * Lets an administrator pass, and nobody else. `key` names the right, as a document of the cluster's own; `purpose` ends
 * the refusal "no right to …". Rejects with `Refused`.
 */
export async function admitAdmin(
  { access, cluster }: Gate,
  authorization: string | undefined,
  { key, purpose }: { readonly key: string; readonly purpose: string },
): Promise<void> {
  const who = await authenticateCaller(access, cluster, authorization);
  if (!access.authorize(who, { collection: MEMBERS.collection, key }, "admin"))
    throw new Refused("FORBIDDEN", `no right to ${purpose}`);
}

/** The same hook, but one that always answers properly. */
export function carefulAccess(access: Access, log: Logger): Access {
  return {
    authenticate(hello, answer) {
      let isAnswered = false;
      const once = (result: Parameters<typeof answer>[0]): void => {
        if (isAnswered) return;
        isAnswered = true;
        answer(
          isAnswer(result) ? result : fault("UNAUTHORIZED", "the server could not find out who is asking"),
        );
      };
      try {
        access.authenticate(hello, once);
      } catch (error) {
        log.error("access-hook-threw", { hook: "authenticate", reason: String(error) });
        once(fault("UNAUTHORIZED", "the server could not find out who is asking"));
      }
    },
    authorize(who, document, right) {
      try {
        return access.authorize(who, document, right) === true;
      } catch (error) {
        log.error("access-hook-threw", { hook: "authorize", reason: String(error) });
        return false;
      }
    },
  };
}

const isAnswer = (result: unknown): boolean =>
  typeof result === "object" && result !== null && ("name" in result || "code" in result);
