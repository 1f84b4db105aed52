// Throng: throngd beside this process, over gRPC.
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';

import {beginOf, sorted} from './sql.mjs';

const bin = process.env.THRONG_BIN_DIR;
const quoted = (value) => `'${value.replaceAll("'", "''")}'`;

function write(node) {
  if (node.and) return `(${node.and.map(write).join(' and ')})`;
  if (node.or) return `(${node.or.map(write).join(' or ')})`;
  if (node.not) return `not ${write(node.not)}`;
  if (node.flag) return node.flag;
  if (node.in) return `${node.tag} in (${node.in.map(quoted).join(', ')})`;
  return `${node.tag} between ${node.low} and ${node.high}`;
}

export async function open(data) {
  const server = spawn(`${bin}/throngd`, ['--data-dir', `${data}/data`, '--listen', '127.0.0.1:0',
                                          '--port-file', `${data}/port`], {stdio: 'ignore'});
  process.on('exit', () => server.kill());
  while (!existsSync(`${data}/port`)) await sleep(20);
  const address = `127.0.0.1:${readFileSync(`${data}/port`, 'utf8').trim()}`;
  const run = (...args) => execFileSync(`${bin}/throng`, ['--server', address, ...args],
                                        {encoding: 'utf8', maxBuffer: 1 << 28});
  run('ping', '--wait', '60s');
  const files = ['selection', 'insight', 'population', 'tag', 'membership'].map((f) => `throng/v1/${f}.proto`);
  const definition = loader.loadSync(files, {includeDirs: [process.env.PROTO_DIR], longs: Number, enums: String,
                                             keepCase: true, defaults: true, oneofs: true});
  const {throng: {v1}} = grpc.loadPackageDefinition(definition);
  const connect = (Service) => new Service(address, grpc.credentials.createInsecure(),
                                           {'grpc.max_receive_message_length': 1 << 28});
  const ask = (client, method, request) => new Promise((resolve, reject) => {
    client[method](request, (error, answer) => error ? reject(error) : resolve(answer));
  });
  const selections = connect(v1.SelectionService);
  const insights = connect(v1.InsightService);
  const memberships = connect(v1.MembershipService);
  const populations = connect(v1.PopulationService);
  const population = 'populations/default';
  let firstId = '';  // the smallest one
  const select = (condition) => ({population, expression: write(condition)});
  return {
    pid: server.pid,
    version: async () => run('--version').trim().split(' ').at(-1),
    async load(sample) {
      firstId = beginOf(`${sample}/users.csv`).split('\n')[1].split(',')[0];
      run('load', `${sample}/users.csv`, '--schema', `${sample}/schema.toml`, '--no-check');
    },
    async values(tag) {
      const request = {selection: {population, expression: 'all()'}, tags: [tag]};
      const {rows} = (await ask(insights, 'Breakdown', request)).tags[0];
      return rows.map((row) => [row.value.text, row.count])
        .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([value]) => value);
    },
    async prepare(query) {
      if (query.count) {
        const request = {selection: select(query.count)};
        return async () => (await ask(selections, 'Count', request)).count;
      }
      if (query.sum) {
        const request = {selection: select(query.sum), tags: [query.of]};
        return async () => Number((await ask(insights, 'Statistics', request)).tags[0].sum.decimal);
      }
      if (query.member) {  // of a crowd that was saved and computed before
        run('crowd', 'create', 'peers', write(query.member));
        run('crowd', 'refresh', 'peers');
        const request = {population, user: {id: firstId}, crowds: [{crowd: 'peers'}]};
        return async () => (await ask(memberships, 'Check', request)).states[0] === 'MEMBER_STATE_MEMBER';
      }
      const request = {selection: select(query.breakdown), tags: query.by};
      return async () => sorted((await ask(insights, 'Breakdown', request)).tags.flatMap(
        ({tag, rows}) => rows.map((row) => [`${tag}=${row.value.text}`, row.count]))
        .filter(([, n]) => n > 0));
    },
    empty: async () => ask(populations, 'GetPopulation', {name: population}),
    async close() {
      server.kill();
    },
  };
}
