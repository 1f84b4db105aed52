// A condition in SQL. `contains(tag, values)` is the system's own way to say that a list holds any.
import {closeSync, openSync, readSync} from 'node:fs';

import {tags} from './queries.mjs';

// The first 64 KiB of a file.
export function beginOf(path) {
  const file = openSync(path);
  const begin = Buffer.alloc(1 << 16);
  const bytes = readSync(file, begin);
  closeSync(file);
  return begin.toString('utf8', 0, bytes);
}

const quoted = (value) => `'${value.replaceAll("'", "''")}'`;

export function toSql(condition, contains) {
  const write = (node) => {
    if (node.and) return `(${node.and.map(write).join(' AND ')})`;
    if (node.or) return `(${node.or.map(write).join(' OR ')})`;
    if (node.not) return `NOT ${write(node.not)}`;
    if (node.flag) return node.flag;
    if (node.in && tags.labels.includes(node.tag)) return contains(node.tag, node.in.map(quoted));
    // NOT is the complement: a user without the tag is outside of it.
    if (node.in) return `coalesce(${node.tag} IN (${node.in.map(quoted).join(', ')}), false)`;
    return `coalesce(${node.tag} BETWEEN ${node.low} AND ${node.high}, false)`;
  };
  return write(condition);
}

// Counts by value, of all tags, in one order.
export const sorted = (pairs) =>
  Object.fromEntries(pairs.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
