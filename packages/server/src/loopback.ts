/**
 * Which names and addresses reach this machine only.
 */
import { isIPv4 } from "node:net";

/** Whether an IP address, as written in a URL or reported by a socket, is a loopback address. */
export function isLoopbackAddress(address: string): boolean {
  const bare = address.replace(/^\[(.*)\]$/, "$1").replace(/^::ffff:/i, "");
  return bare === "::1" || (isIPv4(bare) && bare.startsWith("127."));
}

/** Whether a host name means this machine, whatever a name server says: it is a loopback address or `localhost`. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name);
}
