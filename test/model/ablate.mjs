import { run } from './model.mjs';
// each rule off on its own: same histories with and without
const [, , n = '3000', from = '500001', half, only] = process.argv;

const noOps = { retireW: 0, dieW: 0, promoteW: 0 }, ret = { retireW: 5, dieW: 0 };
const rough = { crashW: 3, flushW: 1, clientCrash: 3, clients: 4, gated: false, maxLoss: 0 };
export const CASES = [
  ['closedHold', { closedHold: false }, { ...noOps, crashW: 2, flushW: 0.5, maxLoss: 0, masters: 3, clients: 4, shipUnflushed: true, gated: false, busy: false }],
  ['commitBy origin', { commitBy: 'origin' }, { gated: true }], ['evidencePlus off', { evidencePlus: false }, { gated: true, maxLoss: 1, lossW: 3 }], ['visDedupe shared', { visDedupe: 'shared' }, { gated: true }],
  ['depsFrom applied', { depsFrom: 'applied' }, { gated: true, keepDown: true, dieW: 0 }], ['visDeps off', { visDeps: false }, { gated: true, masters: 3, clients: 4 }],
  ['dupAck immediate', { dupAck: 'immediate' }, { maxLoss: 0 }], ['dupToken own', { dupToken: 'own' }, {}],
  ['snapAt applied', { snapAt: 'applied' }, { ...noOps, busy: true, truncW: 10, maxLoss: 4, lossW: 6, masters: 3, followers: 2, gated: true }],
  ['snapAt visible', { snapAt: 'visible' }, { ...ret, maxLoss: 0, truncW: 6, masters: 3 }],
  ['snapInto state', { snapInto: 'state' }, { ...ret, masters: 2, maxLoss: 0, busy: false, truncW: 6 }],
  ['safe node', { safe: 'node' }, { ...ret, busy: true, truncW: 20, masters: 3, followers: 3, sparse: 0.5, maxLoss: 0, gated: false }], ['truncSafe off', { truncSafe: false }, { ...ret, maxLoss: 0 }],
  ['epochId counter', { epochId: 'counter' }, { maxLoss: 1 }], ['progress max', { progress: 'max' }, { ...noOps, gated: true, busy: true, maxLoss: 4, lossW: 6, masters: 2, followers: 3 }], ['ownOld off', { ownOld: false }, {}],
  ['clientDrop ack', { clientDrop: 'ack' }, { maxLoss: 0 }],
  ['handover none', { handover: 'none' }, { ...noOps, ...rough }], ['handover doc', { handover: 'doc' }, { ...noOps, ...rough }], ['handover doc, no obsCheck', { obsCheck: false, handover: 'doc' }, { ...noOps, ...rough }], ['obsCheck off', { obsCheck: false }, rough],
  ['handed assumed', { handed: 'assumed' }, rough], ['floor off', { floor: false }, { maxLoss: 0, clients: 4, masters: 4 }], ['clipHandover off', { clipHandover: false }, ret],
  ['clientAuthor reuse', { clientAuthor: 'reuse' }, {}], ['regroup', { regroup: true }, {}],
  ['seenInSnap live', { seenInSnap: 'live' }, {}], ['authorRetire forget', { authorRetire: 'forget' }, {}], ['authorRetire refuse', { authorRetire: 'refuse' }, {}],
  ['retire naive', { retire: 'naive' }, { maxLoss: 0 }], ['rejoin keep', { rejoin: 'keep' }, {}], ['retireQuorum off', { retireQuorum: false }, { ...ret, masters: 2, maxLoss: 0 }], ['retireGossip off', { retireGossip: false }, {}], ['retireEpochs off', { retireEpochs: false }, { ...ret, crashW: 4, maxLoss: 0 }], ['openHears off', { openHears: false }, { ...ret, masters: 2, maxLoss: 0, promoteW: 2 }], ['endsJoin min', { endsJoin: 'min' }, { ...ret, masters: 2, busy: false }],
  ['promote k', { promote: 'k' }, { gated: true, promoteW: 4, followers: 3, busy: true }], ['commitSurvive none', { commitSurvive: 'none' }, { gated: true }], ['commitSurvive volatile', { commitSurvive: 'volatile' }, { gated: true }],
  ...['none', 'masters', 'bases', 'deps', 'no-masters', 'no-bases', 'no-deps'].map((fallback) => [`fallback ${fallback}`, { fallback }, { maxLoss: 0, forceW: 3, truncW: 8, masters: 3, dieW: 0 }]),
  ['DESIGN AS WRITTEN', null, {}],
];
export const NAIVE = { closedHold: false, commitBy: 'origin', visDedupe: 'shared', depsFrom: 'applied', dupAck: 'immediate', dupToken: 'own', snapAt: 'applied', truncSafe: false, safe: 'node', progress: 'max', clientDrop: 'ack', handover: 'doc', handed: 'assumed', clipHandover: false, retire: 'naive', rejoin: 'keep', retireQuorum: false, retireGossip: false, retireEpochs: false };
for (const [name, f, o] of CASES) {
  if (half && half !== '-' && CASES.findIndex((c) => c[0] === name) % 2 !== +half) continue;
  if (only && !name.includes(only)) continue;
  const go = (fl) => { const k = {}, first = {}; for (let s = +from; s < +from + +n; s++) { const r = run(s, fl, { soft: true, ...o }); if (r.kind) { k[r.kind] = (k[r.kind] ?? 0) + 1; if (!first[r.kind] || r.step < first[r.kind][1]) first[r.kind] = [s, r.step, r.msg.split('\n')[0]]; } } return [k, first]; };
  const [k, first] = go(f ?? NAIVE), [base] = go({});
  console.log(`${name.padEnd(24)} off: ${JSON.stringify(k)}  on: ${JSON.stringify(base)}`); for (const x in first) console.log(`      ${x}: seed ${first[x][0]} step ${first[x][1]} ${first[x][2].slice(0, 150)}`);
}
