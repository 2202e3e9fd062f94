/** Settings: where they come from, which goes first, and what a mistake is told. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RULE_FORMS } from "@syncline/protocol";
import { flagOf, readConfig, SETTING_KEYS, type ServerConfig, variableOf } from "@syncline/server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "syncline-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, contents: string): string => {
  writeFileSync(join(folder, name), contents);
  return join(folder, name);
};

const configOf = (flags: Record<string, unknown>, env: Record<string, string> = {}): ServerConfig => {
  const read = readConfig({ flags, env });
  if (!read.ok) throw new Error(read.mistakes.join("\n"));
  return read.config;
};

const mistakesOf = (flags: Record<string, unknown>, env: Record<string, string> = {}): readonly string[] => {
  const read = readConfig({ flags, env });
  return read.ok ? [] : read.mistakes;
};

describe("where a setting comes from", () => {
  test("nothing said: a durable asynchronous master on port 1234 of this machine", () => {
    expect(configOf({})).toEqual({
      port: 1234,
      host: "localhost",
      data: resolve("syncline-data"),
      name: undefined,
      cluster: "default",
      role: "master",
      rule: { kind: "local" },
      visibility: "committed",
      syncTimeoutMs: 10_000,
      topology: "multi-master",
      voter: true,
      writes: {},
      retention: { bytes: 2 ** 30, records: 10_000_000 },
      follow: [],
      advertise: undefined,
      secret: undefined,
      allowOrigins: [],
      logLevel: "info",
    });
  });

  test("a flag goes before a variable, a variable before the file, the file before the default", () => {
    const config = file(
      "server.json",
      '{"port": 3, "cluster": "of-file", "name": "of-file", "logLevel": "warn"}',
    );
    const env = { SYNCLINE_CONFIG: config, SYNCLINE_PORT: "2", SYNCLINE_CLUSTER: "of-variable" };
    expect(configOf({ port: "1" }, env)).toMatchObject({
      port: 1,
      cluster: "of-variable",
      name: "of-file",
      logLevel: "warn",
      host: "localhost",
    });
  });

  test("every setting is a flag, a variable and a key", () => {
    expect(flagOf("clusterSecretFile")).toBe("--cluster-secret-file");
    expect(variableOf("clusterSecretFile")).toBe("SYNCLINE_CLUSTER_SECRET_FILE");
    const secret = file("secret", "0123456789abcdef\n");
    const given = {
      port: "4321",
      host: "127.0.0.1",
      memory: "true",
      name: "n1",
      cluster: "c1",
      role: "master",
      follow: "ws://localhost:1,wss://b.example/sync",
      advertise: "ws://localhost:9/",
      clusterSecretFile: secret,
      sync: "ANY 1 (f1,f2)",
      syncLevel: "applied",
      visibility: "immediate",
      syncTimeout: "2s",
      topology: "single-master",
      voter: "no",
      floor: "ANY 1 (f1);boards=durable",
      degradeTo: "LOCAL",
      retentionBytes: "500mb",
      retentionRecords: "1000",
      allowOrigin: "https://a.example https://b.example:8443",
      logLevel: "debug",
    };
    expect([...Object.keys(given), "config", "data"].sort()).toEqual([...SETTING_KEYS].sort());
    const env = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [variableOf(keyOf(key)), value]),
    );
    const wanted: ServerConfig = {
      port: 4321,
      host: "127.0.0.1",
      data: undefined,
      name: "n1",
      cluster: "c1",
      role: "master",
      rule: { kind: "any", needed: 1, names: ["f1", "f2"], level: "applied" },
      visibility: "immediate",
      syncTimeoutMs: 2_000,
      topology: "single-master",
      voter: false,
      writes: {
        floor: { level: "committed", concern: { kind: "any", needed: 1, names: ["f1"] } },
        floorsOf: new Map([["boards", { level: "durable" }]]),
        degradeTo: { kind: "local" },
      },
      retention: { bytes: 500 * 2 ** 20, records: 1_000 },
      follow: ["ws://localhost:1", "wss://b.example"],
      advertise: "ws://localhost:9",
      secret: new TextEncoder().encode("0123456789abcdef"),
      allowOrigins: ["https://a.example", "https://b.example:8443"],
      logLevel: "debug",
    };
    expect(configOf({}, env)).toEqual(wanted);
    expect(configOf(given)).toEqual(wanted);
    const json = {
      ...given,
      port: 4321,
      memory: true,
      follow: given.follow.split(","),
      allowOrigin: given.allowOrigin.split(" "),
    };
    expect(configOf({ config: file("all.json", JSON.stringify(json)) })).toEqual(wanted);
  });

  test("paths in the file are relative to it, all others to the current folder", () => {
    file("secret", "0123456789abcdef");
    const config = file("server.json", '{"data": "here", "clusterSecretFile": "secret"}');
    expect(configOf({ config }).data).toBe(join(folder, "here"));
    expect(configOf({ config }).secret).toHaveLength(16);
    expect(configOf({ config, data: "there" }).data).toBe(resolve("there"));
  });

  test("an empty variable says nothing", () => {
    expect(configOf({}, { SYNCLINE_NAME: "", SYNCLINE_PORT: "" })).toMatchObject({
      name: undefined,
      port: 1234,
    });
  });

  test("a repeated upstream is one", () => {
    expect(configOf({ follow: ["ws://localhost:1", "ws://localhost:1/sync"] }).follow).toEqual([
      "ws://localhost:1",
    ]);
  });
});

describe("a mistake is one line that names the setting and says what to write", () => {
  const port = "write a whole number from 0 to 65535; 0 picks a free port";
  const url = "write the URL of a node, for example ws://localhost:1234";
  const origin = "write an origin, for example https://app.example";
  const name = 'write 1 to 64 letters, digits, "-", "_" or ".", beginning with a letter or digit';
  const cases: [flags: Record<string, unknown>, env: Record<string, string>, line: string][] = [
    [{ port: "abc" }, {}, `--port abc: ${port}`],
    [{ port: "65536" }, {}, `--port 65536: ${port}`],
    [{ port: "-1" }, {}, `--port -1: ${port}`],
    [{ port: "1e3" }, {}, `--port 1e3: ${port}`],
    [{ port: "" }, {}, `--port "": ${port}`],
    [{}, { SYNCLINE_PORT: "x" }, `SYNCLINE_PORT x: ${port}`],
    [
      {},
      { SYNCLINE_PORT: "tcp://10.0.0.1:1234" },
      `SYNCLINE_PORT tcp://10.0.0.1:1234: ${port}. (Kubernetes sets this for a service named syncline: enableServiceLinks: false)`,
    ],
    [{ host: "a b" }, {}, "--host a b: write a host name or an address, for example localhost"],
    [{ name: "-x" }, {}, `--name -x: ${name}`],
    [{ name: "a b" }, {}, `--name a b: ${name}`],
    [{ name: "x".repeat(65) }, {}, `--name ${"x".repeat(65)}: ${name}`],
    [{ name: "a\u001b[2Jb" }, {}, `--name a\uFFFD[2Jb: ${name}`],
    [{ cluster: "a,b" }, {}, `--cluster a,b: ${name}`],
    [{ role: "leader" }, {}, "--role leader: write master or follower"],
    [{ follow: ["ws://localhost:1", "localhost:1234"] }, {}, `--follow localhost:1234: ${url}`],
    [{ follow: ["http://localhost:1234"] }, {}, `--follow http://localhost:1234: ${url}`],
    [{ follow: ["ws://user:pass@localhost"] }, {}, `--follow ws://user:pass@localhost: ${url}`],
    [{ follow: ["ws://localhost/other"] }, {}, `--follow ws://localhost/other: ${url}`],
    [{ follow: ["ws://localhost:99999"] }, {}, `--follow ws://localhost:99999: ${url}`],
    [{}, { SYNCLINE_FOLLOW: "ws://localhost:1,nonsense" }, `SYNCLINE_FOLLOW nonsense: ${url}`],
    [{ advertise: "here" }, {}, `--advertise here: ${url}`],
    [{ allowOrigin: ["app.example"] }, {}, `--allow-origin app.example: ${origin}`],
    [{ allowOrigin: ["*"] }, {}, `--allow-origin *: ${origin}`],
    [{ allowOrigin: ["https://app.example/path"] }, {}, `--allow-origin https://app.example/path: ${origin}`],
    [{ sync: "SOME" }, {}, `--sync SOME: ${RULE_FORMS}`],
    [{ syncLevel: "disk" }, {}, "--sync-level disk: write received, durable or applied"],
    [{ syncTimeout: "10" }, {}, "--sync-timeout 10: write a duration, for example 500ms, 10s or 2m"],
    [{ syncTimeout: "0s" }, {}, "--sync-timeout 0s: write a duration, for example 500ms, 10s or 2m"],
    [{ voter: "perhaps" }, {}, "--voter perhaps: write yes or no"],
    [
      { syncLevel: "applied" },
      {},
      "--sync-level: --sync LOCAL counts nobody; say with --sync who counts, for example 'ANY 1 (f1,f2)'",
    ],
    [
      { sync: "MAJORITY received", syncLevel: "applied" },
      {},
      "--sync-level and --sync MAJORITY received: both say how surely; remove one of the two",
    ],
    [{ sync: "ANY 3 (f1,f2)" }, {}, "--sync ANY 3 (f1,f2): 3 nodes are needed, but only 2 are named"],
    [{ sync: "ANY 1 (f 1)" }, {}, `--sync ANY 1 (f 1): "f 1" is no node's name; ${name}`],
    [{ logLevel: "loud" }, {}, "--log-level loud: write debug, info, warn or error"],
    [
      { memory: true },
      { SYNCLINE_DATA: "x" },
      "--memory and SYNCLINE_DATA: data is kept in memory or in a folder; remove one of the two",
    ],
    [{}, { SYNCLINE_MEMORY: "yes" }, "SYNCLINE_MEMORY yes: write true or false"],
    [
      { role: "follower" },
      {},
      "--role follower: a follower needs somebody to follow; add --follow ws://host:port",
    ],
    [
      { role: "follower", follow: ["ws://localhost:1"] },
      { SYNCLINE_SYNC: "LOCAL" },
      "SYNCLINE_SYNC: a follower takes no writes and has no commit rule; set it on the masters",
    ],
    [
      { role: "follower", follow: ["ws://localhost:1"], visibility: "immediate" },
      {},
      "--visibility: a follower shows what its masters say; set it on the masters",
    ],
    [
      { visibility: "immediate" },
      {},
      "--visibility: --sync LOCAL commits at once, and shows at once; say with --sync who else must have a write",
    ],
    [{}, { SYNCLINE_PROT: "1" }, "SYNCLINE_PROT: there is no such variable; did you mean SYNCLINE_PORT?"],
    [
      {},
      { SYNCLINE_ZZZZZZZZ: "1" },
      "SYNCLINE_ZZZZZZZZ: there is no such variable; see `syncline serve --help`",
    ],
  ];
  test.each(cases)("%j %j", (flags, env, line) => {
    expect(mistakesOf(flags, env)).toEqual([line]);
  });

  test("several mistakes are several lines", () => {
    expect(mistakesOf({ port: "x", role: "y" })).toHaveLength(2);
  });

  test("variables that orchestrators and other commands set are left alone", () => {
    expect(
      mistakesOf({}, { SYNCLINE_SERVICE_HOST: "1", SYNCLINE_PORT_1234_TCP: "1", SYNCLINE_URL: "ws://x" }),
    ).toEqual([]);
  });
});

describe("the files that settings name", () => {
  const lines = (contents: string): readonly string[] => {
    const config = file("server.json", contents);
    return mistakesOf({ config }).map((line) => line.replaceAll(config, "FILE"));
  };

  test.each([
    ["{", /^--config FILE: is not JSON: /],
    ["[]", /^--config FILE: is not a JSON object; write for example \{"port": 1234\}$/],
    ['{"prot": 1}', /^"prot" in FILE: there is no such key; did you mean port\?$/],
    ['{"zzzzzzzz": 1}', /^"zzzzzzzz" in FILE: there is no such key; the keys are port, host, data, /],
    ['{"config": "x"}', /^"config" in FILE: there is no such key/],
    ['{"__proto__": 1}', /^"__proto__" in FILE: there is no such key/],
    ['{"port": "x"}', /^"port" in FILE x: write a whole number/],
    ['{"port": null}', /^"port" in FILE null: write a whole number/],
    ['{"follow": ["ws://localhost:1", 7]}', /^"follow" in FILE .*: write the URL of a node/],
    ['{"memory": 1}', /^"memory" in FILE 1: write true or false/],
  ])("%s", (contents, line) => {
    expect(lines(contents)).toEqual([expect.stringMatching(line)]);
  });

  test("a file that is not there, is a folder, is huge", () => {
    expect(mistakesOf({ config: "no-such.json" })).toEqual(["--config no-such.json: there is no such file"]);
    expect(mistakesOf({ config: folder })).toEqual([`--config ${folder}: is a folder; name a file`]);
    expect(lines(" ".repeat(70_000))).toEqual(["--config FILE: is larger than 65536 bytes"]);
    expect(mistakesOf({ clusterSecretFile: "no-such" })).toEqual([
      "--cluster-secret-file no-such: there is no such file",
    ]);
  });

  test("a secret that can be guessed", () => {
    const clusterSecretFile = file("secret", "short\n");
    expect(mistakesOf({ clusterSecretFile })).toEqual([
      `--cluster-secret-file ${clusterSecretFile}: has 5 bytes; a secret has at least 16: openssl rand -hex 32 > ${clusterSecretFile}`,
    ]);
  });
});

function keyOf(key: string): (typeof SETTING_KEYS)[number] {
  const found = SETTING_KEYS.find((known) => known === key);
  if (found === undefined) throw new Error(`no setting ${key}`);
  return found;
}
