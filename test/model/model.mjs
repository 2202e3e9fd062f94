// Executable model of the spine. Deterministic: run(seed, flags, options) -> {kind,msg,step,stats}.
// Everything "ghost" is knowledge of the checker only; nodes and clients never use it.
export const FIXED = {
  closedHold: true,     // store/count/serve a record only when what is held covers its deps
  commitBy: 'evidence', // 'origin' (only the running epoch declares) | 'evidence' (any node that hears the named nodes)
  evidencePlus: true,   // evidence needs one durable copy more than k (the origin's, or another node's)
  visDedupe: 'own',     // 'shared' (what the applied state skipped is skipped in the visible one) | 'own'
  depsFrom: 'admission',// 'applied' (deps = all that is applied) | 'admission' (deps = visible + own stream)
  dupAck: 'durable',    // 'immediate' | 'durable' (a duplicate is acknowledged like a write: flushed, token = vector)
  dupToken: 'vector',   // 'own' (own stream's head only) | 'vector'
  snapAt: 'base',       // 'applied' | 'visible' (now) | 'base' (the folded, safe state; the rest follows as records)
  snapInto: 'base',     // 'state' | 'base': a snapshot is joined into the base; what the receiver has beyond stays as records
  truncSafe: true,      // snapshots replace records only up to what another node holds durably
  epochId: 'random',    // 'counter' (from the data folder) | 'random'
  progress: 'conn',     // 'max' (joined for ever) | 'conn' (of this connection, replaced)
  clientDrop: 'safe',   // 'ack' | 'safe' (a client keeps own and seen changes until they are safe)
  safe: 'masters',      // 'node' (on any two nodes) | 'masters' (committed, or durable on two masters)
  rejoin: 'rebuild',    // 'keep' | 'rebuild' (who holds more of a retired stream rebuilds without it, then hands it in)
  handover: 'all',      // 'none' | 'doc' (only the document's missing) | 'all' (everything held, in order, first)
  obsCheck: true,       // the document's observed changes must be held at admission
  handed: 'confirmed',  // 'assumed' (the fallback holds once asked for) | 'confirmed' (in the same request, and its vector joins the session's)
  floor: true,          // the part of the session's vector that is known safe is still waited for
  clipHandover: true,   // a session vector cut by an agreed end is followed by a hand-over of what was cut
  clientAuthor: 'fresh',// 'reuse' | 'fresh' (new author at every start of a client)
  regroup: false,       // a client may regroup unacknowledged changes when it resends
  seenInSnap: 'all',    // 'live' (authors without live dots dropped from snapshots) | 'all'
  authorRetire: 'cold', // 'forget' | 'refuse' (end by the reachable masters; client re-authors) | 'cold' (never forgotten)
  retire: 'fenced',     // 'naive' | 'fenced'
  retireQuorum: true,   // a retirement hears a majority of all members, none of which has retired its coordinator
  retireGossip: true,   // the fact travels in greetings too, not only in the coordinator's stream
  openHears: true,      // who becomes a master, or one again, first hears a majority and takes over its retirements
  fallback: 'all',      // where nothing can be cut, the end moves (decision 0058): 'none' | 'masters' (what a master holds) | 'bases' (what is folded) | 'deps' (what a record that stays needs) | 'no-masters' … | 'all'
  endsJoin: 'max',      // 'min' | 'max': two retirements of one node that name different ends
  retireEpochs: true,   // a retired node's later epochs count only if opened after the retirement was known
  promote: 'intersect', // 'k' (hears k named nodes) | 'intersect' (n-k+1)
  ownOld: true,         // a node follows its own former epochs from others
  commitSurvive: 'log', // 'none' (restart: everything held counts as visible) | 'log' (persisted / heard again)
  visDeps: true,        // the visible state waits for deps to be visible
};
const DOCS = ['d0', 'd1', 'd2'], EL = ['x', 'y', 'z'];
function rngOf(seed) { let t = (seed * 2654435761) >>> 0; return () => { t = (t + 0x6d2b79f5) | 0; let r = Math.imul(t ^ (t >>> 15), 1 | t); r = (r + Math.imul(r ^ (r >>> 7), 61 | r)) ^ r; return ((r ^ (r >>> 14)) >>> 0) / 4294967296; }; }
const cov = (v, d) => { for (const s in d) if ((v[s] | 0) < d[s]) return false; return true; };
const vmax = (a, b) => { const o = { ...a }; for (const s in b) if ((o[s] | 0) < b[s]) o[s] = b[s]; return o; };
const vstr = (v) => Object.keys(v).filter((s) => v[s]).sort().map((s) => s + v[s]).join(',');
class Viol extends Error { constructor(kind, msg) { super(msg); this.kind = kind; } }
const fail = (kind, msg) => { throw new Viol(kind, msg); };

// ---- documents -------------------------------------------------------------
const emptyDoc = () => ({ seen: {}, set: {}, reg: {}, cnt: {}, ids: new Set() });
const emptyDocs = () => Object.fromEntries(DOCS.map((d) => [d, emptyDoc()]));
const cloneDoc = (d) => { const set = {}; for (const e in d.set) set[e] = { ...d.set[e] }; const cnt = {}; for (const a in d.cnt) cnt[a] = [...d.cnt[a]]; return { seen: { ...d.seen }, set, reg: { ...d.reg }, cnt, ids: new Set(d.ids) }; };
const cloneDocs = (ds) => Object.fromEntries(DOCS.map((d) => [d, cloneDoc(ds[d])]));
function applyOps(D, c, where) { // caller has decided it is not a duplicate
  if (D.ids.has(c.id)) fail('twice', `${c.id} applied twice at ${where}`);
  if ((D.seen[c.a] | 0) !== c.lo - 1) fail('partial-dup', `${c.id} at ${where}: author counter ${D.seen[c.a] | 0}`);
  for (const a in c.obs) if ((D.seen[a] | 0) < c.obs[a]) fail('causal-doc', `${c.id} at ${where} lacks observed ${a}:${c.obs[a]}`);
  for (const o of c.ops) {
    if (o.k === 'add') { const s = (D.set[o.e] ??= {}); for (const x of o.dots) delete s[x]; s[o.dot] = 1; }
    else if (o.k === 'rem') { const s = D.set[o.e]; if (s) for (const x of o.dots) delete s[x]; }
    else if (o.k === 'put') { for (const x of o.dots) delete D.reg[x]; D.reg[o.dot] = o.v; }
    else { const p = (D.cnt[c.a] ??= [0, 0]); p[0] = c.hi; p[1] += o.by; }
  }
  D.seen[c.a] = c.hi; D.ids.add(c.id);
}
const dotOld = (dot, seen) => { const i = dot.lastIndexOf('.'); return (seen[dot.slice(0, i)] | 0) >= +dot.slice(i + 1); };
function joinDoc(x, y) {
  const r = emptyDoc();
  for (const e of new Set([...Object.keys(x.set), ...Object.keys(y.set)])) {
    const a = x.set[e] ?? {}, b = y.set[e] ?? {}, o = {};
    for (const d in a) if (d in b || !dotOld(d, y.seen)) o[d] = 1;
    for (const d in b) if (d in a || !dotOld(d, x.seen)) o[d] = 1;
    r.set[e] = o;
  }
  for (const d in x.reg) if (d in y.reg || !dotOld(d, y.seen)) r.reg[d] = x.reg[d];
  for (const d in y.reg) if (d in x.reg || !dotOld(d, x.seen)) r.reg[d] = y.reg[d];
  for (const a of new Set([...Object.keys(x.cnt), ...Object.keys(y.cnt)])) { const p = x.cnt[a] ?? [0, 0], q = y.cnt[a] ?? [0, 0]; r.cnt[a] = [...(p[0] >= q[0] ? p : q)]; }
  r.seen = vmax(x.seen, y.seen); r.ids = new Set([...x.ids, ...y.ids]);
  return r;
}
const joinDocs = (x, y) => Object.fromEntries(DOCS.map((d) => [d, joinDoc(x[d], y[d])]));
function show(D) {
  const s = Object.keys(D.set).filter((e) => Object.keys(D.set[e]).length).sort().map((e) => e + '{' + Object.keys(D.set[e]).sort() + '}').join(' ');
  let n = 0; for (const a in D.cnt) n += D.cnt[a][1];
  return s + '|' + Object.keys(D.reg).sort().map((k) => k + '=' + D.reg[k]) + '|' + n;
}
function specShow(ids, all, doc) { // pure function of the surviving changes
  const dead = new Set(), D = { set: {}, reg: {}, cnt: { s: [0, 0] } };
  const cs = [...ids].map((i) => all.get(i)).filter((c) => c.doc === doc);
  for (const c of cs) for (const o of c.ops) if (o.dots) for (const x of o.dots) dead.add(x);
  for (const c of cs) for (const o of c.ops) {
    if (o.k === 'add' && !dead.has(o.dot)) (D.set[o.e] ??= {})[o.dot] = 1;
    if (o.k === 'put' && !dead.has(o.dot)) D.reg[o.dot] = o.v;
    if (o.k === 'inc') D.cnt.s[1] += o.by;
  }
  return show(D);
}

