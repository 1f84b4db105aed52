#!/usr/bin/env node
// What a CMS does with Throng for one campaign, from the crowd to the comparison of its arms.
//
//   npm ci && node cms_flow.js --server 127.0.0.1:7400 --prefix spring --protos ../../../proto
//
// Needs Node 18 and the users of `throng sample`. Crowds are named PREFIX, PREFIX.A, PREFIX.B and
// PREFIX_converted; calls that write are idempotent, so that the flow can be run again.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const POPULATION = 'populations/default';
const RULE = "city in ('Beijing', 'Shanghai') and views_7d > 3 and not is_graduate";
const DEADLINE_MS = 30_000;
const STREAM_DEADLINE_MS = 300_000; // of a stream, which may have much to send
const EXPORT_ATTEMPTS = 5;
const RETRY_PAUSE_MS = 500; // and twice as long after each further attempt
const RETRIED = [grpc.status.UNAVAILABLE, grpc.status.RESOURCE_EXHAUSTED];

const crowdName = (crowd) => `${POPULATION}/crowds/${crowd}`;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const streamOptions = () => ({ deadline: Date.now() + STREAM_DEADLINE_MS });

// What ends the flow though no call was refused; its message says all.
class FlowEnd extends Error {}

// Ends the flow where an arm has nobody: nothing could be checked, told or compared of it.
function requireUsers(arm, users) {
  if (users === 0) throw new FlowEnd(`the arm is empty: ${arm} has no users`);
}

// Clients of all services, with calls that give promises: api.crowd.createCrowd(request).
class Api {
  constructor(server, protos) {
    const folder = path.join(protos, 'throng/v1');
    const files = fs.readdirSync(folder).map((file) => `throng/v1/${file}`);
    const definition = protoLoader.loadSync(files, {
      includeDirs: [protos],
      keepCase: true,
      longs: String, // 64 bits do not fit a number
      enums: String,
      defaults: true,
    });
    const all = grpc.loadPackageDefinition(definition).throng.v1;
    const client = (service) => new all[service](server, grpc.credentials.createInsecure());
    this.crowds = client('CrowdService');
    this.memberships = client('MembershipService');
    this.selections = client('SelectionService');
    this.insights = client('InsightService');
    this.splits = client('SplitService');
    this.packages = client('PackageService');
    this.uploads = client('UploadService');
  }

  // A call of one answer.
  call(client, method, request) {
    return new Promise((resolve, reject) => {
      client[method](request, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
        error ? reject(error) : resolve(answer));
    });
  }

  close() {
    for (const client of Object.values(this)) {
      if (client instanceof grpc.Client) client.close();
    }
  }
}

// Saves the rule as a crowd and computes its first version.
async function createCrowd(api, prefix) {
  await api.call(api.crowds, 'CreateCrowd', {
    parent: POPULATION,
    crowd_id: prefix,
    crowd: { kind: 'CROWD_KIND_RULE', expression: RULE, online: true, folder: 'clients' },
    request_id: `create ${prefix}`,
  });
  const { version } = await api.call(api.crowds, 'RefreshCrowd', {
    name: crowdName(prefix),
    request_id: `refresh ${prefix}`,
  });
  console.log(`crowd: ${version.current_count} users, version ${version.version}`);
}

// Divides the crowd by lot into two arms of equal weight; gives their crowds' names.
async function splitCrowd(api, prefix) {
  await api.call(api.splits, 'CreateSplit', {
    parent: POPULATION,
    split_id: prefix,
    split: {
      source: prefix,
      salt: 'cms_flow',
      arms: [{ name: 'A' }, { name: 'B' }],
      online: true,
      folder: 'clients',
    },
    request_id: `split ${prefix}`,
  });
  const arms = [`${prefix}.A`, `${prefix}.B`];
  await api.call(api.crowds, 'BatchRefreshCrowds', {
    parent: POPULATION,
    names: arms.map(crowdName),
    request_id: `refresh arms of ${prefix}`,
  });
  return arms;
}

// Streams the ids of the arm's newest version; a cut stream goes on where it was cut.
async function exportArm(api, arm) {
  const request = { spec: { crowd: crowdName(arm), format: 'PACKAGE_FORMAT_TXT' } };
  let frames = [];
  let kept = 0; // frames behind which a resumed stream goes on
  for (let attempt = 0; attempt < EXPORT_ATTEMPTS; ++attempt) {
    if (attempt > 0) await sleep(RETRY_PAUSE_MS * 2 ** (attempt - 1));
    frames = frames.slice(0, kept);
    try {
      for await (const frame of api.packages.ExportPackage(request, streamOptions())) {
        frames.push(frame.data);
        if (frame.resume_token) {
          request.resume_token = frame.resume_token;
          kept = frames.length;
        }
        if (!frame.manifest) continue;
        const ids = Buffer.concat(frames).toString().split('\n').slice(0, -1);
        expect(ids.length === Number(frame.manifest.counts.rows), 'an export is complete');
        return ids;
      }
    } catch (error) {
      if (!RETRIED.includes(error.code) || attempt === EXPORT_ATTEMPTS - 1) throw error;
    }
  }
  throw new FlowEnd(`the export of ${arm} never came to its end`);
}

