// Redis: a bitmap for each value, users by their line; numbers of few values the same way. What has
// too many values (spend) is left out: there is no usual way.
import {spawn} from 'node:child_process';
import {createReadStream, existsSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import {createClient} from 'redis';

import {tags} from './queries.mjs';
import {sorted} from './sql.mjs';

// Lines of the sample have no quotes: every field as it is.
async function readBitmaps(file, onBitmap) {
  const bitmaps = new Map();
  const lines = createInterface({input: createReadStream(file, {highWaterMark: 1 << 20})});
  let columns = null;
  let user = 0;
  let bytes = 1 << 16;
  const set = (key) => {
    let bitmap = bitmaps.get(key);
    if (bitmap === undefined || bitmap.length <= user >> 3) {
      while (bytes <= user >> 3) bytes *= 2;
      const larger = Buffer.alloc(bytes);
      if (bitmap !== undefined) bitmap.copy(larger);
      bitmaps.set(key, bitmap = larger);
    }
    bitmap[user >> 3] |= 128 >> (user & 7);
  };
  for await (const line of lines) {
    const fields = line.split(',');
    if (columns === null) {
      columns = [...tags.category, ...tags.flag, ...tags.labels, ...tags.integer]
        .map((tag) => [tag, fields.indexOf(tag), tags.labels.includes(tag), tags.flag.includes(tag)]);
      continue;
    }
    for (const [tag, at, isList, isFlag] of columns) {
      const field = fields[at];
      if (field === '' || (isFlag && field !== '1')) continue;
      if (isList) for (const label of field.split('|')) set(`${tag}=${label}`);
      else set(`${tag}=${field}`);
    }
    set('all=');
    ++user;
  }
  for (const [key, bitmap] of bitmaps) await onBitmap(key, bitmap.subarray(0, (user + 7) >> 3));
}

export async function open(data) {
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', `${data}/redis.sock`, '--save', '',
                                        '--dir', data, '--io-threads', '2'], {stdio: 'ignore'});
  process.on('exit', () => server.kill());
  while (!existsSync(`${data}/redis.sock`)) await sleep(20);
  const client = createClient({socket: {path: `${data}/redis.sock`}});
  client.on('error', () => {});
  await client.connect();
  let keys = [];
  let temporary = 0;
  // Adds what makes the condition's bitmap to the batch; its key.
  const build = (batch, node) => {
    const operation = (name, from) => {
      const key = `tmp:${temporary++}`;
      batch.bitOp(name, key, from);
      return key;
    };
    if (node.and) {
      const plain = node.and.filter((n) => !n.not).map((n) => build(batch, n));
      const minus = node.and.filter((n) => n.not).map((n) => operation('NOT', build(batch, n.not)));
      return operation('AND', [...plain, ...minus]);
    }
    if (node.or) return operation('OR', node.or.map((n) => build(batch, n)));
    if (node.not) return operation('AND', ['all=', operation('NOT', build(batch, node.not))]);
    if (node.flag) return `${node.flag}=1`;
    const from = node.in ? node.in.map((v) => `${node.tag}=${v}`)
      : keys.filter((key) => key.startsWith(`${node.tag}=`) &&
                    Number(key.split('=')[1]) >= node.low && Number(key.split('=')[1]) <= node.high);
    return from.length === 1 ? from[0] : operation('OR', from);
  };
  const uses = (node, tag) => node.tag === tag || (node.and ?? node.or ?? (node.not ? [node.not] : []))
    .some((n) => uses(n, tag));
  return {
    pid: server.pid,
    version: async () => /redis_version:(\S+)/.exec(await client.info('server'))[1],
    async load(sample) {
      await readBitmaps(`${sample}/users.csv`, (key, bitmap) => client.set(key, bitmap));
      keys = (await client.keys('*')).sort();
      await client.sendCommand(['SAVE']);
    },
    async values(tag) {
      const counts = await Promise.all(keys.filter((key) => key.startsWith(`${tag}=`)).map(
        async (key) => [key.slice(tag.length + 1), await client.bitCount(key)]));
      return counts.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([value]) => value);
    },
    async prepare(query) {
      const condition = query.count ?? query.breakdown ?? query.member ?? query.sum;
      if (query.sum || uses(condition, 'spend')) return null;
      if (query.member) {  // of a crowd that was made before
        const batch = client.multi();
        const key = build(batch, condition);
        batch.copy(key, 'crowd');
        await batch.exec();
        return async () => await client.getBit('crowd', 0) === 1;
      }
      return async () => {
        temporary = 0;
        const batch = client.multi();
        const crowd = build(batch, condition);
        if (query.count) {
          batch.bitCount(crowd);
          return Number((await batch.exec()).at(-1));
        }
        const wanted = keys.filter((key) => query.by.some((tag) => key.startsWith(`${tag}=`)));
        for (const key of wanted) {
          batch.bitOp('AND', 'tmp:value', [crowd, key]);
          batch.bitCount('tmp:value');
        }
        const counts = (await batch.exec()).slice(-2 * wanted.length).filter((_, i) => i % 2 === 1);
        return sorted(wanted.map((key, i) => [key, Number(counts[i])]).filter(([, n]) => n > 0));
      };
    },
    empty: async () => client.ping(),
    async close() {
      client.destroy();
      server.kill();
    },
  };
}
