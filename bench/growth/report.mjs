/** What a growth run found: a table for each axis, one row a measure, with its slope and the slope that it may have. */
import { figure } from "../statistics.mjs";
import { AXES } from "./axes/index.mjs";

/** What a slope may be above its limit before it is called too steep: small points are noisy. */
const TOLERANCE = 0.2;

export function growthRows(result) {
  return AXES.filter(({ name }) => result.parts[name] !== undefined).map((axis) => {
    const found = Object.entries(axis.measures).map(([name, measure]) => ({
      measure,
      ...result.parts[axis.name].found[name],
    }));
    const counts = found[0].points.map(([count]) => figure(count));
    return {
      title: axis.title,
      head: ["", ...counts, "slope", "may be"],
      rows: found.map(({ measure, points, slope }) => [
        `${measure.title}, ${measure.unit}`,
        ...points.map(([, value]) => figure(value)),
        slope === undefined ? "–" : `${slope.toFixed(2)}${isFine(slope, measure) ? "" : " (!)"}`,
        measure.atLeast === undefined ? `≤ ${measure.limit}` : `≥ ${measure.atLeast}`,
      ]),
    };
  });
}

function isFine(slope, { limit, atLeast }) {
  return atLeast === undefined ? slope <= limit + TOLERANCE : slope >= atLeast - TOLERANCE;
}

/** Of the line of least squares through the logarithms; undefined if there are not two points above 0. */
export function slopeOf(points) {
  const logs = points
    .filter(([, value]) => value > 0)
    .map(([count, value]) => [Math.log(count), Math.log(value)]);
  if (logs.length < 2) return undefined;
  const mean = (at) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return over / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
