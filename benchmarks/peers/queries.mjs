// What is asked of every system. A condition is a tree; each system writes it in its own language.
//
//   {and: [...]}, {or: [...]}, {not: X}
//   {tag: 'city', in: ['Beijing']}      CATEGORY: one of these; LABELS: any of these
//   {flag: 'is_graduate'}
//   {tag: 'views_7d', low: 4, high: 99} numbers, both ends included
//
// `values` are the values of a tag in order of how many users have them, the most frequent first, so
// that the queries fit every size of sample.

export const tags = {
  category: ['city', 'gender', 'age_band', 'device', 'channel', 'membership', 'product_type'],
  flag: ['is_graduate', 'is_verified', 'push_allowed', 'lease_expiring'],
  labels: ['interests'],
  integer: ['views_7d', 'last_active_days'],
  decimal: ['spend'],
};

const one = (tag, value) => ({tag, in: [value]});

export function makeQueries(values) {
  const city = values('city');
  const gender = values('gender');
  const interests = values('interests');
  const channel = values('channel');
  const age = values('age_band');
  const product = values('product_type');
  const dense = {and: [one('gender', gender[0]), one('device', values('device')[0]),
                       {flag: 'is_verified'}, {flag: 'push_allowed'},
                       one('membership', values('membership')[0])]};
  const cities = {and: [{tag: 'city', in: city.slice(5, 55)}, one('gender', gender[0]),
                        {not: {flag: 'is_graduate'}}]};
  const nested = {and: [
    {or: [{and: [one('city', city[0]), one('gender', gender[0])]},
          {and: [one('channel', channel[0]), {not: {flag: 'push_allowed'}}]},
          {and: [one('age_band', age[1]), {flag: 'is_verified'}, one('product_type', product[0])]}]},
    {flag: 'is_verified'}]};
  return [
    {name: 'P1', title: 'one city', count: one('city', city[0])},
    {name: 'P2', title: 'city and number',
     count: {and: [one('city', city[1]), {tag: 'views_7d', low: 4, high: 1000000}]}},
    {name: 'P3', title: 'and of 5 dense tags', count: dense},
    {name: 'P4', title: 'or of 50 cities, and, not', count: cities},
    {name: 'P5', title: 'or of ands, and', count: nested},
    {name: 'P6', title: 'any of 20 labels, not one',
     count: {and: [{tag: 'interests', in: interests.slice(2, 22)},
                   {not: one('interests', interests[0])}]}},
    {name: 'P7', title: 'two numbers',
     count: {and: [{tag: 'spend', low: 100, high: 5000},
                   {tag: 'last_active_days', low: 0, high: 7}]}},
    {name: 'P8', title: 'P4 by city, age, gender, interests, channel', breakdown: cities,
     by: ['city', 'age_band', 'gender', 'interests', 'channel']},
    {name: 'P9', title: 'is 1 user in P4', member: cities},
    {name: 'P10', title: 'sum of spend over P3', sum: dense, of: 'spend'},
  ];
}
