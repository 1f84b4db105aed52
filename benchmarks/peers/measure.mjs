// One system: loads, asks, and writes what came out and how long it took.
//   node measure.mjs SYSTEM SAMPLE_DIR DATA_DIR RESULT.json
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';

import {makeQueries} from './queries.mjs';

const [, , systemName, sample, data, result] = process.argv;
const runsMin = 30;
const secondsMin = 1;
const secondsMax = 20;

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];

// Milliseconds of each of at least `runsMin` runs after three to warm up.
async function time(ask) {
  for (let i = 0; i < 3; ++i) await ask();
  const times = [];
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  while ((times.length < runsMin || elapsed() < secondsMin) && elapsed() < secondsMax) {
    const start = performance.now();
    await ask();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return {p50: quantile(times, 0.5), p99: quantile(times, 0.99), runs: times.length};
}

export const residentBytes = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

const {open} = await import(`./${systemName}.mjs`);
const system = await open(data);
const begin = performance.now();
await system.load(sample);
const loadSeconds = (performance.now() - begin) / 1000;
const values = Object.create(null);
for (const tag of ['city', 'gender', 'device', 'membership', 'interests', 'channel', 'age_band',
                   'product_type']) {
  values[tag] = await system.values(tag);
}
const answers = {};
for (const query of makeQueries((tag) => values[tag])) {
  const ask = await system.prepare(query);
  if (ask === null) continue;  // it has no way to
  const answer = await ask();
  answers[query.name] = {answer, ...await time(ask)};
  console.error(`${systemName} ${query.name}: ${answers[query.name].p50.toFixed(3)} ms`);
}
const empty = await time(system.empty);
const disk = Number(execFileSync('du', ['-sb', data], {encoding: 'utf8'}).split('\t')[0]);
writeFileSync(result, JSON.stringify({
  system: systemName, version: await system.version(), loadSeconds, empty, disk,
  memory: residentBytes(system.pid), answers}, null, 1));
await system.close();
process.exit(0);
