// ClickHouse in this process (chdb): one MergeTree table, dictionary-coded columns, arrays of labels.
import {Session} from 'chdb';
import {cpus} from 'node:os';

import {beginOf, sorted, toSql} from './sql.mjs';
import {tags} from './queries.mjs';

// Every column of the file as text.
function structure(sample) {
  const [header] = beginOf(`${sample}/users.csv`).split('\n', 1);
  return header.split(',').map((name) => `${name} String`).join(', ');
}

const contains = (tag, values) => `hasAny(${tag}, [${values.join(', ')}])`;

export async function open(data) {
  const session = new Session(data);
  const run = (sql) => session.query(sql, 'JSONCompactEachRow');
  const rows = (sql) => run(sql).split('\n').filter((line) => line !== '').map((l) => JSON.parse(l));
  const number = (sql) => Number(rows(sql)[0][0]);
  const settings = `SETTINGS max_threads = ${cpus().length}`;
  return {
    pid: process.pid,
    version: async () => rows('SELECT version()')[0][0],
    async load(sample) {
      const columns = [
        'user_id UInt32', ...tags.category.map((t) => `${t} LowCardinality(Nullable(String))`),
        ...tags.flag.map((t) => `${t} Bool`),
        ...tags.labels.map((t) => `${t} Array(LowCardinality(String))`),
        ...tags.integer.map((t) => `${t} Nullable(Int32)`),
        ...tags.decimal.map((t) => `${t} Nullable(Decimal(12, 2))`)];
      const all = [
        'toUInt32(user_id)', ...tags.category.map((t) => `nullIf(${t}, '')`),
        ...tags.flag.map((t) => `${t} = '1'`), ...tags.labels.map((t) => `arrayDistinct(splitByChar('|', ${t}))`),
        ...tags.integer.map((t) => `toInt32OrNull(${t})`),
        ...tags.decimal.map((t) => `toDecimal64OrNull(${t}, 2)`)];
      run('CREATE DATABASE IF NOT EXISTS d');
      run(`CREATE TABLE d.users (${columns.join(', ')}) ENGINE = MergeTree ORDER BY user_id`);
      run(`INSERT INTO d.users SELECT ${all.join(', ')}
        FROM file('${sample}/users.csv', 'CSVWithNames', '${structure(sample)}')`);
      run('OPTIMIZE TABLE d.users FINAL');
    },
    async values(tag) {
      const value = tags.labels.includes(tag) ? `arrayJoin(${tag})` : tag;
      return rows(`SELECT ${value} AS v FROM d.users WHERE v != '' GROUP BY v ORDER BY count() DESC, v`)
        .map(([v]) => v);
    },
    async prepare(query) {
      const where = toSql(query.count ?? query.breakdown ?? query.member ?? query.sum, contains);
      if (query.count) return async () => number(`SELECT count() FROM d.users WHERE ${where} ${settings}`);
      if (query.sum) return async () => number(`SELECT sum(${query.of}) FROM d.users WHERE ${where} ${settings}`);
      if (query.member) {
        const user = number('SELECT min(user_id) FROM d.users');
        return async () =>
          number(`SELECT count() FROM d.users WHERE user_id = ${user} AND ${where} ${settings}`) === 1;
      }
      // One scan: the values of all tags as one array.
      const parts = query.by.map((tag) => tags.labels.includes(tag)
        ? `arrayMap(v -> concat('${tag}=', v), arrayFilter(v -> v != '', ${tag}))`
        : `if(isNull(${tag}), [], [concat('${tag}=', assumeNotNull(${tag}))])`);
      const one = `SELECT arrayJoin(arrayConcat(${parts.join(', ')})) AS v, count() FROM d.users
        WHERE ${where} GROUP BY v ${settings}`;
      // Or a scan a tag: the faster of the two is what counts.
      const several = query.by.map((tag) => tags.labels.includes(tag)
        ? `SELECT concat('${tag}=', v) AS w, count() FROM d.users ARRAY JOIN ${tag} AS v WHERE v != '' AND ${where} GROUP BY v`
        : `SELECT concat('${tag}=', ${tag}) AS w, count() FROM d.users WHERE isNotNull(${tag}) AND ${where} GROUP BY ${tag}`);
      const many = `${several.join(' UNION ALL ')} ${settings}`;
      const ask = (sql) => async () => sorted(rows(sql).map(([v, n]) => [v, Number(n)]));
      const clock = async (sql) => {
        await ask(sql)();
        const begin = performance.now();
        await ask(sql)();
        return performance.now() - begin;
      };
      return await clock(one) < await clock(many) ? ask(one) : ask(many);
    },
    empty: async () => number('SELECT 1'),
    close: async () => session.cleanup(),
  };
}
