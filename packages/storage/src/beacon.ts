/**
 * A light that goes out when its process dies.
 *
 * It is a listening socket with a name in the file system. The kernel answers for it as long as the process lives,
 * however busy or stopped it is, and stops the moment it is gone, however it ended; whoever can see the file can ask,
 * from another container too. What is left of a dead process is a name at which nobody answers.
 */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

export interface Beacon {
  /** Its file's name in the folder. */
  readonly name: string;
  putOut(): Promise<void>;
}

/** Lights a beacon in `folder`, or returns undefined where the system or the file system has no such sockets. */
export async function lightBeacon(folder: string): Promise<Beacon | undefined> {
  const name = `${randomBytes(8).toString("hex")}.sock`;
  const path = join(folder, name);
  if (!fits(path)) return undefined;
  const server = createServer((socket) => socket.destroy());
  // It must not keep the process running.
  server.unref();
  if (!(await listen(server, path))) return undefined;
  server.on("error", () => {}); // A connection that could not be accepted; the asker has its answer.
  return {
    name,
    async putOut() {
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

/** Whether a process is behind the socket at `path`. In doubt, one is. */
export function isLit(path: string): Promise<boolean> {
  if (!fits(path)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error) => {
      const code = "code" in error ? error.code : undefined;
      resolve(code !== "ECONNREFUSED" && code !== "ENOENT" && code !== "ENOTSOCK");
    });
  });
}

/** The names of sockets are limited, by 104 bytes on the strictest system, the last one zero; some cut longer ones. */
const PATH_BYTES_MAX = 103;

function fits(path: string): boolean {
  return process.platform !== "win32" && Buffer.byteLength(path) <= PATH_BYTES_MAX;
}

function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(path, () => {
      server.removeAllListeners("error");
      resolve(true);
    });
  });
}
