/**
 * The mutants: production code with one rule taken out, and the test that must notice.
 *
 * `edits` are exact pieces of a source file and what they become; each piece must occur exactly once, so that a
 * mutant cannot quietly turn into nothing when the code moves on. `tests` are what is run against it (a file, and
 * optionally a part of the tests' names); at least one of them must fail.
 */
const RULES = "test/scenarios/rules.test.ts";
const HISTORIES = "test/simulation/play.test.ts";
const node = (file) => `packages/engine/src/node/${file}.ts`;
const core = (file) => `packages/core/src/${file}.ts`;
const client = (file) => `packages/engine/src/client/${file}.ts`;

export const MUTANTS = [
  {
    rule: "decision 0057",
    name: "a field of which nothing is left is not in a document's delta",
    file: core("document-delta"),
    edits: [
      [
        "    if (first !== undefined)\n      put(",
        "    if (first !== undefined && cell && cellOf(cell, kind, undefined, isLeft, have))\n      put(",
      ],
    ],
    tests: ["test/core/document-deltas.test.ts", "takes a few bytes"],
  },
  {
    rule: "decision 0057",
    name: "a delta that begins after what is here is joined",
    file: core("delta"),
    edits: [['if (!from.every((dot) => hasSeen(have, dot))) return "early";', ""]],
    tests: ["test/core/deltas.test.ts", "told by what was not"],
  },
  {
    rule: "decision 0057",
    name: "what was removed since a version stays",
    file: core("left"),
    edits: [["return 2 * low < ranges.length && ranges[2 * low]! <= counter;", "return ranges.length > 0;"]],
    tests: ["test/core/deltas.test.ts", "told by what was not"],
  },
  {
    rule: "decision 0057",
    name: "a key of which only sums are left is not hidden by a delta",
    file: core("news"),
    edits: [["[hidden, { ...since, isWhole: true }],", "[hidden, since],"]],
    tests: ["test/core/deltas.test.ts", "a hidden key stays hidden"],
  },
  {
    rule: "decision 0056",
    name: "a removal hides a key of which its maker had not seen all uses",
    file: core("keep-whole-map"),
    edits: [["if (isSame(saw, usesOf(state, name))) state", "state"]],
    tests: ["test/core/keep-whole-maps.test.ts", "keeps all of it"],
  },
  {
    rule: "decision 0056",
    name: "what one side has hidden stays hidden, whatever the other side has used",
    file: core("keep-whole-map"),
    edits: [["isHidden(side, name) && !isOutdone(side)", "isHidden(side, name)"]],
    tests: ["test/core/keep-whole-maps.test.ts", "keeps all of it"],
  },
  {
    rule: "decision 0056",
    name: "who uses a removed key leaves there what he sees",
    file: core("keep-whole-map"),
    edits: [
      [
        "    for (const step of state.children.under(name))\n      resetBelow(state.children.get(step)!, [...path, step], say);\n",
        "",
      ],
    ],
    tests: ["test/core/keep-whole-maps.test.ts", "begins a new one"],
  },
  {
    rule: "decision 0056",
    name: "what a use brings back is not told",
    file: core("keep-whole-map"),
    edits: [["visitUnder(state.hidden, name, path, visit);", ""]],
    tests: ["test/core/keep-whole-maps.test.ts", "is told, place by place"],
  },
  {
    rule: "decision 0056",
    name: "a purge leaves what is hidden",
    file: core("descent"),
    edits: [["  cell.rules.uncover?.(cell.state, path, say);\n", ""]],
    tests: ["test/core/keep-whole-maps.test.ts", "a purge takes what is hidden"],
  },
  {
    rule: "REPLICATION 2.9",
    name: "a loser is written to maps, whatever its path leads through",
    file: core("write-again"),
    edits: [
      [
        "place.record(path, lwwRegister, (state)",
        "place.record(path.map((step, i) => (i < path.length - 1 ? { ...step, kind: 5 } : step)), lwwRegister, (state)",
      ],
    ],
    tests: ["test/core/conflicts.test.ts", "at its own place"],
  },
  {
    rule: "REPLICATION 2.9",
    name: "the place that a conflict names is believed",
    file: core("write-again"),
    edits: [["isOwnField(path[0]!.name) ? undefined : typeAt(path)?.kind", "path.at(-1)?.kind"]],
    tests: ["test/core/conflicts.test.ts", "not believed"],
  },
  {
    rule: "decision 0049",
    name: "what is done under a removed key counts, whoever did it",
    file: core("remove-wins-map"),
    edits: [["marksOf(state, name).every((mark) => isKnown(mark, dot))", "true"]],
    tests: ["test/core/remove-wins-maps.test.ts"],
  },
  {
    rule: "decision 0049",
    name: "a state that has not seen a removal brings back what it took",
    file: core("remove-wins-map"),
    edits: [["lost.size === 0 ? from.children : from.children.without(lost)", "from.children"]],
    tests: ["test/core/remove-wins-maps.test.ts", "whole state"],
  },
  {
    rule: "decision 0049",
    name: "what a removal takes that its maker did not know of is not told",
    file: core("remove-wins-map"),
    edits: [
      [
        'if (typeof what === "string" || !rwMap.isOp(what) || what.act !== "drop") return;',
        'if (path.length > 0 || typeof what === "string" || !("name" in what)) return;',
      ],
    ],
    tests: ["test/core/remove-wins-maps.test.ts", "is told"],
  },
  {
    rule: "decision 0013",
    name: "a question goes on through as many nodes as there are, again and again",
    file: node("freshness"),
    edits: [["this.passOn(hops - 1, ", "this.passOn(hops, "]],
    tests: ["test/engine/freshness.test.ts", "stop asking"],
  },
  {
    rule: "decision 0045",
    name: "who somebody is heard to be moves nothing",
    file: node("node"),
    edits: [
      [
        "if (this.gossiping.receive(link, message)) this.members.changed();",
        "this.gossiping.receive(link, message);",
      ],
    ],
    tests: ["test/engine/gossip.test.ts"],
  },
  {
    rule: "I8",
    name: "a document that is opened late is shown without what its session has seen elsewhere",
    file: client("reader"),
    edits: [["({ loaded }) => loaded || isCovered", "() => isCovered || true"]],
    tests: ["test/scenarios/feeds.test.ts", "provider has what its session has seen"],
  },
  {
    rule: "I8",
    name: "what a demoted master has left is not waited for",
    file: node("freshness"),
    edits: [["if (shown > positionIn(this.visible, stream)) return node;", ""]],
    tests: ["test/simulation/regressions.test.ts", "demoted"],
  },
  {
    rule: "I1",
    name: "nobody notices that a place has two contents",
    file: node("following"),
    edits: [["if (sameBytes(this.log.record(stream, position).bytes, bytes)) return;", "return;"]],
    tests: ["test/engine/positions.test.ts"],
  },
  {
    rule: "I6",
    name: "a collection's own floor is not looked at",
    file: node("writes"),
    edits: [["floorsOf?.get(name.collection) ?? usual", "usual ?? floorsOf?.get(name.collection)"]],
    tests: ["test/engine/write-policy.test.ts", "a floor of its own"],
  },
  {
    rule: "decision 0045",
    name: "what is said of a stream moves nothing",
    file: node("peers"),
    edits: [["if (stream !== undefined) this.movedAt.set(stream, number);", "void stream, number;"]],
    tests: ["test/engine/revisions.test.ts"],
  },
  {
    rule: "SPINE 19",
    name: "a promotion hears as many as a quorum needs, and not n-k+1",
    file: node("promotion"),
    edits: [
      [
        "silent.length < neededOf(rule, names.length)",
        "silent.length <= names.length - neededOf(rule, names.length)",
      ],
    ],
    tests: ["test/scenarios/roles.test.ts", "alone it would not be enough"],
  },
  {
    rule: "SPINE 19",
    name: "a promotion does not catch up with those whom it hears",
    file: node("promotion"),
    edits: [["if (unheard.length === 0 && have >= known) continue;", "if (unheard.length === 0) continue;"]],
    tests: ["test/scenarios/roles.test.ts", "it hears one of the two"],
  },
  {
    rule: "SPINE 19",
    name: "a promotion takes a greeting for word of what a node holds",
    file: node("promotion"),
    edits: [
      [
        "name === this.self || this.peers.hasSpoken(name);",
        "name === this.self || this.peers.isHeard(name);",
      ],
    ],
    tests: ["test/scenarios/roles.test.ts", "alone it would not be enough"],
  },
  {
    rule: "SPINE 19",
    name: "a promotion does not ask for a majority of the members",
    file: node("promotion"),
    edits: [["if (silent.length * 2 >= others.length + 1) {", "if (silent.length > others.length) {"]],
    tests: ["test/scenarios/roles.test.ts", "a follower that lags"],
  },
  {
    rule: "REPLICATION 2.6",
    name: "a promoted node is a follower again after a restart",
    file: node("role"),
    edits: [["this.take(row.role, rule);\n    log.warn", "log.warn"]],
    tests: ["test/scenarios/roles.test.ts", "started again with its old flags"],
  },
  {
    rule: "REPLICATION 2.6",
    name: "a master steps down before others have what it accepted",
    file: node("node"),
    edits: [["force || (this.hearsMaster() && isSafe())", "force || this.hearsMaster()"]],
    tests: ["test/scenarios/roles.test.ts", "once all that it has accepted is safe"],
  },
  {
    rule: "I11",
    name: "the latest of several things with one name has it bare",
    file: "packages/engine/src/schema/catalog.ts",
    edits: [["made < owner.made || ", "made > owner.made || "]],
    tests: ["test/scenarios/schema.test.ts", "conflicting definitions"],
  },
  {
    rule: "I11",
    name: "a collection that is created anew shows what was dropped",
    file: "packages/engine/src/schema/statements.ts",
    edits: [["return last === 0 ? name", "return last >= 0 ? name"]],
    tests: ["test/schema/http.test.ts", "a creation after it is empty"],
  },
  {
    rule: "I11",
    name: "what a field holds can be narrowed",
    file: "packages/engine/src/schema/kinds.ts",
    edits: [["if (lost.length > 0) {", "if (lost.length > 9) {"]],
    tests: ["test/schema/http.test.ts", "a type only widens"],
  },
  {
    rule: "decision 0028",
    name: "who may write documents may change the schema",
    file: node("node"),
    edits: [['authorize(who, document, "schema")', 'authorize(who, document, "write")']],
    tests: ["test/client/deletion.test.ts", "without the right"],
  },
  {
    rule: "decision 0029",
    name: "a value that nobody was shown is gone with the next write",
    file: core("draft"),
    edits: [["for (const element of lost) this.#lose(element);", "void lost;"]],
    tests: ["test/core/conflicts.test.ts", "what he was never shown"],
  },
  {
    rule: "decision 0029",
    name: "a write to a deleted document brings back the old one",
    file: core("document"),
    edits: [["by.asIs !== true) recording.renew();", "by.asIs !== true) recording.restoreDocument();"]],
    tests: ["test/core/conflicts.test.ts", "begins a new one"],
  },
  {
    rule: "I5",
    name: "a node does not notice that changes are concurrent",
    file: node("conflicts"),
    edits: [["if (!this.follows(entry, head, before)) this.note", "if (false) this.note"]],
    tests: ["test/scenarios/schema.test.ts", "looks through"],
  },
  {
    rule: "I5",
    name: "where that was written which is folded is forgotten",
    file: node("documents"),
    edits: [["for (const place of places) addPlace(standing, place);", ""]],
    tests: ["test/scenarios/schema.test.ts", "what is folded"],
  },
  {
    rule: "I5",
    name: "a snapshot does not say where its documents were written",
    file: node("sending"),
    edits: [["places: this.documents.placesOf(entry, vector),", "places: new Map(),"]],
    tests: ["test/scenarios/schema.test.ts", "what is folded"],
  },
  {
    rule: "I5",
    name: "a drop of a field tells of everything that was written to its documents",
    file: node("conflicts"),
    edits: [["fieldKeyOf(id, kind), field);", "undefined, field);"]],
    tests: ["test/scenarios/schema.test.ts", "a field dropped"],
  },
  {
    rule: "I11",
    name: "an app below the minimum version is let in",
    file: node("node"),
    edits: [["answer(this.tooOld(hello.schema));", "answer(undefined);"]],
    tests: ["test/schema/versions.test.ts", "below the minimum"],
  },
  {
    rule: "I11",
    name: "an app that is connected stays when the minimum rises above it",
    file: node("node"),
    edits: [
      ["if (why !== undefined) client.channel.end(why);", "if (why === client) client.channel.end(why);"],
    ],
    tests: ["test/schema/versions.test.ts", "below the minimum"],
  },
  {
    rule: "I9",
    name: "what was lost in conflicts outlives a purge",
    file: "packages/core/src/purge.ts",
    edits: [["  (draft as Recording).reset(LOST_PATH);\n", ""]],
    tests: ["test/scenarios/purge.test.ts", "values, removed ones"],
  },
  {
    rule: "I9",
    name: "a node confirms a purge while records have what was purged",
    file: node("purges"),
    edits: [["stream.truncated >= position) continue;", "stream.truncated >= 0) continue;"]],
    tests: ["test/scenarios/purge.test.ts"],
  },
  {
    rule: "I9",
    name: "a node that is started again forgets what it was purging",
    file: node("purges"),
    edits: [
      [
        "for (const [key] of storage.scan(allPurging())) this.add(documentOfKey(key));",
        "storage.scan(allPurging());",
      ],
    ],
    tests: ["test/scenarios/purge.test.ts", "a node that is away"],
  },
  {
    rule: "I6",
    name: "a caller's wish is degraded though nobody allowed it",
    file: node("writes"),
    edits: [["if (!isDegradable) {", "if (!isDegradable && !committed) {"]],
    tests: ["test/engine/write-policy.test.ts"],
  },
  {
    rule: "I6",
    name: "the operator's floor is not waited for",
    file: node("writes"),
    edits: [["return { ...asked, level };", "return asked;"]],
    tests: ["test/engine/write-policy.test.ts"],
  },
  {
    rule: "I8",
    name: "a master that has lost its disk vouches for itself",
    file: node("node"),
    edits: [
      [
        "if (!this.commits.hearsOfPast(this.name, this.self.rule)) return true;",
        "if (this.commits.hearsOfPast(this.name, this.self.rule) === undefined) return true;",
      ],
    ],
    tests: ["test/simulation/regressions.test.ts", "staleness-after-a-lost-disk"],
  },
  {
    rule: "SPINE 11",
    name: "what is visible is folded before it is safe",
    file: node("bases"),
    edits: [
      ["(this.log.stream(stream)?.safe ?? 0) < position", "(this.log.stream(stream)?.held ?? 0) < position"],
    ],
    tests: ["test/engine/bases.test.ts", "only one master"],
  },
  {
    rule: "SPINE 11",
    name: "a snapshot overwrites newer data",
    file: node("documents"),
    edits: [
      [
        "for (const place of beyond.filter(isNew)) this.integrate",
        "for (const place of beyond.slice(0, 0)) this.integrate",
      ],
    ],
    tests: ["test/engine/bases.test.ts", "not overwritten"],
  },
  {
    rule: "SPINE 11",
    name: "a snapshot comes without author counters",
    file: node("receiving"),
    edits: [["if (counter > this.counters.get(entry.number, author).counter)", "if (counter > 2 ** 52)"]],
    tests: ["test/engine/bases.test.ts", "known again"],
  },
  {
    rule: "SPINE 11",
    name: "a snapshot is shown before the disk has all of it",
    file: node("receiving"),
    edits: [
      [
        "this.on.afterDurable(this.journal.mark(), () => {\n      if (this.isStopped) return;\n      this.isBusy = false;\n      arrival.complete",
        "this.on.afterDurable(0, () => {\n      if (this.isStopped) return;\n      this.isBusy = false;\n      arrival.complete",
      ],
    ],
    tests: ["test/engine/snapshots.test.ts", "until all of it"],
  },
  {
    rule: "I2",
    name: "a provider that lacks the beginning is followed all the same",
    file: node("serving"),
    edits: [["if (next > upTo) return false;", "if (next > 0) return false;"]],
    tests: ["test/engine/bases.test.ts", "beginning is gone"],
  },
  {
    rule: "SPINE 12",
    name: "a state takes the place of own changes",
    file: client("documents"),
    edits: [["  document.merge(state);\n  return document;", "  return state;"]],
    tests: ["test/engine/snapshots.test.ts", "no master can be reached"],
  },
  {
    rule: "I10",
    name: "a snapshot that breaks off begins anew",
    file: node("sending"),
    edits: [["after: goesOn ? message.after : undefined,", "after: undefined,"]],
    tests: ["test/engine/snapshots.test.ts", "breaks off"],
  },
  {
    rule: "SPINE 1",
    name: "a record is stored before what it depends on",
    file: node("log"),
    edits: [
      [
        "record.position === positionIn(this.held, record.stream) + 1 && covers(this.held, record.deps)",
        "record.position === positionIn(this.held, record.stream) + 1",
      ],
    ],
    tests: [RULES, "rule 1"],
  },
  {
    rule: "SPINE 2",
    name: "an epoch is computed from what is stored",
    file: node("node"),
    edits: [
      [
        "const stream: StreamId = 1 + random.integer(2 ** 53 - 1);",
        "const stream: StreamId = (this.meta.epoch ?? this.name.charCodeAt(1) * 1000) + 1;",
      ],
    ],
    tests: [RULES, "rule 2"],
  },
  {
    rule: "SPINE 2",
    name: "a node does not follow its own former epochs",
    file: node("following"),
    edits: [
      [
        "if (link.dialed) return true;",
        "if (link.progress.get(stream)?.node === this.self) return false;\n    if (link.dialed) return true;",
      ],
    ],
    tests: [RULES, "rule 2"],
  },
  {
    rule: "SPINE 3",
    name: "a client takes the same author at every start",
    file: client("client"),
    edits: [["return 1 + this.#ports.random.integer(2 ** 53 - 1);", "return 12345;"]],
    tests: [RULES, "rule 3"],
  },
  {
    rule: "SPINE 3",
    name: "a change is admitted without its author's change before it",
    file: node("admission"),
    edits: [["if (known.counter !== change.first - 1) {", "if (known.counter > change.first) {"]],
    tests: [RULES, "rule 3"],
  },
  {
    rule: "SPINE 3",
    name: "an accepted change is made again with what follows a refused one",
    file: client("refused"),
    edits: [["return this.#has(author, first) ||", "return first > 0 || this.#has(author, first) ||"]],
    tests: ["test/engine/rejections.test.ts"],
  },
  {
    rule: "SPINE 4",
    name: "deps are all that is held",
    file: node("admission"),
    edits: [
      ["for (const [stream, visible] of this.visible) {", "for (const [stream, visible] of this.log.held) {"],
    ],
    tests: [RULES, "rule 4"],
  },
  {
    rule: "SPINE 5",
    name: "a record is shown before what it depends on",
    file: node("visibility"),
    edits: [["if (!covers(this.visible, record.deps)) break;", "if (record.deps === undefined) break;"]],
    tests: ["test/engine/visibility.test.ts", "dependency"],
  },
  {
    rule: "SPINE 5",
    name: "what is visible does not detect duplicates",
    file: node("visibility"),
    edits: [
      ["if (seen.counter >= head.last) {", "if (seen.counter > head.last) {"],
      ["if (misfit !== undefined) {", "if (misfit === '') {"],
    ],
    tests: ["test/engine/visibility.test.ts", "two streams"],
  },
  {
    rule: "SPINE 6",
    name: "only the origin commits",
    file: node("commit"),
    edits: [
      [
        'return rule.kind === "local" || stream.committed === stream.held ? 0 :',
        'return rule.kind === "local" || stream.id !== this.ownStream() ? 0 :',
      ],
    ],
    tests: [RULES, "rule 6"],
  },
  {
    rule: "SPINE 6",
    name: "the quorum alone commits, without a copy more",
    file: node("commit"),
    edits: [["atLeast(everybody.map(at), needed + 1)", "atLeast(everybody.map(at), needed)"]],
    tests: [RULES, "rule 6"],
  },
  {
    rule: "I6",
    name: "who the voters are need not be known to count them",
    file: node("commit"),
    edits: [["isOfVoters(rule) ? Math.min(position, stream.ready) : position", "position"]],
    tests: ["test/engine/members.test.ts", "knows no list yet"],
  },
  {
    rule: "SPINE 7",
    name: "progress outlives its connection",
    file: node("peers"),
    edits: [
      ["    this.links.delete(link);\n", "    link.channel.flush();\n"],
      [
        "for (const other of superseded) this.links.delete(other);",
        "for (const other of superseded) other.channel.flush();",
      ],
    ],
    tests: [RULES, "rule 7"],
  },
  {
    rule: "SPINE 8",
    name: "after a restart everything held counts as committed",
    file: node("log"),
    edits: [["stream.committed = row.committed;", "stream.committed = row.held;"]],
    tests: [RULES, "rule 8"],
  },
  {
    rule: "SPINE 9",
    name: "a duplicate is acknowledged before the flush",
    file: node("offers"),
    edits: [["mark: journal.mark(),", "mark: isDuplicate ? 0 : journal.mark(),"]],
    tests: [RULES, "rule 9"],
  },
  {
    rule: "SPINE 9",
    name: "a duplicate's token names the own stream only",
    file: node("offers"),
    edits: [["elsewhere: isDuplicate ? admission.view() : undefined,", "elsewhere: undefined,"]],
    tests: [RULES, "rule 9"],
  },
  {
    rule: "SPINE 12",
    name: "a client drops its change at the acknowledgement",
    file: client("writer"),
    edits: [
      [
        "if (isDurable) this.#outbox.markDurable(entry);",
        "if (isDurable) {\n      this.#outbox.markDurable(entry);\n      this.#outbox.remove(entry);\n    }",
      ],
    ],
    tests: [RULES, "rule 12"],
  },
  {
    rule: "SPINE 13",
    name: "a session does not hand over what it has seen",
    file: client("retained"),
    edits: [["this.#batches.push({ feed, bytes });", "if (bytes < 0) this.#batches.push({ feed, bytes });"]],
    tests: [RULES, "rule 13"],
  },
  {
    rule: "SPINE 13",
    name: "a session that only reads hands nothing over",
    file: client("client"),
    edits: [
      [
        "if (this.#reader.isAttached && !this.#reader.coversSession) this.#writer.handOver();",
        "if (this.#reader.isAttached && this.#closed) this.#writer.handOver();",
      ],
    ],
    tests: [RULES, "only reads"],
  },
  {
    rule: "SPINE 14",
    name: "a hand-over is assumed to have been taken",
    file: client("writer"),
    edits: [
      [
        "this.#handingOver = { seen: this.#session.seenNow() };",
        "this.#session.handed(new Map(), this.#session.seenNow());\n    return;",
      ],
    ],
    tests: [RULES, "rule 14"],
  },
  {
    rule: "SPINE 14",
    name: "the safe part of the session's vector is not waited for",
    file: client("session"),
    edits: [
      ["if (safe > 0) floor.set(stream, safe);", "if (safe < 0) floor.set(stream, safe);"],
      ["Math.max(positionIn(have, stream), this.#safePart(stream, position))", "positionIn(have, stream)"],
    ],
    tests: [RULES, "rule 14"],
  },
  {
    rule: "SPINE 15",
    name: "author counters are forgotten with the cache",
    file: node("counters"),
    edits: [
      [
        "return value === undefined ? NONE : counterRow.decode(key, value);",
        "return value === undefined || document > 0 ? NONE : counterRow.decode(key, value);",
      ],
    ],
    tests: [RULES, "rule 15"],
  },
  {
    rule: "I9",
    name: "removing an element removes what was added concurrently",
    file: core("set"),
    edits: [
      [
        'put(state, key, op.act === "add" ? plusDot(left, dot) : left, undo);',
        'put(state, key, op.act === "add" ? plusDot(left, dot) : NO_DOTS, undo);',
      ],
    ],
    tests: ["test/core/laws.test.ts", "every history"],
  },
  {
    rule: "I9",
    name: "merging keeps what the other side has removed",
    file: core("register"),
    edits: [
      [
        "hasSeen(fromSeen, mine) && !isIn(from.siblings, mine);",
        "mine.counter < 0 && !isIn(from.siblings, mine) && hasSeen(fromSeen, mine);",
      ],
    ],
    tests: ["test/core/laws.test.ts", "register"],
  },
  {
    rule: "I5",
    name: "a register drops concurrent losers at once",
    file: core("register"),
    edits: [
      ["< 0) siblings.push(sibling);", "< 0) siblings.splice(0, siblings.length, sibling);"],
      ["else siblings.splice(placeOf(siblings, sibling), 0, sibling);", ""],
    ],
    tests: ["test/core"],
  },
  {
    rule: "I9",
    name: "a register in a row is replaced by a write at the same time",
    file: core("field-rows"),
    edits: [["op.replaces.length !== 1 || !rows.isWriteOf(row, op.replaces[0]!)", "op.replaces.length > 1"]],
    tests: ["test/core/many-things.test.ts", "random histories"],
  },
  {
    rule: "I4",
    name: "a register that left its row in a transaction that throws does not come back to it",
    file: core("fields"),
    edits: [["      this.#drop(field);\n      rows.enter(field);\n", ""]],
    tests: ["test/core/many-things.test.ts", "random histories"],
  },
  {
    rule: "I5",
    name: "of two prefix sums the older one wins",
    file: core("prefix"),
    edits: [
      ["compareExact(a.total, b.total)) >= 0 ? a : b;", "compareExact(a.total, b.total)) <= 0 ? a : b;"],
    ],
    tests: ["test/core/laws.test.ts", "every history"],
  },
  {
    rule: "I9",
    name: "a vote against does not outweigh one for",
    file: core("ballot"),
    edits: [
      [
        "return ballot.yes.length > 0 && ballot.no.length === 0;",
        "return ballot.yes.length > ballot.no.length;",
      ],
    ],
    tests: ["test/core/laws.test.ts"],
  },
  {
    rule: "I9",
    name: "joining maps keeps a key that the other side has removed",
    file: core("children"),
    edits: [
      [
        "cell.merge(seen, from.#children.get(key)?.cell ?? emptyCell(kind), fromSeen);",
        "cell.merge(seen, from.#children.get(key)?.cell ?? cell.clone(), fromSeen);",
      ],
    ],
    tests: ["test/core/laws.test.ts", "map"],
  },
  {
    rule: "I10",
    name: "a key that was removed leaves an empty cell",
    file: core("descent"),
    edits: [
      [
        "if (child.isBlank()) children.drop(step, play.undo);",
        "if (child.isBlank() && depth > 99) children.drop(step, play.undo);",
      ],
    ],
    tests: ["test/core/maps.test.ts"],
  },
  {
    rule: "I5",
    name: "joining sets that only grow takes the larger one",
    file: core("grow-set"),
    edits: [
      [
        "for (const key of from.elements) into.elements.add(key);",
        "if (from.elements.size > into.elements.size) for (const key of from.elements) into.elements.add(key);",
      ],
    ],
    tests: ["test/core/laws.test.ts"],
  },
  {
    rule: "I4",
    name: "a transaction that throws leaves its first ops",
    file: core("set"),
    edits: [["undo?.push(", "if (state.elements.size > 1e9) undo?.push("]],
    tests: ["test/core/transactions.test.ts"],
  },
  {
    rule: "decision 0016",
    name: "a move does not take the place of the moves that it has seen",
    file: core("list-state"),
    edits: [
      [
        "this.standings(element).filter((other) => !hasDot(replaces, other.dot))",
        "this.standings(element).filter((other) => hasDot([other.dot], other.dot) || replaces.length < 0)",
      ],
    ],
    tests: ["test/core/lists.test.ts", "a move by somebody"],
  },
  {
    rule: "I9",
    name: "an element that the other side has deleted stays in a merge",
    file: core("list"),
    edits: [
      [
        "} else if (hasSeen(fromSeen, into.positions.dotOf(element))) into.delete(element);",
        "} else if (hasSeen(fromSeen, into.positions.dotOf(element)) && element < 0) into.delete(element);",
      ],
    ],
    tests: ["test/core/laws.test.ts", "list"],
  },
  {
    rule: "I9",
    name: "an element that was deleted here comes back in a merge",
    file: core("list"),
    edits: [
      [
        "if (into.isElement(element) || hasSeen(intoSeen, into.positions.dotOf(element))) continue;",
        "if (into.isElement(element) || (hasSeen(intoSeen, into.positions.dotOf(element)) && element < 0)) continue;",
      ],
    ],
    tests: ["test/core/laws.test.ts", "list"],
  },
  {
    rule: "decision 0016",
    name: "right siblings do not look at what stood to their right",
    file: core("positions"),
    edits: [["if (!isLeft && theirs !== origin) {", "if (!isLeft && theirs !== origin && theirs < -1) {"]],
    tests: ["test/core/lists.test.ts", "whose right neighbours differ"],
  },
  {
    rule: "decision 0016",
    name: "a position is a right child whatever is there",
    file: core("positions"),
    edits: [["if (this.#firstChild(left, false) !== NONE) {", "if (this.#firstChild(left, false) < NONE) {"]],
    tests: ["test/core/laws.test.ts", "list"],
  },
  {
    rule: "decision 0017",
    name: "a digest does not see that a map has become empty",
    file: core("digest"),
    edits: [
      [
        "steps.length > 0; steps = steps.slice(0, -1)",
        "steps.length === path.length; steps = steps.slice(0, -1)",
      ],
    ],
    tests: ["test/core/digests.test.ts", "an empty map"],
  },
  {
    rule: "decision 0018",
    name: "an undo goes over what somebody else has written since",
    file: core("register"),
    edits: [["last?.author === dot.author : last", "last?.author !== dot.counter / 2 : last"]],
    tests: ["test/core/undo.test.ts", "a register is put back only"],
  },
  {
    rule: "decision 0018",
    name: "an undo removes what somebody else has added too",
    file: core("set"),
    edits: [["dotsBy(dot.author, ", "((_author, dots) => dots)(dot.author, "]],
    tests: ["test/core/undo.test.ts", "an element that somebody else"],
  },
  {
    rule: "I7",
    name: "a receipt says durable before the flush",
    file: node("offers"),
    edits: [
      ["if (next.mark > journal.durableMark) break;", "if (next.mark > journal.durableMark + 1000) break;"],
    ],
    tests: [RULES, "rule 9"],
  },
  {
    rule: "I2",
    name: "admission does not look for duplicates",
    file: node("admission"),
    edits: [["if (known.counter >= change.last) {", "if (known.counter >= change.last + 1000) {"]],
    tests: [RULES, "rule 15"],
  },
  {
    rule: "I6",
    name: "a node counts twice",
    file: node("commit"),
    edits: [
      [
        "...new Set([this.self, ...this.peers.heardNodes()])",
        "this.self, ...this.peers.heardNodes(), this.self",
      ],
    ],
    tests: [RULES, "rule 6"],
  },
  {
    rule: "I8",
    name: "a cut is sent to a reader that is behind",
    file: node("feeds"),
    edits: [
      [
        "if (session.behind.size === 0 && session.cutDue) this.cut(session, safe);",
        "if (session.cutDue) this.cut(session, safe);",
      ],
    ],
    tests: ["test/scenarios/feeds.test.ts"],
  },
  {
    rule: "I1",
    name: "lost frames are not noticed",
    file: "packages/protocol/src/frame.ts",
    edits: [["if (frame[0] !== this.#sequence) {", "if (frame[0] === undefined) {"]],
    tests: ["test/simulation/play.test.ts"],
  },
  {
    rule: "I7",
    name: "a commit is reported before it is on the disk",
    file: "packages/storage/src/memory.ts",
    edits: [
      [
        '      if (this.#state === "crashed") return;\n',
        '      done();\n      if (this.#state === "crashed") return;\n',
      ],
    ],
    tests: ["test/storage/memory.test.ts"],
  },
  {
    rule: "SPINE 3",
    name: "a refusal after a reload is final whoever was offered the change before",
    file: client("left"),
    edits: [["own.offeredElsewhere = masters === undefined || masters.length >= MASTERS_MAX;", ""]],
    tests: ["test/engine/offline.test.ts"],
  },
  {
    rule: "SPINE 12",
    name: "a slot keeps no frames of others",
    file: client("keeper"),
    edits: [["    this.collectFrames(batch);\n", ""]],
    tests: ["test/engine/offline.test.ts", "only the browser has seen"],
  },
  {
    rule: "SPINE 13",
    name: "a reload forgets what the session has seen",
    file: client("keeper"),
    edits: [["      client.session.restore(left.session);\n", ""]],
    tests: ["test/engine/offline.test.ts"],
  },
  {
    rule: "decision 0010",
    name: "a kept document has own changes in it that no feed has brought",
    file: client("keptdocuments"),
    edits: [["own.place === undefined && documentId", "own.change === undefined && documentId"]],
    tests: ["test/engine/offline.test.ts"],
  },
  {
    rule: "decision 0010",
    name: "what a feed brings is not kept",
    file: client("keptdocuments"),
    edits: [["    row.pending.push(change);\n", ""]],
    tests: ["test/engine/offline.test.ts"],
  },
  {
    rule: "decision 0010",
    name: "a slot is inherited at the first look, though its tab may only reload",
    file: client("heir"),
    edits: [["this.freeBefore.has(slot) && !this.empty.has(slot)", "!this.empty.has(slot)"]],
    tests: ["test/engine/offline.test.ts"],
  },
  {
    rule: "decision 0010",
    name: "what was inherited stays where it was",
    file: client("keeper"),
    edits: [["      batch.writes.push(...writes);\n", ""]],
    tests: ["test/engine/offline.test.ts"],
  },
  {
    rule: "I8",
    name: "a read is answered before its token is covered",
    file: node("reads"),
    edits: [["if (covers(this.visible, token)) {", "if (waitMs >= 0) {"]],
    tests: [HISTORIES, "every fault"],
  },
  {
    rule: "I8",
    name: "a client takes a new provider's word for all that there is",
    file: client("reader"),
    edits: [
      [
        "for (const document of this.#documents.values()) this.ask(document);",
        "for (const document of this.#documents.values()) {\n      document.rebuild();\n      this.ask(document);\n    }",
      ],
      ["if (!document.covered || !this.coversSession) return true;", "if (!document.covered) return true;"],
    ],
    tests: [HISTORIES, "every fault"],
  },
  {
    rule: "I8",
    name: "a client shows what it receives before a cut completes it",
    file: client("reader"),
    edits: [["(isShown ? this.#arrived : now).push(", "now.push("]],
    tests: [HISTORIES, "every fault"],
  },
  {
    rule: "I8",
    name: "a node takes what it hears from masters as news of now",
    file: node("freshness"),
    edits: [["Math.ceil(this.ports.clock.monotonic() - word.asOf)", "word.asOf * 0"]],
    tests: ["test/engine/freshness.test.ts"],
  },
  {
    rule: "I8",
    name: "a master that was started again vouches for what it has forgotten",
    file: node("freshness"),
    edits: [["this.own.hasHiddenPast() ? Number.POSITIVE_INFINITY : 0", "0"]],
    tests: ["test/engine/freshness.test.ts"],
  },
  {
    rule: "SPINE 12",
    name: "what is shown before it is committed is let go of before that",
    file: node("safety"),
    edits: [["Math.min(position, stream.visible, committed)", "Math.min(position, stream.visible)"]],
    tests: ["test/simulation/regressions.test.ts"],
  },
  {
    rule: "I6",
    name: "what is here already counts as committed, though it is only shown",
    file: node("offers"),
    edits: [["if (!commits.isCommitted(next.elsewhere)) break;", "if (next.elsewhere.size === 0) break;"]],
    tests: [HISTORIES],
  },
  {
    rule: "I12",
    name: "ends of a link that do not know the same go unnoticed",
    file: core("link"),
    edits: [["check !== this.#known.check(sealOf(bytes))", "check === -1"]],
    tests: ["test/core/links.test.ts", "a lost frame is found out"],
  },
  {
    rule: "I10",
    name: "a link's encoder never forgets a path",
    file: core("link-frame"),
    edits: [["if (before !== undefined) this.#paths.delete(pathKey(before.path));", ""]],
    tests: ["test/core/links.test.ts", "linkPathsMax"],
  },
  {
    rule: "SPINE 10",
    name: "a master that has not met the others yet takes its own disk for safe",
    file: node("safety"),
    edits: [["isMet ? Math.min(2, holders.length) : 2", "Math.min(2, holders.length)"]],
    tests: [RULES, "what is safe"],
  },
  {
    rule: "I7",
    name: "what found no room on the disk is taken for written",
    file: node("journal"),
    edits: [["this.on.full(failure, () => this.commit(batch, mark));", "this.on.durable(mark);"]],
    tests: ["test/engine/disk-failures.test.ts"],
  },
  {
    rule: "I6",
    name: "a write is called committed when one disk has it, whatever the rule",
    file: "packages/client/src/write.ts",
    edits: [
      [
        'return confirmed ? "committed" : durable ? "durable" : "local";',
        'return durable ? "committed" : "local";',
      ],
    ],
    tests: ["test/client/progress.test.ts"],
  },
  {
    rule: "I6",
    name: "a receipt says quorum for one disk",
    file: "packages/react/src/receipts.ts",
    edits: [["held !== undefined || write.nodes.length > 1", "held !== undefined || write.nodes.length > 0"]],
    tests: ["test/react/receipts.test.ts"],
  },
  {
    rule: "REPLICATION 2.8",
    name: "a stamp of tomorrow is admitted",
    file: node("offers"),
    edits: [["return !isAgain && stampMs(", "return isAgain && stampMs("]],
    tests: ["test/engine/clocks.test.ts"],
  },
  {
    rule: "I8",
    name: "a document that is had anew is shown before it has what the session has seen",
    file: client("reader"),
    edits: [
      ["if (!document.covered || !this.coversSession) return true;", "if (!document.covered) return true;"],
    ],
    tests: ["test/engine/clocks.test.ts"],
  },
  {
    rule: "CRDTS 2.8",
    name: "a keystroke is admitted of which an earlier one is missing",
    file: "packages/text/src/arrived.ts",
    edits: [["if (from > clockOf(client)) return undefined;", "if (from < 0) return undefined;"]],
    tests: ["test/text/guard.test.ts"],
  },
  {
    rule: "CRDTS 2.8",
    name: "what was typed on a refused keystroke is made again without it",
    file: core("text"),
    edits: [["TextFields, updates) === false;", "TextFields, updates) === undefined;"]],
    tests: ["test/text/documents.test.ts"],
  },
  {
    rule: "CRDTS 2.8",
    name: "a text that replaces a refused one takes its user from the others' sight",
    file: "packages/text/src/awareness.ts",
    edits: [
      [
        `    bridge.isShowing = true;
    bridge.stop();`,
        "    bridge.stop();",
      ],
    ],
    tests: ["test/text/documents.test.ts"],
  },
  {
    rule: "CRDTS 2.8",
    name: "structs that wait for one another are let in",
    file: "packages/text/src/update.ts",
    edits: [["if (hasCycle(this.#runs, this.#links))", "if (this.#links.length < 0)"]],
    tests: ["test/text/updates.test.ts"],
  },
  {
    rule: "I5",
    name: "a state that holds less of an author takes the place of one that holds more",
    file: core("text"),
    edits: [
      [
        "counter > (this.#last.get(author) ?? 0));\n    for",
        "counter < (this.#last.get(author) ?? 0));\n    for",
      ],
    ],
    tests: ["test/text/histories.test.ts"],
  },
  {
    rule: "presence",
    name: "a word holds longer because it is passed on",
    file: node("presence"),
    edits: [["Math.min(present.leftMs, this.limits.presenceTtlMs)", "this.limits.presenceTtlMs"]],
    tests: ["test/engine/presence.test.ts"],
  },
  {
    rule: "presence",
    name: "who was heard over a link that has ended stays as if nothing had happened",
    file: node("presence"),
    edits: [
      ["if (entry.from === channel) this.doubt(entry);", "if (entry.from === undefined) this.doubt(entry);"],
    ],
    tests: ["test/engine/presence.test.ts"],
  },
  {
    rule: "I10",
    name: "what arrived and was not shown is taken for had when the link ends",
    file: client("reader"),
    edits: [["document.detached(this.#shown);", "document.detached(this.#cut);"]],
    tests: ["test/simulation/regressions.test.ts"],
  },
];
