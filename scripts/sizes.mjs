/**
 * How large is what apps ship? Bundles what an app would import, minified and compressed, and says it beside its goal.
 *
 *   node scripts/sizes.mjs [--modules NAME]
 *
 * `--modules` prints what a bundle is made of. What must not grow is held by test/client/bundle.test.ts.
 */
import { BUNDLES, bundled, sizeOf } from "./bundles.mjs";
import { root } from "./house.mjs";

const wanted = process.argv[process.argv.indexOf("--modules") + 1];
if (process.argv.includes("--modules")) {
  const [{ modules }] = await bundled(BUNDLES[wanted]);
  const sizes = Object.entries(modules).map(([path, { code }]) => [
    code?.length ?? 0,
    path.slice(root.length + 1),
  ]);
  for (const [length, path] of sizes.sort(([a], [b]) => b - a)) console.log(String(length).padStart(7), path);
} else {
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  for (const [name, bundle] of Object.entries(BUNDLES)) {
    const [chunk] = await bundled(bundle);
    const bytes = sizeOf(chunk);
    console.log(
      `${name}: ${kB(bytes)} min+gzip${bundle.goal === undefined ? "" : `, goal ${kB(bundle.goal)}`}`,
    );
  }
}
