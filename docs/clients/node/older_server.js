// Steps of the flow against an API without splits, packages or uploads, as crowds of rules.
'use strict';

const POPULATION = 'populations/default';

async function createAll(api, rules) {
  for (const [name, rule] of Object.entries(rules)) {
    await api.call(api.crowds, 'CreateCrowd', {
      parent: POPULATION,
      crowd_id: name,
      crowd: { kind: 'CROWD_KIND_RULE', expression: rule, folder: 'clients' },
      request_id: `create ${name}`,
    });
  }
  const names = Object.keys(rules).map((name) => `${POPULATION}/crowds/${name}`);
  return api.call(api.crowds, 'BatchRefreshCrowds', {
    parent: POPULATION,
    names,
    request_id: `refresh ${names[0]}`,
  });
}

async function splitCrowd(api, prefix) {
  const arms = [`${prefix}.A`, `${prefix}.B`];
  const source = `crowd('${prefix}')`;
  await createAll(api, {
    [arms[0]]: `${source} and bucket('cms_flow', 0, 500000)`,
    [arms[1]]: `${source} and bucket('cms_flow', 500000, 1000000)`,
  });
  return arms;
}

async function exportArm(api, arm) {
  const request = { selection: { crowd: { crowd: arm } }, page_size: 10_000, page_token: '' };
  const ids = [];
  do {
    const page = await api.call(api.selections, 'ListMembers', request);
    ids.push(...page.ids);
    request.page_token = page.next_page_token;
  } while (request.page_token !== '');
  return ids;
}

async function uploadConverted(api, name, ids) {
  const quoted = ids.map((id) => `'${id}'`).join(',');
  const refreshed = await createAll(api, { [name]: `ids(${quoted})` });
  return Number(refreshed.crowds[0].version.current_count);
}

module.exports = { splitCrowd, exportArm, uploadConverted };
