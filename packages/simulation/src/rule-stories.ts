import type { Action, Cast } from "./history.js";
import { interleave } from "./history.js";
import type { SeededRandom } from "./random.js";

/**
 * Operators who change commit rules in the middle of things (decision 0055).
 *
 * Two stories: a rule is changed for no reason, at a node that is a master or is not; and a rule that cannot be met is given
 * up, after writes have waited for it.
 */
export function insertRules(actions: Action[], cast: Cast, random: SeededRandom): void {
  if (random.chance(0.5)) return;
  const { masters, followers, clients } = cast;
  const nodes = [...masters, ...followers];
  for (let count = 1 + random.integer(3); count > 0; count--) {
    const node = random.pick(random.chance(0.85) ? masters : nodes);
    if (random.chance(0.5)) {
      interleave(actions, [ruleOf(node, nodes, random)], random);
      continue;
    }
    const others = nodes.filter((other) => other !== node);
    if (others.length === 0) continue;
    const gone = random.pick(others);
    const story: Action[] = [
      { kind: "sync", node, rule: "any", needed: 1, of: [gone] },
      { kind: "pass", ms: random.integer(500) },
      { kind: random.chance(0.5) && !cast.left.has("crash") ? "crash" : "isolate", node: gone },
    ];
    for (let writes = 1 + random.integer(3); writes > 0; writes--) {
      const [client, document] = [random.pick(clients), random.pick(["boards/a", "notes/c"])];
      story.push({ kind: "write", client, document, mutations: cast.drawMutations(random) });
      story.push({ kind: "pass", ms: random.integer(400) });
    }
    story.push(
      random.chance(0.5)
        ? { kind: "sync", node, rule: "any", needed: 0, of: [] }
        : ruleOf(
            node,
            nodes.filter((other) => other !== gone),
            random,
          ),
    );
    if (random.chance(0.3)) story.push({ kind: "crash", node }, { kind: "restart", node });
    if (random.chance(0.7)) story.push({ kind: "restart", node: gone }, ...nodes.map(healing(gone)));
    interleave(actions, story, random);
  }
}

/** A rule that can be met when all are there. */
function ruleOf(node: string, nodes: readonly string[], random: SeededRandom): Action {
  const of = nodes.filter((other) => other !== node && random.chance(0.7));
  const rule = random.chance(0.7) ? "any" : "first";
  return { kind: "sync", node, rule, needed: random.integer(of.length + 1), of };
}

const healing =
  (a: string) =>
  (b: string): Action => ({ kind: "heal", a, b });
