/**
 * Versions of the protocol.
 *
 * A greeting names the oldest and the newest version its sender speaks; both ends use the newest that both know.
 *
 * 1 (2026-11): the first.
 */
export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 1;

/** The version that two ends use together, or undefined when they have none in common. */
export function commonVersion(
  a: { versionMin: number; versionMax: number },
  b: { versionMin: number; versionMax: number },
): number | undefined {
  const version = Math.min(a.versionMax, b.versionMax);
  return version >= Math.max(a.versionMin, b.versionMin) ? version : undefined;
}
