/**
 * `GET /v1/backup`: everything that this node has, as it is at this moment, while it goes on.
 *
 * The store is read in the state that it had when the answer began, however long the caller takes; so one backup is
 * made at a time, and one that takes too long is broken off, which its reader notices.
 */
import type { CopyableStorage, SyncNode } from "@syncline/engine";
import { Hono } from "hono";
import { writeBackup } from "./backup-format.js";
import { admitAdmin, type Gate } from "./caller.js";
import type { Env } from "./docs-api.js";
import { Refused } from "./errors.js";
import { SERVER_LIMITS } from "./limits.js";

export interface BackupContext extends Gate {
  readonly node: SyncNode;
  readonly storage: CopyableStorage;
}

export function backupApi({ node, storage, ...gate }: BackupContext): Hono<Env> {
  const app = new Hono<Env>();
  let isRunning = false;
  app.get("/", async (c) => {
    await admitAdmin(gate, c.req.header("Authorization"), { key: "backup", purpose: "make a backup" });
    if (isRunning) throw new Refused("OVERLOADED", "another backup is being made");
    isRunning = true;
    const state = storage.state();
    const frames = writeBackup({ cluster: gate.cluster, node: node.name }, state)[Symbol.iterator]();
    const end = (): void => {
      clearTimeout(deadline);
      if (isRunning) state.release();
      isRunning = false;
    };
    let breakOff: (reason: Error) => void = () => {};
    const deadline = setTimeout(() => {
      end();
      breakOff(new Error("the backup took too long"));
    }, SERVER_LIMITS.backupMsMax);
    deadline.unref();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        breakOff = (reason) => controller.error(reason);
      },
      pull(controller) {
        const { done, value } = frames.next();
        if (done !== true) {
          controller.enqueue(value);
          return;
        }
        end();
        controller.close();
      },
      cancel: end,
    });
    return new Response(body, { headers: { "Content-Type": "application/octet-stream" } });
  });
  return app;
}