// ---- one history -----------------------------------------------------------
export function run(seed, flags = {}, opt = {}) {
  const F = { ...FIXED, ...flags }, R = rngOf(seed);
  const ri = (n) => Math.floor(R() * n), pick = (a) => a[ri(a.length)], ch = (p) => R() < p;
  const trace = opt.trace ? [] : null; const T = (...a) => { if (trace) trace.push(`${step}: ${a.join(' ')}`); };
  let step = 0, uid = 0, healing = false;
  const nM = opt.masters ?? 2 + ri(3), nF = opt.followers ?? 1 + ri(3), nC = opt.clients ?? 2 + ri(3);
  const gated = opt.gated ?? ch(0.6), ackLevel = ch(0.7) ? 'durable' : 'memory', shipUnflushed = opt.shipUnflushed ?? ch(0.6);
  const maxLoss = opt.maxLoss ?? (ch(0.5) ? 1 : 0), nDocs = opt.docs ?? 2 + ri(2);
  let losses = 0;
  const stats = { writes: 0, recs: 0, dups: 0, rescues: 0, snaps: 0, crashes: 0, losses: 0, retires: 0, promotes: 0, fallbacks: 0, forced: 0, moved: 0, orphans: 0, parkedSeen: 0, commits: 0 };
  // ghosts
  const all = new Map(), content = new Map(), gCommit = {}, commits = [], acks = [], tokens = [], streamOf = {}, excusedIds = new Set();
  const nodes = [], clients = [];
  const N = (id) => nodes.find((n) => n.id === id);
  const followerIds = Array.from({ length: nF }, (_, i) => 'F' + i);
  for (let i = 0; i < nM + nF; i++) {
    const m = i < nM;
    nodes.push({ id: m ? 'M' + i : followerIds[i - nM], master: m, up: true, dead: false, lossAt: -1, starts: 0,
      concern: m && gated && ch(0.8) ? { k: 1 + ri(nF), named: followerIds } : { k: 0, named: [] },
      disk: { base: null, log: [], flushed: 0 }, backups: [] });
  }
  const q = {}, cur = {}, link = {}; const key = (a, b) => a + '>' + b;
  for (const a of nodes) for (const b of nodes) if (a !== b) { q[key(a.id, b.id)] = []; cur[key(a.id, b.id)] = {}; link[key(a.id, b.id)] = !(opt.sparse && ch(opt.sparse)); }
  const up = (a, b) => a.up && b.up && link[key(a.id, b.id)];
  const both = (a, b) => up(a, b) && up(b, a);
  const follows = (f, u) => f !== u && (u.master || !f.master || u.id < f.id || true); // any upstream list; masters may learn from followers after failures
  function breakLink(a, b) { for (const k of [key(a.id, b.id)]) { q[k] = []; cur[k] = {}; } if (F.progress === 'conn') { delete b.prog?.[a.id]; } }

  // ---- node life
  function openEpoch(n) {
    n.starts++; n.epoch = F.epochId === 'random' ? `${n.id}e${++uid}-` : `${n.id}e${(n.epochCounter | 0) + 1}-`;
    n.epochCounter = (n.epochCounter | 0) + 1;
    streamOf[n.epoch] = { node: n.id, concern: n.concern, knows: new Set(n.retired.map((r) => r.id)) };
    n.disk.log.push({ k: 'epoch', e: n.epoch, c: n.epochCounter }); flush(n);
  }
  function reset(n) { // volatile state from disk
    const b = n.disk.base;
    Object.assign(n, { held: b ? { ...b.held } : {}, av: b ? { ...b.vec } : {}, vv: b ? { ...b.vec } : {}, commit: b ? { ...b.commit } : {},
      retired: b ? [...b.retired] : [], orphans: b ? [...b.orphans] : [], recs: {}, parked: {}, prog: {}, order: [], skipped: new Set(),
      full: b ? cloneDocs(b.docs) : emptyDocs(), vis: b ? cloneDocs(b.docs) : emptyDocs(), acksDue: [], epoch: null, epochCounter: b ? b.epochCounter : 0 });
    n.held = b ? { ...b.vec } : {}; n.adv = { ...n.vv }; n.adm = {}; for (const d of DOCS) n.adm[d] = { ...n.vis[d].seen };
    const log = n.disk.log; n.disk.log = []; n.disk.flushed = 0;
    for (const e of log) if (e.k === 'close' && e.ret.of !== undefined && !n.retired.some((r) => r.id === e.ret.id)) n.retired.push(e.ret); // what is known of ends is read before anything is cut
    n.replaying = true;
    for (const e of log) {
      if (e.k === 'rec') { if (limitOf(n, e.r.s) < e.r.pos) { n.disk.log.push(e); if (e.r.c && !n.orphans.includes(e.r)) n.orphans.push(e.r); } else if (e.r.pos === (n.held[e.r.s] | 0) + 1) store(n, e.r, true); else n.disk.log.push(e); }
      else { n.disk.log.push(e); if (e.k === 'epoch') n.epochCounter = e.c; if (e.k === 'commit' && F.commitSurvive === 'log') n.commit[e.s] = Math.max(n.commit[e.s] | 0, e.p); if (e.k === 'close') close(n, e.ret, true); }
    }
    n.replaying = false; n.disk.flushed = n.disk.log.length; n.dur = { ...n.held };
    if (F.commitSurvive === 'volatile') n.commit = b ? { ...b.vec } : {};
    if (F.commitSurvive === 'none') for (const s in n.held) n.commit[s] = n.held[s];
    advance(n);
  }
  function start(n) { n.up = true; reset(n); if (n.master) openEpoch(n); n.inc = ++uid; T('start', n.id, n.epoch ?? '', vstr(n.held)); }
  function crash(n, clean) {
    if (clean) flush(n);
    n.disk.log = n.disk.log.slice(0, n.disk.flushed); n.up = false;
    for (const o of nodes) if (o !== n) { breakLink(n, o); breakLink(o, n); }
    for (const c of clients) { c.req[n.id] = []; c.rep[n.id] = []; }
    stats.crashes++; T('crash', n.id);
  }
  function flush(n) {
    n.disk.flushed = n.disk.log.length; n.dur = { ...n.held };
    for (const a of n.acksDue ?? []) sendAck(n, a);
    n.acksDue = [];
    if (n.up) recommit(n);
  }
  const concernOf = (s) => streamOf[s].concern;
  // retirement: how far a stream counts at this node
  function limitOf(n, s) {
    let l = Infinity, known = false; const so = streamOf[s];
    for (const r of n.retired) if (r.node === so.node) {
      if (r.of !== undefined && (so.knows.has(r.of) || !(s in r.ends))) continue; // an end that was moved is one of that stream alone
      if (F.retireEpochs && so.knows.has(r.id)) continue;
      if (!F.retireEpochs && !(s in r.ends)) continue;
      l = F.endsJoin === 'max' && known ? Math.max(l, r.ends[s] | 0) : Math.min(l, r.ends[s] | 0); known = true;
    }
    return l;
  }
  const closedAt = (n, s) => n.retired.some((r) => r.node === streamOf[s].node && s in r.ends);
  function depsOk(n, v, r) {
    for (const s in r.deps) { if ((v[s] | 0) >= r.deps[s]) continue; if (F.retire === 'naive' && closedAt(n, s)) continue; return false; }
    return true;
  }
  function receive(n, r, from) {
    const h = n.held[r.s] | 0, kk = r.s + r.pos;
    if (content.get(kk) !== r && content.get(kk)) { /* I1 is checked where positions are made */ }
    if (!F.ownOld && streamOf[r.s].node === n.id) return 'drop';
    if (r.pos <= h) { const mine = n.recs[r.s]?.[r.pos]; if (mine && mine !== r) fail('I1', `${kk} names two contents at ${n.id}`); return 'drop'; }
    if (r.pos > limitOf(n, r.s)) return 'drop';
    const p = (n.parked[r.s] ??= []);
    if (r.pos !== h + p.length + 1) return r.pos <= h + p.length ? 'drop' : 'gap';
    if (p.length || (F.closedHold && !depsOk(n, n.held, r))) { p.push(r); stats.parkedSeen++; } else store(n, r);
    unpark(n); return 'ok';
  }
  function unpark(n) {
    for (let go = true; go;) {
      go = false;
      for (const s in n.parked) {
        const p = n.parked[s] ?? [];
        while (p.length) {
          if (p[0].pos <= (n.held[s] | 0) || p[0].pos > limitOf(n, s)) { p.shift(); continue; }
          if (p[0].pos !== (n.held[s] | 0) + 1) { p.length = 0; break; }
          if (F.closedHold && !depsOk(n, n.held, p[0])) break;
          store(n, p.shift()); go = true;
        }
      }
    }
  }
  function store(n, r, replay) {
    n.disk.log.push({ k: 'rec', r }); n.held[r.s] = r.pos; (n.recs[r.s] ??= {})[r.pos] = r;
    if (F.closedHold && r.kind === 'retire') close(n, r.ret, replay);
    if (!replay) { advance(n); recommit(n); }
  }
  function advance(n) {
    for (let go = true; go;) {
      go = false;
      for (const s in n.recs) for (let r; (r = n.recs[s][(n.av[s] | 0) + 1]) && r.pos <= (n.held[s] | 0) && depsOk(n, n.av, r);) {
        n.av[s] = r.pos; go = true;
        if (r.c) { const D = n.full[r.c.doc]; if ((D.seen[r.c.a] | 0) >= r.c.hi) { stats.dups++; n.skipped.add(r); } else applyOps(D, r.c, n.id + ' full'); }
        else if (r.kind === 'retire') close(n, r.ret, true);
        else if (r.kind === 'forget') for (const d of DOCS) { delete n.full[d].seen[r.a]; }
      }
    }
    for (let go = true; go;) {
      go = false;
      for (const s in n.recs) for (let r; (r = n.recs[s][(n.vv[s] | 0) + 1]) && r.pos <= (n.av[s] | 0) && r.pos <= commitPos(n, s) && (!F.visDeps || depsOk(n, n.vv, r));) {
        n.vv[s] = r.pos; go = true; n.order.push(r); n.adv[s] = Math.max(n.adv[s] | 0, r.pos);
        if (r.c) {
          const D = n.vis[r.c.doc];
          if (F.visDedupe === 'shared' ? n.skipped.has(r) : (D.seen[r.c.a] | 0) >= r.c.hi) { /* skipped */ }
          else { applyOps(D, r.c, n.id + ' visible'); checkCross(n, r.c); }
          const A = n.adm[r.c.doc]; if ((A[r.c.a] | 0) < r.c.hi) A[r.c.a] = r.c.hi;
        } else if (r.kind === 'forget') for (const d of DOCS) { delete n.vis[d].seen[r.a]; delete n.adm[d][r.a]; }
        else if (r.kind === 'refuse') (n.refused ??= {})[r.a] = 1;
      }
    }
  }
  function checkCross(n, c) { if (c.weak) return; for (const id of c.past) if (!all.get(id).weak && !n.vis[all.get(id).doc].ids.has(id) && !excusedIds.has(id)) fail('causal-cross', `${c.id} visible at ${n.id} without ${id} (${all.get(id).doc})`); }
  const commitPos = (n, s) => (concernOf(s).k === 0 ? Infinity : n.commit[s] | 0);
  function setCommit(n, s, p) {
    if ((n.commit[s] | 0) >= p) return false;
    n.commit[s] = p; n.disk.log.push({ k: 'commit', s, p }); return true;
  }
  function recommit(n) {
    let ch2 = false;
    for (const s in n.held) {
      const c = concernOf(s); if (!c.k) continue;
      if (F.commitBy === 'origin' && n.epoch !== s) continue;
      const ds = c.named.map((x) => (x === n.id ? n.dur[s] | 0 : n.prog[x]?.[s] | 0)).sort((a, b) => b - a);
      let p = Math.min(ds[c.k - 1] | 0, n.held[s]); if (n.epoch === s) p = Math.min(p, n.dur[s] | 0);
      else if (F.evidencePlus) p = Math.min(p, nodes.map((x) => (x === n ? n.dur[s] | 0 : n.prog[x.id]?.[s] | 0)).sort((a, b) => b - a)[c.k] | 0); // k named and one more: the origin or another
      if (p > (n.commit[s] | 0)) {
        const really = c.named.filter((x) => (N(x).dur[s] | 0) >= p);
        if (really.length < c.k) fail('I6', `${s}${p} declared by ${n.id}, durable on ${really.length} < ${c.k}`);
        for (let i = (n.commit[s] | 0) + 1; i <= p; i++) { const r = content.get(s + i); if (r?.c) commits.push({ id: r.c.id, s, pos: i, holders: nodes.filter((x) => (x.dur[s] | 0) >= i).map((x) => x.id), at: step }); }
        gCommit[s] = Math.max(gCommit[s] | 0, p); stats.commits++;
        ch2 = setCommit(n, s, p) || ch2;
      }
    }
    if (ch2) advance(n);
  }
  // ---- admission
  const admV = (m) => (F.depsFrom === 'applied' ? m.av : m.adv);
  const admSeen = (m, d) => (F.depsFrom === 'applied' ? m.full[d].seen : m.adm[d]);
  function append(m, body) {
    const s = m.epoch, pos = (m.held[s] | 0) + 1, deps = { ...admV(m), ...(body.deps ?? {}) }; delete deps[s];
    const r = { s, pos, deps, ...body, deps }; const kk = s + pos;
    if (content.has(kk)) fail('I1', `${kk} names two contents (made again by ${m.id})`);
    content.set(kk, r); stats.recs++;
    m.adv[s] = pos; if (r.c) m.adm[r.c.doc][r.c.a] = Math.max(m.adm[r.c.doc][r.c.a] | 0, r.c.hi);
    store(m, r); T('append', m.id, kk, r.c ? `${r.c.id} ${r.c.doc} ${r.c.ops.map((o) => o.k)}` : r.kind, 'deps', vstr(deps));
    return r;
  }
  function admit(m, c, { sv, fb }) {
    if (m.refused?.[c.a]) { const e = admSeen(m, c.doc)[c.a] | 0; if (c.hi > e) return { r: 'refused', end: e }; }
    const seen = admSeen(m, c.doc);
    if ((seen[c.a] | 0) >= c.hi) return { r: 'dup' };
    if (sv && !fb && !cov(admV(m), sv)) return { r: 'wait' };
    if ((seen[c.a] | 0) !== c.lo - 1 && !(F.regroup && (seen[c.a] | 0) < c.hi && (seen[c.a] | 0) >= c.lo)) return { r: 'miss', doc: c.doc };
    if (F.obsCheck) for (const a in c.obs) if ((seen[a] | 0) < c.obs[a]) return { r: 'miss', doc: c.doc };
    return { r: 'ok', rec: append(m, { c }) };
  }
  function sendAck(m, a) {
    const c = clients.find((x) => x.id === a.to); if (!c) return;
    if (a.durable) acks.push({ id: a.id, node: m.id, at: step });
    tokens.push({ token: a.token, id: a.id });
    (c.rep[m.id] ??= []).push({ t: 'ack', id: a.id });
  }
  function safeOf(m) { // what may be forgotten as records: committed, or durable on two masters that a retirement would hear
    const o = {};
    for (const s in m.vv) {
      const p = concernOf(s).k ? m.commit[s] | 0 : 0, ds = [];
      if (F.safe === 'node') { for (const x in m.prog) ds.push(m.prog[x][s] | 0); ds.push(m.dur[s] | 0); }
      else for (const x of nodes) if (x.master && (x.id === streamOf[s].node || !m.retired.some((r) => r.node === x.id && !(x === m)) || x.epoch && limitOf(m, x.epoch) === Infinity)) ds.push(x === m ? m.dur[s] | 0 : m.prog[x.id]?.[s] | 0);
      ds.sort((a, b) => b - a);
      o[s] = Math.min(Math.max(p, ds[1] | 0), m.vv[s]);
    }
    return o;
  }
  // ---- retirement
  // The ends that cannot be kept here: what a master holds may have been built on, a base cannot be undone, and a record that stays needs its causes.
  function movedEnds(n, node) {
    if (F.retire !== 'fenced' || F.fallback === 'none' || n.replaying) return [];
    const is = (what) => F.fallback === 'all' || F.fallback === what || (F.fallback.startsWith('no-') && F.fallback !== 'no-' + what), cuts = {}, moved = {};
    const isOver = n.epoch && limitOf(n, n.epoch) !== Infinity;
    for (const s in n.held) { const l = limitOf(n, s); if (n.held[s] <= l) continue;
      if (is('bases') && (n.disk.base?.vec[s] | 0) > l || is('masters') && n.master && n.epoch && !isOver && streamOf[s].node !== n.id) moved[s] = n.held[s]; else cuts[s] = l; }
    for (let go = is('deps'); go;) { go = false;
      for (const s in n.recs) for (const p in n.recs[s]) { if (+p > (n.held[s] | 0) || +p > (cuts[s] ?? Infinity)) continue;
        for (const d in n.recs[s][p].deps) if (d in cuts && n.recs[s][p].deps[d] > cuts[d]) { moved[d] = n.held[d]; delete cuts[d]; go = true; } } }
    return Object.keys(moved).map((s) => ({ node: streamOf[s].node, ends: { [s]: moved[s] } }));
  }
  function close(n, ret, quiet) { const replaying = n.replaying, had = n.orphans.length;
    if (n.retired.some((r) => r.id === ret.id)) return;
    n.retired.push(ret);
    for (const { node, ends } of movedEnds(n, ret.node)) { const of = n.retired.find((r) => r.node === node && r.of === undefined && !streamOf[Object.keys(ends)[0]].knows.has(r.id)).id, more = { id: ++uid, of, node, ends }; n.retired.push(more); n.disk.log.push({ k: 'close', ret: more }); stats.moved++; T('end moved by', n.id, vstr(ends)); }
    n.disk.log.push({ k: 'close', ret }); // after what it has moved: a start that reads both must not cut in between
    for (const s in streamOf) if (streamOf[s].node === ret.node) {
      const l = limitOf(n, s); if (l === Infinity) continue;
      if ((n.held[s] | 0) > l) {
        for (let p = l + 1; p <= n.held[s]; p++) { const r = n.recs[s]?.[p]; if (r?.c && F.retire !== 'naive') { n.orphans.push(r); stats.orphans++; } if (n.recs[s]) delete n.recs[s][p]; }
        for (const v of ['held', 'av', 'vv', 'adv', 'dur']) if ((n[v]?.[s] | 0) > l) n[v][s] = l;
      }
      if (n.parked[s]) n.parked[s] = n.parked[s].filter((r) => r.pos <= l);
      if (concernOf(s).k && (n.commit[s] | 0) < l && (n.held[s] | 0) >= l) { n.commit[s] = l; gCommit[s] = Math.max(gCommit[s] | 0, l); }
      else if (concernOf(s).k && (n.commit[s] | 0) > l) n.commit[s] = l;
      if (concernOf(s).k && (n.held[s] | 0) < l) { n.commit[s] = Math.max(n.commit[s] | 0, l); gCommit[s] = Math.max(gCommit[s] | 0, l); }
    }
    if (!replaying && F.rejoin === 'rebuild' && F.retire === 'fenced' && n.orphans.length > had) rebuild(n);
    if (ret.node === n.id && n.master && n.up && !quiet && n.epoch && limitOf(n, n.epoch) !== Infinity) reopen(n);
  }
  function rebuild(n) { // from disk, without what is beyond the agreed ends; that is kept aside
    for (const s in n.disk.base?.vec ?? {}) if (n.disk.base.vec[s] > limitOf(n, s)) fail('orphan-base', `${n.id} has folded ${s}${n.disk.base.vec[s]} into its base, agreed end ${limitOf(n, s)}`);
    const { epoch, inc, retired, orphans } = n; n.disk.log = [...[...retired].sort((a, b) => (a.of === undefined) - (b.of === undefined)).map((ret) => ({ k: 'close', ret })), ...n.disk.log.filter((e) => e.k !== 'close')];
    reset(n); n.epoch = epoch; n.inc = inc; for (const r of orphans) if (!n.orphans.includes(r)) n.orphans.push(r);
    n.lastVv = null;
  }
  function learn(n) { // false: no majority heard
    if (!F.openHears || F.retire !== 'fenced') return true; const reach = nodes.filter((x) => x !== n && both(x, n));
    if ((reach.length + 1) * 2 <= nodes.filter((x) => !x.goneForGood).length) return false;
    n.learning = true; for (const x of reach) for (const r of x.retired) close(n, r); n.learning = false; return true;
  }
  function reopen(n) { if (n.learning) return; if (!learn(n)) { n.epoch = null; return; } n.adv = { ...n.vv }; for (const d of DOCS) n.adm[d] = { ...n.vis[d].seen }; openEpoch(n); T('reopen', n.id, n.epoch); }
  function transfer(x, m) { // everything x holds, at once (used by operator actions and healing)
    if (!cov(m.held, x.disk.base?.vec ?? {})) install(m, snapOf(x));
    for (let go = true; go;) { go = false; for (const s in x.held) for (let r; (r = x.recs[s]?.[(m.held[s] | 0) + (m.parked[s]?.length | 0) + 1]) && r.pos <= x.held[s];) { if (receive(m, r) === 'drop') break; go = true; } }
  }
  function retire(m, X, force) {
    const P = nodes.filter((n) => n.master && n !== X && n !== m && !n.goneForGood);
    const reach = nodes.filter((n) => n !== m && n !== X && both(m, n));
    if (F.retire === 'fenced' && !force && !P.every((n) => reach.includes(n))) return false;
    if (F.retire === 'fenced' && !force) for (const s in streamOf) if (streamOf[s].node === X.id && concernOf(s).k) { const c = concernOf(s); if (c.named.filter((x) => x === m.id || reach.includes(N(x))).length < c.named.length - c.k + 1) return false; }
    if (F.retire === 'fenced' && F.retireQuorum && !force) { const members = nodes.filter((n) => !n.goneForGood).length; if ((reach.length + 1) * 2 <= members || reach.some((n) => limitOf(n, m.epoch) !== Infinity)) return false; }
    for (const n of reach) transfer(n, m); // catch up from the best holder first
    if (F.retire === 'fenced' && !force && reach.some((n) => n.master && !cov(m.held, n.held))) return false;
    if (force && (!m.epoch || limitOf(m, m.epoch) !== Infinity)) return false; // it has learnt just now that it was retired itself
    const ends = {}; for (const s in streamOf) if (streamOf[s].node === X.id) ends[s] = m.held[s] | 0;
    if (F.retire === 'fenced') { // every promise must be coverable
      const ret = { id: ++uid, node: X.id, ends };
      for (const n of reach.filter((n) => n.master || F.retireQuorum)) { close(n, ret); flush(n); }
      append(m, { kind: 'retire', ret, deps: { ...Object.fromEntries(Object.entries(ends).filter(([, p]) => p)) } }); close(m, ret); flush(m); advance(m);
    } else { const ret = { id: ++uid, node: X.id, ends }; append(m, { kind: 'retire', ret }); flush(m); }
    if (X.dead) X.goneForGood = true;
    stats.retires++; if (force) stats.forced++; T(force ? 'retire by force' : 'retire', X.id, 'by', m.id, vstr(ends)); return true;
  }
  function handOrphans(n) {
    if (!n.orphans.length) return;
    const m = pick(nodes.filter((x) => x.master && (x === n || both(n, x)) && x.epoch && limitOf(x, x.epoch) === Infinity).concat(healing ? [] : [null])); if (!m) return;
    const left = [];
    for (const r of n.orphans) { if (left.some((l) => l.c.doc === r.c.doc)) { left.push(r); continue; } r.c.weak = true; const a = admit(m, r.c, { fb: true }); T('orphan', n.id, r.s + r.pos, r.c.id, 'to', m.id, a.r); if (a.r === 'miss' || a.r === 'wait') left.push(r); }
    flush(m); n.orphans = left;
  }
  // ---- snapshots and truncation
  const dropSeen = (docs) => { if (F.seenInSnap === 'live') for (const d of DOCS) { const D = docs[d], live = new Set(); for (const e in D.set) for (const x in D.set[e]) live.add(x.slice(0, x.lastIndexOf('.'))); for (const x in D.reg) live.add(x.slice(0, x.lastIndexOf('.'))); for (const a in D.seen) if (!live.has(a)) delete D.seen[a]; } return docs; };
  const snapOf = (n) => F.snapAt === 'base' ? { vec: { ...n.disk.base.vec }, docs: dropSeen(cloneDocs(n.disk.base.docs)), commit: { ...n.commit }, retired: [...n.retired] } : ({ vec: { ...(F.snapAt === 'visible' ? n.vv : n.av) }, docs: dropSeen(cloneDocs(F.snapAt === 'visible' ? n.vis : n.full)), commit: { ...n.commit }, retired: [...n.retired] });
  function install(n, sn) {
    for (const r of sn.retired) close(n, r);
    if (cov(n.vv, sn.vec)) return;
    if (F.retire === 'fenced' && (F.fallback === 'all' || F.fallback === 'bases' || F.fallback === 'no-masters' || F.fallback === 'no-deps')) for (const s in sn.vec) if (sn.vec[s] > limitOf(n, s)) { const root = n.retired.find((r) => r.node === streamOf[s].node && r.of === undefined && !streamOf[s].knows.has(r.id)); const more = { id: ++uid, of: root.id, node: streamOf[s].node, ends: { [s]: sn.vec[s] } }; stats.moved++; close(n, more); }
    if (F.retire === 'fenced') for (const s in sn.vec) if (sn.vec[s] > limitOf(n, s)) fail('orphan-base', `snapshot for ${n.id} holds ${s}${sn.vec[s]}, agreed end ${limitOf(n, s)}`);
    stats.snaps++; T('snapshot to', n.id, vstr(sn.vec));
    for (const s in sn.commit) setCommit(n, s, sn.commit[s]);
    if (F.snapInto === 'state') { // joined into the current state, which becomes the base
      n.vis = joinDocs(n.vis, sn.docs); n.full = joinDocs(n.full, sn.docs);
      for (const v of ['held', 'av', 'vv', 'adv']) n[v] = vmax(n[v], sn.vec);
      for (const d of DOCS) n.adm[d] = vmax(n.adm[d], sn.docs[d].seen);
      for (const s in n.parked) n.parked[s] = [];
      rebase(n); advance(n); recommit(n); return;
    }
    const b = n.disk.base, vec = vmax(b?.vec ?? {}, sn.vec), { epoch, inc, prog, acksDue, commit } = n;
    n.disk.base = { vec, docs: joinDocs(b?.docs ?? emptyDocs(), sn.docs), commit: { ...commit }, retired: [...n.retired], orphans: [...n.orphans], epochCounter: n.epochCounter };
    n.disk.log = n.disk.log.filter((e) => e.k !== 'rec' || e.r.pos > (vec[e.r.s] | 0)); // what is beyond the snapshot stays as records
    reset(n); Object.assign(n, { epoch, inc, prog, acksDue });
    for (let p = (n.vv[epoch] | 0) + 1, r; epoch && (r = n.recs[epoch]?.[p]); p++) { n.adv[epoch] = p; if (r.c) n.adm[r.c.doc][r.c.a] = Math.max(n.adm[r.c.doc][r.c.a] | 0, r.c.hi); }
    flush(n); advance(n); recommit(n);
  }
  function rebase(n) { // the visible state becomes the base; records beyond it stay
    n.disk.base = { vec: { ...n.vv }, held: {}, docs: cloneDocs(n.vis), commit: { ...n.commit }, retired: [...n.retired], orphans: [...n.orphans], epochCounter: n.epochCounter };
    for (const s in n.recs) for (const p in n.recs[s]) if (+p <= (n.vv[s] | 0)) delete n.recs[s][p];
    n.disk.log = n.disk.log.filter((e) => e.k === 'epoch' || (e.k === 'rec' && e.r.pos > (n.vv[e.r.s] | 0) && e.r.pos <= (n.held[e.r.s] | 0)));
    n.order = []; flush(n);
  }
  function truncate(n) { if (F.truncSafe && !cov(safeOf(n), n.vv)) return; if (F.snapAt === 'applied' && vstr(n.vv) !== vstr(n.av)) return; rebase(n); T('truncate', n.id, vstr(n.vv)); }
  // ---- replication steps
  function sync(u, n) {
    if (!up(u, n) || !follows(n, u)) return; const k = key(u.id, n.id);
    if (!cov(n.held, u.disk.base?.vec ?? {}) ) { q[k].push({ t: 'snap', sn: snapOf(u) }); return; }
    const ss = Object.keys(u.held); if (!ss.length) return; const s = pick(ss);
    const h = (n.held[s] | 0) + (n.parked[s]?.length | 0); let c = cur[k][s]; if (c === undefined || ch(0.2) || c < h) c = h;
    const top = shipUnflushed ? u.held[s] : Math.min(u.held[s], u.dur[s] | 0);
    for (let i = 0; i < 3 && c < top; i++) { const r = u.recs[s]?.[c + 1]; if (!r) break; q[k].push({ t: 'rec', r }); c++; }
    cur[k][s] = c;
  }
  function deliver(k) {
    const m = q[k].shift(); if (!m) return; const [u, n] = k.split('>').map(N); if (!n.up) return;
    if (m.t === 'rec') { if (receive(n, m.r, u) === 'gap') delete cur[k][m.r.s]; }
    else if (m.t === 'snap') install(n, m.sn);
    else { for (const r of m.retired) close(n, r); n.prog[u.id] = F.progress === 'max' ? vmax(n.prog[u.id] ?? {}, m.dur) : m.dur; let c = false; for (const s in m.commit) if (limitOf(n, s) >= m.commit[s]) c = setCommit(n, s, m.commit[s]) || c; recommit(n); if (c) advance(n); }
  }
  const sendProg = (a, b) => { if (up(a, b)) q[key(a.id, b.id)].push({ t: 'prog', dur: { ...a.dur }, commit: { ...a.commit }, retired: F.retireGossip && F.retire === 'fenced' ? [...a.retired] : [] }); };
  function lose(n, disk) { n.disk = disk; n.lossAt = step; n.up = false; n.dur = {}; losses++; stats.losses++; const keep = n.lossAt; reset(n); n.lossAt = keep; n.up = false; }
  function promote(f) {
    const A = pick(nodes.filter((n) => n.master && n.epoch && (!n.up || !both(n, f)) && n.concern.k && !n.goneForGood)); if (!A) return;
    const { k, named } = A.concern; if (!named.includes(f.id)) return;
    const heard = named.filter((x) => x === f.id || both(N(x), f));
    if (heard.length < (F.promote === 'k' ? Math.min(k, named.length) : named.length - k + 1)) return;
    if (!learn(f)) return;
    for (const x of heard) if (x !== f.id) transfer(N(x), f);
    for (const c of commits) if (streamOf[c.s].node === A.id && (f.held[c.s] | 0) < c.pos && limitOf(f, c.s) === Infinity && !f.full[all.get(c.id).doc].ids.has(c.id) && !c.holders.some((h) => N(h).lossAt >= 0)) fail('promote', `${f.id} promoted without committed ${c.s}${c.pos}`);
    f.master = true; f.concern = { k: 0, named: [] }; openEpoch(f); stats.promotes++; T('promote', f.id);
  }
  // ---- clients
  for (let i = 0; i < nC; i++) clients.push({ id: 'C' + i, author: `a${++uid}`, n: {}, home: pick(nodes.filter((n) => n.master)).id, sv: {}, docs: emptyDocs(), tail: [], pending: [], req: {}, rep: {}, link: {}, waits: 0, open: DOCS.slice(0, nDocs).filter(() => ch(0.8)), marks: new Map(), saved: null });
  for (const c of clients) if (!c.open.length) c.open = ['d0'];
  const view = (c, d) => { const D = cloneDoc(c.docs[d]); for (const p of c.pending) if (p.doc === d && (D.seen[p.a] | 0) < p.hi && !(F.regroup && (D.seen[p.a] | 0) >= p.lo)) applyOps(D, p, c.id + ' view'); return D; };
  function mkChange(c, d, V) {
    const lo = (V.seen[c.author] | 0) + 1; let n = lo - 1; const ops = [], cnt = 1 + (ch(0.3) ? 1 : 0);
    for (let i = 0; i < cnt; i++) {
      n++; const dot = `${c.author}.${n}`, k = pick(['add', 'add', 'rem', 'put', 'inc', 'inc']), e = pick(EL);
      if (i && (k === 'add' || k === 'rem' || k === 'put')) { ops.push({ k: 'inc', by: 1 + ri(5) }); continue; }
      if (k === 'add' || k === 'rem') ops.push({ k, e, dot, dots: Object.keys(V.set[e] ?? {}) });
      else if (k === 'put') ops.push({ k, v: ri(100), dot, dots: Object.keys(V.reg) });
      else ops.push({ k, by: 1 + ri(5) });
    }
    const obs = { ...V.seen }; delete obs[c.author];
    return { a: c.author, doc: d, lo, hi: n, obs, ops };
  }
  function write(c) {
    if (c.pending.length > 6) return; const d = pick(c.open), V = view(c, d), x = mkChange(c, d, V);
    x.id = `${x.a}.${x.lo}@${d}`; if (all.has(x.id)) { fail('I1', `dot ${x.id} names two contents`); }
    x.past = []; for (const o of c.open) for (const id of c.docs[o].ids) x.past.push(id); for (const p of c.pending) x.past.push(p.id);
    x.weak = !!c.weak; all.set(x.id, x); c.pending.push(x); stats.writes++; T('write', c.id, x.id, x.ops.map((o) => o.k + (o.e ?? ''))); 
  }
  const floorOf = (c) => { const o = {}; if (F.floor) for (const s in c.safe ?? {}) { const p = Math.min(c.safe[s], Math.max(c.sv[s] | 0, c.need?.[s] | 0)); if (p) o[s] = p; } return o; };
  const linked = (c, m) => m.up && m.master && c.link[m.id] !== false;
  function push(c) {
    const m = N(c.home); if (!linked(c, m) || !c.pending.length) return;
    if (F.regroup && ch(0.3)) regroup(c);
    for (const p of c.pending) p.sent = true;
    const cut = F.clipHandover ? c.tail.filter((r) => r.c && r.pos > limitOf(m, r.s)).map((r) => r.c) : [];
    (c.req[m.id] ??= []).push({ rescue: cut.length ? (F.handed === 'confirmed' ? c.tail.filter((r) => r.c).map((r) => r.c) : cut) : null, own: new Set(c.pending), cs: healing ? c.pending.slice() : c.pending.slice(0, 1 + ri(c.pending.length)), sv: vmax(c.sv, c.need ?? {}), fb: c.fbAt === m.id, forSv: { ...c.sv }, floor: floorOf(c) });
  }
  function regroup(c) { // two neighbouring unacknowledged changes become one
    for (let i = 0; i + 1 < c.pending.length; i++) { const x = c.pending[i], y = c.pending[i + 1]; if (x.a === y.a && x.doc === y.doc && y.lo === x.hi + 1) { const z = { ...x, hi: y.hi, ops: [...x.ops, ...y.ops], id: `${x.a}.${x.lo}-${y.hi}@${x.doc}` }; all.set(z.id, z); c.pending.splice(i, 2, z); return; } }
  }
  function serve(c, m) { // the master handles one request of this client
    const b = c.req[m.id]?.shift(); if (!b || !m.up || !m.master || !m.epoch) return; const rep = (c.rep[m.id] ??= []);
    let handed = true;
    if (b.rescue && F.handover === 'all' && F.handed === 'confirmed' && !cov(admV(m), clipLim(m, b.floor))) { rep.push({ t: 'notyet' }); return; }
    if (b.rescue) for (const x of b.rescue) { const was = x.weak; if (!b.own?.has(x)) x.weak = true; const r = admit(m, x, { fb: true }); if (r.r === 'ok') stats.rescues++; else x.weak = was; if (r.r === 'miss') { handed = false; break; } }
    if (F.handed === 'confirmed' && F.handover === 'all' && b.rescue) { if (!handed) { rep.push({ t: 'notyet' }); return; } rep.push({ t: 'handed', have: { ...admV(m) }, forSv: b.forSv }); }
    for (const x of b.cs) {
      const was = x.weak; if (b.fb && F.handover !== 'all') x.weak = true;
      const r = admit(m, x, b); if (r.r !== 'ok') x.weak = was;
      if (r.r === 'ok' || r.r === 'dup') {
        const durable = ackLevel === 'durable', token = r.r === 'dup' ? (F.dupToken === 'vector' ? { ...admV(m) } : { [m.epoch]: m.held[m.epoch] | 0 }) : { [r.rec.s]: r.rec.pos };
        const a = { to: c.id, id: x.id, token, durable };
        if (durable && !(r.r === 'dup' && F.dupAck === 'immediate')) m.acksDue.push(a); else sendAck(m, a);
      } else { rep.push({ t: r.r, doc: x.doc, id: x.id, end: r.end, have: { ...admV(m) }, seen: Object.fromEntries(DOCS.map((d) => [d, { ...admSeen(m, d) }])), retired: [...m.retired] }); break; }
    }
  }
  function answer(c, m) {
    const a = c.rep[m.id]?.shift(); if (!a) return; if (opt.dump) c.lastRep = a.t + ' ' + (a.id ?? '');
    if (a.t === 'ack') { if (F.clientDrop === 'ack') c.pending = c.pending.filter((p) => p.id !== a.id || (c.dropped ??= []).push(p) < 0); return; }
    if (m.id !== c.home || a.t === 'notyet') return;
    if (a.t === 'handed') { const sv = c.sv; c.sv = {}; for (const s in sv) c.sv[s] = (a.forSv[s] | 0) >= sv[s] ? Math.min(sv[s], a.have[s] | 0) : sv[s]; c.need = { ...a.have }; return; }
    if (a.t === 'refused') { const i = c.pending.findIndex((p) => p.id === a.id); if (i < 0) return; reauthor(c, i); return; }
    c.waits++;
    const rescueFor = (docs) => { const out = []; for (const r of c.tail) if (r.c && docs.includes(r.c.doc) && (a.seen[r.c.doc][r.c.a] | 0) < r.c.hi) out.push(r.c); return out; };
    if (a.t === 'wait' && c.waits > 3) { // the bound has passed: fall back
      c.waits = 0; if (F.handed !== 'confirmed' || F.handover !== 'all') c.fbAt = m.id; stats.fallbacks++; T('fallback', c.id, m.id);
      if (F.handover === 'all') { if (linked(c, m)) (c.req[m.id] ??= []).push({ rescue: rescueFor(c.open), own: new Set(c.pending), cs: c.pending.slice(), sv: {}, fb: true, forSv: { ...c.sv }, floor: floorOf(c) }); }
      else c.weak = true;
      if (F.handed !== 'confirmed' || F.handover !== 'all') c.sv = clip(c.sv, a.have);
    } else if (a.t === 'miss' && F.handover !== 'none' && c.waits > 1 && linked(c, m)) (c.req[m.id] ??= []).push({ rescue: rescueFor(F.handover === 'all' ? c.open : [a.doc]), own: new Set(c.pending), cs: c.pending.slice(), sv: {}, fb: true, forSv: { ...c.sv }, floor: floorOf(c) });
  }
  function idle(c, m) { // a session that only reads hands over too what this master lacks
    if (F.handover !== 'all' || !(F.clipHandover && c.tail.some((r) => r.c && r.pos > limitOf(m, r.s))) && cov(admV(m), vmax(c.sv, c.need ?? {}))) { c.idleWaits = 0; return; }
    if ((c.idleWaits = (c.idleWaits | 0) + 1) <= 3) return; c.idleWaits = 0; stats.fallbacks++; if (F.handed !== 'confirmed') c.fbAt = m.id;
    (c.req[m.id] ??= []).push({ rescue: c.tail.filter((r) => r.c && (m.vis[r.c.doc].seen[r.c.a] | 0) < r.c.hi).map((r) => r.c), own: new Set(c.pending), cs: c.pending.slice(), sv: {}, fb: true, forSv: { ...c.sv }, floor: floorOf(c) });
  }
  const clip = (v, have) => { const o = {}; for (const s in v) o[s] = Math.min(v[s], have[s] | 0); return o; };
  function reauthor(c, i) { // the master said: not accepted, your author has ended
    const old = c.pending.splice(i); c.author = `a${++uid}`;
    for (const p of old) { const V = view(c, p.doc); const lo = (V.seen[c.author] | 0) + 1; let n = lo - 1; const ops = p.ops.map((o) => { n++; return o.dot ? { ...o, dot: `${c.author}.${n}` } : { ...o }; }); const obs = { ...V.seen }; delete obs[c.author]; const x = { a: c.author, doc: p.doc, lo, hi: n, obs, ops, past: p.past, weak: true, id: `${c.author}.${lo}@${p.doc}`, was: p.was ?? p.id }; all.set(x.id, x); c.pending.push(x); }
  }
  function pull(c, lim = 6) {
    const m = N(c.home); if (!linked(c, m)) return; const b = m.disk.base;
    if (c.fbAt && c.fbAt !== m.id) c.fbAt = null;
    if (b && !cov(c.sv, b.vec)) { for (const d of c.open) c.docs[d] = joinDoc(c.docs[d], dropSeen({ ...emptyDocs(), [d]: cloneDoc(b.docs[d]) })[d]); c.sv = vmax(c.sv, b.vec); }
    for (const r of m.order) {
      if (r.pos <= (c.sv[r.s] | 0)) continue; if (!lim--) break;
      if (r.pos !== (c.sv[r.s] | 0) + 1 && r.pos > limitOf(m, r.s)) continue;
      c.sv[r.s] = r.pos;
      if (r.c && c.open.includes(r.c.doc)) { const D = c.docs[r.c.doc]; if ((D.seen[r.c.a] | 0) < r.c.hi) applyOps(D, r.c, c.id); c.tail.push(r); }
    }
    for (const s in vmax(c.sv, c.need ?? {})) { const l = limitOf(m, s); if (c.sv[s] > l) c.sv[s] = l; if (c.need?.[s] > l) c.need[s] = l; }
    idle(c, m);
    if (F.clientDrop === 'ack') { c.tail = c.tail.slice(-2); return; }
    const safe = safeOf(m); c.safe = vmax(c.safe ?? {}, safe); c.tail = c.tail.filter((r) => !(safe[r.s] >= r.pos && r.pos <= limitOf(m, r.s)));
    { const t = []; for (const r of c.tail) { const o = r.pos > limitOf(m, r.s) && c.tail.find((x) => x.c && x.c === r.c && x.pos <= limitOf(m, x.s)); const x = o || r; if (!t.includes(x)) t.push(x); } c.tail = t; } // first place seen = causal order
    c.pending = c.pending.filter((p) => {
      if ((c.docs[p.doc].seen[p.a] | 0) < p.hi) return true;
      let mk = c.marks.get(p.id); if (!mk || mk.home !== m.id) c.marks.set(p.id, (mk = { home: m.id, sv: { ...m.vv } })); // where this master shows it
      if ((m.vis[p.doc].seen[p.a] | 0) < p.hi) return true;
      return !cov(safe, clipLim(m, mk.sv));
    });
  }
  const clipLim = (m, v) => { const o = {}; for (const s in v) o[s] = Math.min(v[s], limitOf(m, s)); return o; };
  function clientCrash(c) {
    const s = c.saved; c.req = {}; c.rep = {}; c.fbAt = null; c.waits = 0; c.marks = new Map();
    c.pending = s ? [...s.pending] : []; c.docs = s ? cloneDocs(s.docs) : emptyDocs(); c.sv = s ? { ...s.sv } : {}; c.need = s ? { ...s.need } : {}; c.safe = s ? { ...s.safe } : {}; c.tail = s ? [...s.tail] : [];
    if (F.clientAuthor === 'fresh') c.author = `a${++uid}`; T('client restart', c.id);
  }
  const saveClient = (c) => { c.saved = { pending: [...c.pending], docs: cloneDocs(c.docs), sv: { ...c.sv }, need: { ...c.need }, safe: { ...c.safe }, tail: [...c.tail] }; };
  // ---- checks
  function checkNode(n) {
    for (const s in n.vv) { if (concernOf(s).k && n.vv[s] > (gCommit[s] | 0)) fail('gate', `${n.id} shows uncommitted ${s}${n.vv[s]} > ${gCommit[s] | 0}`); }
    if (n.lastInc === n.inc && n.lastVv && !cov(n.vv, clipLim(n, n.lastVv))) fail('regress', `${n.id} visible vector went back`);
    n.lastInc = n.inc; n.lastVv = { ...n.vv };
    for (const d of DOCS) if (show(n.vis[d]) !== specShow(n.vis[d].ids, all, d)) fail('spec', `${n.id} ${d}: ${show(n.vis[d])} should be ${specShow(n.vis[d].ids, all, d)}`);
    for (const t of tokens) if (!t.ok && cov(n.vv, t.token)) { const c = all.get(t.id); if (!n.vis[c.doc].ids.has(t.id) && ![...n.vis[c.doc].ids].some((i) => covers(all.get(i), c))) fail('token', `${n.id} covers the token of ${t.id} but does not show it`); }
  }
  const covers = (x, c) => x.a === c.a && x.doc === c.doc && x.lo <= c.lo && x.hi >= c.hi;
  function checkPair() {
    const seen = new Map();
    for (const n of nodes) if (n.up && !n.orphans.length && !n.hadOrphans) { const k = vstr(n.vv), v = DOCS.map((d) => show(n.vis[d])).join('#'); if (seen.has(k) && seen.get(k)[0] !== v) fail('I5', `equal vectors, different state: ${n.id} ${v} / ${seen.get(k)[1]} ${seen.get(k)[0]}`); seen.set(k, [v, n.id]); }
  }
  const ops = [], busy = opt.busy ?? ch(0.5);
  const W = (w, f) => ops.push([w, f]);
  const anyN = (p) => { const a = nodes.filter(p); return a.length ? pick(a) : null; };
  W(14, () => write(pick(clients))); W(12, () => push(pick(clients)));
  W(14, () => { const c = pick(clients), ks = Object.keys(c.req).filter((k) => c.req[k].length); if (ks.length) serve(c, N(pick(ks))); });
  W(12, () => { const c = pick(clients), ks = Object.keys(c.rep).filter((k) => c.rep[k].length); if (ks.length) { const m = N(pick(ks)); if (ch(0.1)) c.rep[m.id] = []; else answer(c, m); } });
  W(10, () => pull(pick(clients), 1 + ri(6)));
  W(3, () => { const c = pick(clients), m = anyN((n) => n.master && !n.dead); if (m && m.id !== c.home) { c.home = m.id; c.waits = 0; T('switch', c.id, m.id); } });
  W(3, () => { const c = pick(clients), m = pick(nodes); c.link[m.id] = c.link[m.id] === false; if (ch(0.3)) { c.rep[m.id] = []; if (ch(0.5)) c.req[m.id] = []; } });
  W(2, () => saveClient(pick(clients))); W(opt.clientCrash ?? 0.5, () => clientCrash(pick(clients)));
  W(opt.flushW ?? 8, () => { const n = anyN((x) => x.up); if (n) flush(n); });
  W(busy ? 50 : 22, () => { const a = pick(nodes), b = pick(nodes); if (a !== b) sync(a, b); });
  W(busy ? 80 : 34, () => { const ks = Object.keys(q).filter((k) => q[k].length); if (ks.length) { const k = pick(ks), [a, b] = k.split('>').map(N); if (up(a, b)) for (let i = 1 + ri(4); i--;) deliver(k); } });
  W(opt.progW ?? (busy ? 60 : 10), () => { const a = pick(nodes), b = pick(nodes); if (a !== b) sendProg(a, b); });
  W(opt.linkW ?? 4, () => { const a = pick(nodes), b = pick(nodes); if (a === b) return; const k = key(a.id, b.id), was = link[k]; link[k] = !was; if (was) breakLink(a, b); if (ch(0.5)) { link[key(b.id, a.id)] = !was; if (was) breakLink(b, a); } });
  W(opt.crashW ?? 2, () => { const n = anyN((x) => x.up); if (n) { crash(n, ch(0.2)); } });
  W(4, () => { const n = anyN((x) => !x.up && !x.dead); if (n) start(n); });
  W(1.2, () => { const n = pick(nodes); if (n.up) flush(n); n.backups.push({ base: n.disk.base, log: n.disk.log.slice(0, n.disk.flushed) }); });
  W(opt.lossW ?? 0.8, () => { const n = pick(nodes); if (losses >= maxLoss || n.dead) return; if (n.up) crash(n); const b = n.backups.length ? pick(n.backups) : { base: null, log: [] }; T('restore', n.id); lose(n, { base: b.base, log: b.log.slice(), flushed: b.log.length }); });
  W(opt.dieW ?? 0.4, () => { const n = anyN((x) => x.master && x.id[0] === "M"); if (!n || n.dead || losses >= maxLoss || nodes.filter((x) => x.master && !x.dead).length < 2) return; if (n.up) crash(n); n.dead = true; n.lossAt = step; losses++; stats.losses++; T('dies', n.id); });
  W(opt.truncW ?? 2.5, () => { const n = anyN((x) => x.up); if (n) truncate(n); });
  W(opt.promoteW ?? 0.6, () => { const f = anyN((x) => x.up && !x.master); if (f) promote(f); });
  W(opt.retireW ?? 0.8, () => { const m = anyN((x) => x.up && x.master && x.epoch && limitOf(x, x.epoch) === Infinity), X = anyN((x) => x.master && x !== m && !x.goneForGood); if (m && X && (!X.up || !both(m, X))) retire(m, X); });
  if (opt.forceW) W(opt.forceW, () => { const m = anyN((x) => x.up && x.master && x.epoch && limitOf(x, x.epoch) === Infinity), X = anyN((x) => x.master && x !== m && !x.goneForGood); if (m && X && (!X.up || !both(m, X))) retire(m, X, true); });
  W(2, () => { const n = anyN((x) => x.up && x.orphans.length); if (n) { n.hadOrphans = true; handOrphans(n); } });
  W(1, () => { for (const n of nodes) if (n.up && n.master && (!n.epoch || limitOf(n, n.epoch) !== Infinity)) reopen(n); });
  if (F.authorRetire !== 'cold') W(1.5, () => { // every reachable master agrees on the author's end
    const m = anyN((x) => x.up && x.master && x.epoch); if (!m) return; const as = new Set(); for (const d of DOCS) for (const a in admSeen(m, d)) as.add(a); if (!as.size) return; const a = pick([...as]);
    const rs = nodes.filter((n) => n.master && n.up && (n === m || both(n, m))); if (!rs.every((n) => DOCS.every((d) => (admSeen(n, d)[a] | 0) === (admSeen(m, d)[a] | 0)))) return;
    if (F.authorRetire === 'forget') append(m, { kind: 'forget', a }); else { for (const n of rs) (n.refused ??= {})[a] = 1; append(m, { kind: 'refuse', a }); } });
  const total = ops.reduce((s, [w]) => s + w, 0);
  const one = () => { let x = R() * total; for (const [w, f] of ops) if ((x -= w) < 0) return f(); };
  try {
    for (const n of nodes) start(n);
    if (opt.script) opt.script({ // hand-written histories (scenarios.mjs)
      N, C: (i) => clients[i], flush, crash, start, truncate, retire, pull: (c) => pull(c, 99), cut: (a, b) => { for (const [x, y] of [[a, b], [b, a]]) { link[key(x.id, y.id)] = false; breakLink(x, y); } },
      die: (n) => { crash(n); n.dead = true; n.lossAt = step; }, tick: () => step++,
      give: (c, m) => { c.open = DOCS.slice(0, 2); c.home = m.id; write(c); push(c); serve(c, m); },
      ship: (u, n, s = u.epoch) => { for (let p = (n.held[s] | 0) + 1; p <= u.held[s]; p++) receive(n, u.recs[s][p]); },
      prog: (a, b) => { sendProg(a, b); deliver(key(a.id, b.id)); } });
    const L = opt.script ? 0 : opt.steps ?? (busy ? 300 : 150) + ri(250);
    for (step = 1; step <= L; step++) { one(); if (step % 5 === 0) { const n = pick(nodes); if (n.up) checkNode(n); } if (step % 20 === 0) checkPair(); for (const n of nodes) if (n.orphans?.length) n.hadOrphans = true; }
    // ---- heal: everything that is not dead is connected; dead masters are retired
    T("heal"); healing = true;
    for (const k in link) link[k] = true; for (const c of clients) c.link = {};
    for (const n of nodes) if (!n.up && !n.dead && !(opt.keepDown && !n.master)) start(n);
    if (opt.keepDown) for (const n of nodes) if (n.up && !n.master) crash(n);
    const live = nodes.filter((n) => n.up);
    let quiet = 0, last = '';
    for (let round = 0; round < 60 && quiet < 4; round++) {
      step++;
      for (const a of live) { for (const b of live) if (a !== b) { q[key(a.id, b.id)] = []; transfer(a, b); } flush(a); }
      for (const n of live) if (n.master && (!n.epoch || limitOf(n, n.epoch) !== Infinity)) reopen(n);
      for (const a of live) { for (const b of live) if (a !== b) { sendProg(a, b); while (q[key(a.id, b.id)].length) deliver(key(a.id, b.id)); } if (a.orphans.length) handOrphans(a); }
      if (round === 3) for (const X of nodes) if (X.dead && !X.goneForGood && X.master) { const m = live.find((n) => n.master && n.epoch); if (m) retire(m, X); X.goneForGood = true; }
      for (const c of clients) {
        if (!N(c.home).master || N(c.home).dead) { c.home = pick(live.filter((n) => n.master)).id; c.waits = 0; }
        for (let i = 0; i < 3; i++) { pull(c, 200); push(c); const m = N(c.home); for (const x of live) { while (c.req[x.id]?.length) serve(c, x); flush(x); while (c.rep[x.id]?.length) answer(c, x); } }
        pull(c, 200);
      }
      const now = live.map((n) => vstr(n.vv) + vstr(n.held) + n.orphans.length).join(';') + clients.map((c) => c.pending.length + vstr(c.sv)).join(';');
      quiet = now === last ? quiet + 1 : 0; last = now;
    }
    // ---- final checks
    if (opt.keepDown) { for (const n of live) for (const s in n.held) if (concernOf(s).k === 0 && (n.vv[s] | 0) < n.held[s]) fail('stalled', `${n.id} shows asynchronous ${s} to ${n.vv[s] | 0} of ${n.held[s]} while another stream's quorum is missing`); return { kind: null, stats }; }
    if (opt.dump) for (const n of live) console.log(n.id, 'held', vstr(n.held), 'vv', vstr(n.vv), 'parked', JSON.stringify(Object.fromEntries(Object.entries(n.parked).map(([s, p]) => [s, p.map((r) => r.pos)]))), 'recs', JSON.stringify(Object.fromEntries(Object.entries(n.recs).map(([s, p]) => [s, Object.keys(p)]))), 'ret', JSON.stringify(n.retired), 'orph', n.orphans.map((r) => r.c.id), 'commit', vstr(n.commit));
    if (opt.dump) for (const c of clients) console.log(c.id, c.home, 'sv', vstr(c.sv), 'need', vstr(c.need ?? {}), 'safe', vstr(c.safe ?? {}), 'pend', c.pending.map((p) => p.id), 'tail', c.tail.map((r) => r.s + r.pos + ':' + r.c?.id), c.waits, c.lastRep, c.open.flatMap((d) => [...c.docs[d].ids].filter((i) => !live[0].vis[d].ids.has(i))));
    const n0 = live[0];
    if (opt.i7first) for (const c of commits) if (c.holders.some((h) => N(h).lossAt < c.at) && !live.some((n) => n.vis[all.get(c.id).doc].ids.has(c.id))) fail('I7', `committed ${c.s}${c.pos} ${c.id} is shown nowhere; held durably by ${c.holders}`);
    for (const n of live) {
      for (const s in n.held) { if ((n.av[s] | 0) < n.held[s]) fail('parked', `${n.id} holds ${s}${n.held[s]} but applied ${n.av[s] | 0}`); if ((n.vv[s] | 0) < n.held[s]) fail('invisible', `${n.id} shows ${s} to ${n.vv[s] | 0} of ${n.held[s]} (commit ${n.commit[s] | 0}, k ${concernOf(s).k})`); }
      if (vstr(n.vv) !== vstr(n0.vv)) fail('converge', `vectors differ: ${n.id} ${vstr(n.vv)} / ${n0.id} ${vstr(n0.vv)}`);
      for (const d of DOCS) { if (show(n.vis[d]) !== show(n0.vis[d])) fail('converge', `${d} differs ${n.id}/${n0.id}`); }
      if (n.orphans.length) fail('orphans', `${n.id} keeps ${n.orphans.map((r) => r.c.id)}`);
      checkNode(n);
    }
    const fin = new Set(); for (const d of DOCS) for (const id of n0.vis[d].ids) fin.add(id);
    const has = (id) => fin.has(id) || [...fin].some((i) => covers(all.get(i), all.get(id)));
    for (const c of commits) if (!has(c.id) && c.holders.some((h) => N(h).lossAt < c.at)) fail('I7', `committed ${c.s}${c.pos} ${c.id} is lost; held durably by ${c.holders}`);
    for (const a of acks) if (N(a.node).lossAt < a.at && !has(a.id)) fail('ack-lost', `${a.id} acknowledged durable by ${a.node} is lost`);
    for (const c of clients) {
      for (const p of c.pending) if (!has(p.id)) fail('client-stuck', `${c.id} cannot deliver ${p.id}; home ${c.home}`);
      for (const d of c.open) { for (const id of c.docs[d].ids) if (!has(id)) fail('seen-lost', `${c.id} saw ${id}, it is gone`); const v = view(c, d); if (show(v) !== show(n0.vis[d])) fail('client-differs', `${c.id} ${d}: ${show(v)} / ${show(n0.vis[d])}`); }
    }
    const roots = new Map(); for (const id of fin) { const r = all.get(id).was ?? id; if (roots.has(r)) fail('twice', `${r} applied under two identities ${roots.get(r)} ${id}`); roots.set(r, id); }
    return { kind: null, stats };
  } catch (e) { if (!(e instanceof Viol)) { e.message += ` (seed ${seed})`; if (!opt.soft) throw e; return { kind: 'model-error', msg: e.stack, step, stats, trace }; } return { kind: e.kind, msg: e.message, step, stats, trace }; }
}
