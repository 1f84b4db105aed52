// All results as one table; fails when two systems do not agree.
//   node table.mjs USERS RESULT.json...
import {readFileSync} from 'node:fs';
import {cpus} from 'node:os';

import {makeQueries} from './queries.mjs';

const [, , users, ...files] = process.argv;
const results = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const none = () => Array(60).fill('');
const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
const ms = (value) => value < 10 ? value.toFixed(2) : value.toFixed(0);
let wrong = 0;

console.log(`${Number(users).toLocaleString('en')} users, ${cpus()[0].model}, ${cpus().length} cores; ` +
            'milliseconds, median (99th percentile), by the client:\n');
row(['query', ...results.map((r) => `${r.system} ${r.version}`), 'best other / throng']);
row(['---', ...results.map(() => '---:'), '---:']);
for (const query of makeQueries(none)) {
  const cells = results.map((r) => r.answers[query.name]);
  const text = (a) => a === undefined ? '' : JSON.stringify(a.answer);
  const known = cells.filter((a) => a !== undefined);
  if (known.some((a) => text(a) !== text(known[0]))) {
    ++wrong;
    console.error(`${query.name}: ${results.map((r, i) => `${r.system} ${text(cells[i]).slice(0, 200)}`)}`);
  }
  const throng = cells[results.findIndex((r) => r.system === 'throng')];
  const others = cells.filter((a, i) => a !== undefined && results[i].system !== 'throng');
  const best = others.length === 0 ? undefined : Math.min(...others.map((a) => a.p50));
  row([`${query.name} ${query.title}`,
       ...cells.map((a) => a === undefined ? '' : `${ms(a.p50)} (${ms(a.p99)})`),
       throng === undefined || best === undefined ? '' : `${(best / throng.p50).toFixed(1)}x`]);
}
row(['nothing: an empty call', ...results.map((r) => `${ms(r.empty.p50)} (${ms(r.empty.p99)})`), '']);
row(['load, s', ...results.map((r) => r.loadSeconds.toFixed(1)), '']);
row(['memory, MB', ...results.map((r) => (r.memory / 1e6).toFixed(0)), '']);
row(['disk, MB', ...results.map((r) => (r.disk / 1e6).toFixed(0)), '']);
console.log(wrong === 0 ? '\nAll answers agree.' : `\n${wrong} answers DO NOT AGREE.`);
process.exit(wrong === 0 ? 0 : 1);
