/**
 * What each benchmark can be told on its command line, and what it says of that with `--help`. Needs nothing installed and
 * nothing built, so that a wrong flag is told before minutes of either.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

const SMOKE = { type: "boolean", default: false, help: "only to see that everything runs: small and once" };
const rounds = (times) => ({
  type: "string",
  value: "N",
  default: times,
  isCount: true,
  help: "how often each is measured",
});
const out = (file) => ({ type: "string", value: "FILE", default: file, help: "where the results are kept" });
const some = (what) => ({
  type: "string",
  value: "A,B",
  help: `only these ${what}; an unknown name lists them`,
});
const results = (name) => join(import.meta.dirname, "results", `${name}.json`);

export const BENCHMARKS = {
  core: {
    what: "every work by every CRDT library",
    options: {
      works: some("works"),
      systems: some("systems"),
      rounds: rounds("5"),
      smoke: SMOKE,
      out: out(results("core")),
    },
  },
  server: {
    what: "every work against every server, over loopback",
    options: {
      works: some("works"),
      systems: some("systems"),
      rounds: rounds("3"),
      smoke: SMOKE,
      out: out(results("server")),
    },
  },
  replication: {
    what: "what replication costs, as ratios of figures of one run",
    options: {
      only: some("parts"),
      records: {
        type: "string",
        value: "N",
        default: "1000000",
        isCount: true,
        help: "how many a follower that was away has to catch up with",
      },
      smoke: SMOKE,
      out: { ...out(undefined), help: "where the results are kept, if anywhere" },
    },
  },
  growth: {
    what: "how time, bytes and memory grow with what there is more and more of",
    options: { axes: some("axes"), rounds: rounds("3"), smoke: SMOKE, out: out(results("growth")) },
  },
  docs: { what: "charts and tables of docs/ from the results that are there", options: {} },
};

/**
 * What a benchmark was told. Ends the process where there is nothing to run: with its help, or in one line and with 2 on
 * what it does not know.
 */
export function flagsOf(name, args = process.argv.slice(2)) {
  const { what, options } = BENCHMARKS[name];
  const refuse = (reason) => {
    console.error(`bench ${name}: ${reason}; see --help`);
    process.exit(2);
  };
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: { ...forParser(options), help: { type: "boolean", short: "h" } },
    }));
  } catch (error) {
    refuse(error.message.split(/[.\n]/)[0]);
  }
  if (values.help) {
    const usage = Object.entries(options).map(([flag, option]) => `[${flagText(flag, option)}]`);
    console.log([["pnpm bench", name, ...usage].join(" "), "", `  ${what}`, ...lines(options)].join("\n"));
    process.exit(0);
  }
  for (const [flag, { isCount }] of Object.entries(options)) {
    if (isCount && !/^[1-9]\d{0,8}$/.test(values[flag]))
      refuse(`--${flag} is a number from 1 on, not ${JSON.stringify(values[flag])}`);
  }
  return values;
}

/** All benchmarks, a line each. */
export function helpOfAll() {
  const names = Object.keys(BENCHMARKS);
  const rows = Object.entries(BENCHMARKS).map(([name, { what }]) => `  ${name.padEnd(13)}${what}`);
  return [`pnpm bench ${names.join(" | ")} [flags]`, "", ...rows, "", "  each has a --help of its own"].join(
    "\n",
  );
}

function forParser(options) {
  const known = ({ type, default: value }) => (value === undefined ? { type } : { type, default: value });
  return Object.fromEntries(Object.entries(options).map(([flag, option]) => [flag, known(option)]));
}

function flagText(flag, { value }) {
  return value === undefined ? `--${flag}` : `--${flag} ${value}`;
}

function lines(options) {
  const entries = Object.entries(options);
  if (entries.length === 0) return [];
  const rows = entries.map(([flag, option]) => {
    const usual = typeof option.default === "string" ? ` (${option.default})` : "";
    return `  ${flagText(flag, option).padEnd(15)} ${option.help}${usual}`;
  });
  return ["", ...rows];
}
