// DuckDB in this process: one table, a column a tag, lists for labels.
import {DuckDBInstance, version} from '@duckdb/node-api';

import {cpus} from 'node:os';
import {sorted, toSql} from './sql.mjs';
import {tags} from './queries.mjs';

const contains = (tag, values) => `coalesce(list_has_any(${tag}, [${values.join(', ')}]), false)`;

export async function open(data) {
  const instance = await DuckDBInstance.create(`${data}/users.duckdb`);
  const connection = await instance.connect();
  await connection.run(`SET threads = ${cpus().length}`);
  const rows = async (sql) => (await connection.runAndReadAll(sql)).getRows();
  const number = async (sql) => Number((await rows(sql))[0][0]);
  return {
    pid: process.pid,
    version: async () => version(),
    async load(sample) {
      const columns = [
        'user_id::UINTEGER AS user_id', ...tags.category, ...tags.flag.map((t) => `coalesce(${t} = '1', false) AS ${t}`),
        ...tags.labels.map((t) => `list_distinct(string_split(${t}, '|')) AS ${t}`),
        ...tags.integer.map((t) => `${t}::INTEGER AS ${t}`),
        ...tags.decimal.map((t) => `${t}::DECIMAL(12, 2) AS ${t}`)];
      await connection.run(`CREATE TABLE users AS SELECT ${columns.join(', ')}
        FROM read_csv('${sample}/users.csv', header = true, all_varchar = true, nullstr = '')`);
      await connection.run('CHECKPOINT');
    },
    async values(tag) {
      const value = tags.labels.includes(tag) ? `unnest(${tag})` : tag;
      const found = await rows(`SELECT v FROM (SELECT ${value} AS v FROM users)
        WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v`);
      return found.map(([v]) => v);
    },
    async prepare(query) {
      const where = toSql(query.count ?? query.breakdown ?? query.member ?? query.sum, contains);
      if (query.count) {
        const prepared = await connection.prepare(`SELECT count(*) FROM users WHERE ${where}`);
        return async () => Number((await prepared.runAndReadAll()).getRows()[0][0]);
      }
      if (query.sum) return async () => number(`SELECT sum(${query.of}) FROM users WHERE ${where}`);
      if (query.member) {
        const user = await number('SELECT min(user_id) FROM users');
        return async () =>
          await number(`SELECT count(*) FROM users WHERE user_id = ${user} AND ${where}`) === 1;
      }
      const parts = query.by.map((tag) => {
        const value = tags.labels.includes(tag) ? `unnest(${tag})` : tag;
        return `SELECT '${tag}=' || v, count(*) FROM (SELECT ${value} AS v FROM crowd)
          WHERE v IS NOT NULL GROUP BY v`;
      });
      const sql = `WITH crowd AS MATERIALIZED (SELECT ${query.by.join(', ')} FROM users WHERE ${where})
        ${parts.join(' UNION ALL ')}`;
      return async () => sorted((await rows(sql)).map(([v, n]) => [v, Number(n)]));
    },
    empty: async () => number('SELECT 1'),
    close: async () => connection.closeSync(),
  };
}