// Asks in all three ways whether users are in the crowd and in the arms.
async function checkMembers(api, prefix, arms, ids) {
  const crowds = [prefix, ...arms].map((crowd) => ({ crowd }));
  const answer = await api.call(api.memberships, 'Check', { user: { id: ids[0] }, crowds });
  console.log(
    'one user:', answer.states.map((state) => state.slice('MEMBER_STATE_'.length)).join(', '));

  const members = [];
  for (const arm of arms) {
    const batch = await api.call(api.memberships, 'BatchCheck', {
      crowd: { crowd: arm },
      ids: [...ids.slice(0, 9_999), 'nobody'],
    });
    members.push(`${batch.members} in ${arm.split('.').pop()}`);
    expect(batch.states.at(-1) === 'MEMBER_STATE_UNKNOWN_USER', 'nobody is unknown');
  }
  console.log('checked:', members.join(', '));

  const stream = api.memberships.StreamChecks(streamOptions());
  stream.write({ setup: { crowds } });
  ids.slice(0, 100).forEach((id, sequence) => stream.write({ checks: [{ sequence, id }] }));
  stream.end();
  let answers = 0;
  for await (const message of stream) { // answers come in the order of the questions
    for (const one of message.answers) {
      expect(Number(one.sequence) === answers, 'answers are in order');
      expect(one.states[0] === 'MEMBER_STATE_MEMBER', 'users of an arm are in the crowd');
      ++answers;
    }
  }
  console.log(`streamed: ${answers} answers`);
}

// Uploads the ids of those who bought as a crowd; gives how many of them are users.
function uploadConverted(api, name, ids) {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    const stream = api.uploads.UploadIds(new grpc.Metadata(), options, (error, upload) =>
      error ? reject(error) : resolve(Number(upload.matched)));
    stream.write({
      header: {
        crowd: crowdName(name),
        mode: 'UPLOAD_MODE_REPLACE',
        create: { folder: 'clients' },
        request_id: `upload ${name}`,
      },
    });
    for (let first = 0; first < ids.length; first += 10_000) {
      const texts = ids.slice(first, first + 10_000).map((id) => Buffer.from(id));
      let end = 0;
      const ends = texts.map((text) => (end += text.length));
      stream.write({ ids: { texts: { data: Buffer.concat(texts), ends } } });
    }
    stream.end({ end: { id_count: ids.length } });
  });
}

// How many of each arm have converted, and whether the arms are alike in other things.
async function compareArms(api, arms, converted) {
  let readVersion = 0; // of the first answer: all figures are of one data version
  const count = async (expression) => {
    const answer = await api.call(api.selections, 'Count', {
      selection: { expression, read_version: readVersion },
    });
    readVersion = answer.info.data_version;
    return Number(answer.count);
  };
  for (const arm of arms) {
    const users = await count(`crowd('${arm}')`);
    requireUsers(arm, users);
    const bought = await count(`crowd('${arm}') and crowd('${converted}')`);
    const share = ((100 * bought) / users).toFixed(1);
    console.log(`arm ${arm.split('.').pop()}: ${bought} of ${users} converted, ${share} %`);
  }
  const compared = await api.call(api.insights, 'Compare', {
    selection: { crowd: { crowd: arms[0] }, read_version: readVersion },
    baseline: { crowd: { crowd: arms[1] } },
    tags: ['city', 'views_7d'],
  });
  console.log(
    `arms: ${compared.count} and ${compared.baseline_count}, ${compared.common_count} in both`);
}

function expect(holds, what) {
  if (!holds) throw new Error(`it does not hold that ${what}`);
}

// What the server says of a refused call: the reason and the field.
function explainFailure(error, protos) {
  const root = new protobuf.Root();
  root.resolvePath = (from, file) => path.join(protos, file);
  root.loadSync('throng/v1/error.proto');
  const Status = root.lookupType('throng.v1.Status');
  const ErrorDetail = root.lookupType('throng.v1.ErrorDetail');
  let text = `${grpc.status[error.code]}: ${error.details}`;
  for (const value of error.metadata?.get('grpc-status-details-bin') ?? []) {
    for (const packed of Status.decode(value).details) {
      if (!packed.type_url.endsWith('/throng.v1.ErrorDetail')) continue;
      const detail = ErrorDetail.decode(packed.value);
      text += ` (${detail.reason} at ${detail.field || 'no field'})`;
    }
  }
  return text;
}

// A failed call as explained, what ended the flow by its message, a mistake in the program in full.
function failureText(error, protos) {
  if (error instanceof FlowEnd) return error.message;
  return Number.isInteger(error.code) ? explainFailure(error, protos) : error.stack;
}

async function run(api, prefix) {
  await createCrowd(api, prefix);
  const arms = await splitCrowd(api, prefix);
  const exported = [];
  for (const arm of arms) exported.push(await exportArm(api, arm));
  arms.forEach((arm, i) => requireUsers(arm, exported[i].length));
  console.log(`exported: ${exported[0].length} ids of A`);
  await checkMembers(api, prefix, arms, exported[0]);
  // Every third user of A has bought, and every fifth of B: what the shop would tell.
  const bought = [
    ...exported[0].filter((_, i) => i % 3 === 0),
    ...exported[1].filter((_, i) => i % 5 === 0),
  ];
  const matched = await uploadConverted(api, `${prefix}_converted`, bought);
  console.log(`uploaded: ${matched} of ${bought.length} ids are users`);
  await compareArms(api, arms, `${prefix}_converted`);
}

function argument(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
}

async function main() {
  const protos = argument('protos', path.join(__dirname, '../../../proto'));
  const api = new Api(argument('server', '127.0.0.1:7400'), protos);
  try {
    await run(api, argument('prefix', 'cms_flow'));
    console.log('done');
  } catch (error) {
    console.error(`error: ${failureText(error, protos)}`);
    process.exitCode = 1;
  } finally {
    api.close();
  }
}

main();
