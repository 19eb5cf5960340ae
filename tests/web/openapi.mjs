// Every answer of the REST interface against docs/formats/openapi.yaml: node openapi.mjs SOTTO WORKFLOW.
// An operation or a status that the file does not have fails, and so does an operation that is never called.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { check, serve } from './serve.mjs';

const [sotto, workflow] = process.argv.slice(2).map((argument) => path.resolve(argument));
const file = new URL('../../docs/formats/openapi.yaml', import.meta.url);
const require = createRequire(path.join(process.cwd(), 'package.json'));
const Ajv = require('ajv/dist/2020').default;
const api = require('yaml').parse(readFileSync(file, 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(api, 'api');

const called = new Set();

function operationOf(method, where) {
  for (const [pattern, operations] of Object.entries(api.paths)) {
    const fits = new RegExp(`^${pattern.replace(/\{[^}]+\}/g, '[^/]+')}$`);
    if (fits.test(where) && operations[method.toLowerCase()]) return [pattern, operations[method.toLowerCase()]];
  }
  throw new Error(`${method} ${where} is not in the OpenAPI file`);
}

function responseOf(pattern, method, operation, status) {
  const key = [String(status), `${Math.floor(status / 100)}XX`].find((one) => operation.responses[one]);
  if (!key) throw new Error(`${method} ${pattern}: status ${status} is not in the OpenAPI file`);
  const given = operation.responses[key];
  const at = given.$ref ? given.$ref.slice(2) : ['paths', pattern, method.toLowerCase(), 'responses', key].map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
  return [given.$ref ? api.components.responses[given.$ref.split('/').pop()] : given, at];
}

let url;
async function ask(method, where, body, wanted, headers = {}) {
  const [pattern, operation] = operationOf(method, where.split('?')[0]);
  called.add(operation.operationId);
  const answer = await fetch(url + where, {
    method, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const [response, at] = responseOf(pattern, method, operation, answer.status);
  check(`${method} ${where.replace(/[0-9a-f]{32}/, 'ID')} ${typeof body === 'string' ? body.slice(0, 20) : JSON.stringify(body)?.slice(0, 60) ?? ''} -> ${answer.status}`, answer.status === wanted);
  if (!response.content) return null;
  const type = answer.headers.get('content-type').split(';')[0];
  if (!response.content[type]) throw new Error(`${method} ${pattern}: ${type} is not in the OpenAPI file`);
  if (type === 'text/event-stream') return answer;
  const text = await answer.text();
  if (!type.endsWith('json')) return text;
  const json = JSON.parse(text);
  const validate = ajv.compile({ $ref: `api#/${at}/content/${type.replaceAll('/', '~1')}/schema` });
  if (!validate(json)) throw new Error(`${method} ${pattern}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 2000)}`);
  return json;
}

const index = mkdtempSync(path.join(tmpdir(), 'sotto-index-'));
const notes = mkdtempSync(path.join(tmpdir(), 'sotto-notes-'));
writeFileSync(path.join(notes, 'fees.md'), '# Fees\n\n## Stop payments\n\nA stop payment costs $30 a request.\n');
writeFileSync(path.join(notes, 'hours.md'), '# Branches\n\n## Hours\n\nThe branch opens at nine and closes at five on weekdays.\n');
writeFileSync(path.join(notes, 'cards.md'), '# Cards\n\nA lost card is replaced within five days for $10.\n');
execFileSync(sotto, ['index', 'build', notes, '--out', index]);
// A recording of a quarter of a second, as a server before this one left it (docs/formats/recordings.md).
const kept = mkdtempSync(path.join(tmpdir(), 'sotto-recordings-'));
const recorded = '0123456789abcdef0123456789abcdef';
const sound = Buffer.alloc(44 + 16000);
sound.write('RIFF', 0); sound.writeUInt32LE(36 + 16000, 4); sound.write('WAVEfmt ', 8); sound.writeUInt32LE(16, 16);
sound.writeUInt16LE(1, 20); sound.writeUInt16LE(2, 22); sound.writeUInt32LE(16000, 24); sound.writeUInt32LE(64000, 28);
sound.writeUInt16LE(4, 32); sound.writeUInt16LE(16, 34); sound.write('data', 36); sound.writeUInt32LE(16000, 40);
writeFileSync(path.join(kept, `${recorded}.wav`), sound);
writeFileSync(path.join(kept, `${recorded}.json`), JSON.stringify({
  session: 'a', workflow: 'banking', channel: 'phone', keep_days: 30, began_s: Math.floor(Date.now() / 1000), ready: true,
  complete: true, frames: 4000, lost_frames: 0, silenced_ms: [[0, 100]],
}));
// Turns to label; who comes without a key is named for once.
const store = path.join(notes, 'turns.sqlite');
execFileSync(sotto, ['logs', 'simulate', '--workflow', workflow, '--turns', '120', '--out', store]);
writeFileSync(path.join(notes, 'labellers'), 'anybody\n');
const config = path.join(notes, 'sotto.yaml');
writeFileSync(config, 'route:\n  cache: {serve: true}\n  accept: 0.8\n');
const { url: served, server } = await serve(sotto, workflow, '--text-only', '--index', `notes=${index}`, '--turns', store, '--recordings', kept, '--config', config);
url = served;
let failed = false;
try {
  await ask('GET', '/healthz', undefined, 200);
  await ask('GET', '/readyz', undefined, 200);
  await ask('GET', '/v1/workflows', undefined, 200);
  const list = await ask('GET', '/v1/recordings', undefined, 200);
  check('the recording is listed', list.recordings.length === 1 && list.recordings[0].seconds === 0.25);
  await ask('GET', `/v1/recordings/${recorded}`, undefined, 200);
  await ask('GET', `/v1/recordings/${recorded}/audio`, undefined, 200);
  await ask('GET', '/v1/recordings/nobody', undefined, 404);
  await ask('POST', `/v1/recordings/${recorded}/pause`, undefined, 409);
  await ask('POST', `/v1/recordings/${recorded}/resume`, undefined, 409);
  await ask('DELETE', `/v1/recordings/${recorded}`, undefined, 204);
  await ask('GET', `/v1/recordings/${recorded}/audio`, undefined, 404);
  const answered = await ask('POST', '/v1/search', { query: 'what does a stop payment cost' }, 200);
  check('the search answers with its source', answered.answer?.includes('$30') && answered.citations[0].document === 'fees.md');
  const foreign = await ask('POST', '/v1/search', { query: 'when is the next train to the airport', index: 'notes' }, 200);
  check('what the documents do not have is not answered', foreign.answer === null);
  await ask('POST', '/v1/search', { query: 'a', index: 'nobody' }, 404);
  for (const wrong of ['{', '{}', '{"query":3}', '{"query":"a","k":0}', '{"qery":"a"}']) await ask('POST', '/v1/search', wrong, 400);
  const queue = await ask('GET', '/v1/labels/queue?most=5&anew=true', undefined, 200);
  check('turns wait for a label', queue.items.length > 1 && queue.author === 'anybody');
  await ask('GET', '/v1/labels/queue?workflow=nobody', undefined, 404);
  await ask('GET', '/v1/labels/queue?most=x', undefined, 400);
  const turn = { session: queue.items[0].session, turn: queue.items[0].turn };
  await ask('GET', `/v1/labels/audio?session=${turn.session}&turn=${turn.turn}`, undefined, 404);  // it was typed
  await ask('GET', `/v1/labels/audio?session=${turn.session}&turn=x`, undefined, 400);
  for (const wrong of [{}, { ...turn, answer: 'x' }, { ...turn, answer: '99' }, { ...turn, answer: 'n', without: [3] }]) await ask('POST', '/v1/labels', wrong, 400);
  const given = await ask('POST', '/v1/labels', { ...turn, answer: 'n', reason: 'heard it' }, 201);
  check('it is in the name of who asks', given.author === 'anybody' && given.labels >= 1);
  await ask('POST', '/v1/labels', { ...turn, answer: 'n' }, 404);
  const agreed = await ask('GET', '/v1/labels/agreement', undefined, 200);
  check('one alone agrees with nobody', agreed.turns === 0);
  const undone = await ask('POST', '/v1/labels/undo', undefined, 200);
  check('it is taken back', undone.taken_back === given.labels);
  const entry = `/v1/cache/understandings/${'0a'.repeat(32)}`;
  const understanding = { calls: [{ name: 'goodbye', arguments: {}, confidence: 0.9 }], confidence: 0.9, made_by: 'model', model: 'a', transcript: 'hello there' };
  await ask('GET', entry, undefined, 404);
  await ask('PUT', entry, { understanding, ttl_ms: 60000, tags: ['banking'] }, 204);
  const found = await ask('GET', entry, undefined, 200);
  check('what was kept is found', JSON.stringify(found).includes('goodbye'));
  await ask('PUT', entry, { understanding }, 400);
  await ask('GET', '/v1/cache/understandings/x', undefined, 400);
  const counts = await ask('GET', '/v1/cache/understandings', undefined, 200);
  check('it is counted', counts.entries === 1);
  const forgotten = await ask('DELETE', '/v1/cache/understandings?tag=banking', undefined, 200);
  check('a tag is forgotten', forgotten.removed === 1);
  const begun = await ask('POST', '/v1/sessions', { workflow: 'banking' }, 201);
  const at = `/v1/sessions/${begun.id}`;
  await ask('GET', '/v1/sessions', undefined, 200);
  for (const text of ['transfer 200 dollars from checking to savings', 'yes', 'i want a pony', 'what is my savings balance']) {
    await ask('POST', `${at}/turns`, { text }, 200);
  }
  await ask('POST', `${at}/turns`, { silence: true }, 200);
  await ask('POST', `${at}/turns`, { text: 'what is my checking balance' }, 200, { 'Idempotency-Key': 'one' });
  await ask('POST', `${at}/turns`, { text: 'what is my checking balance' }, 200, { 'Idempotency-Key': 'one' });
  await ask('POST', `${at}/turns`, { text: 'something else' }, 422, { 'Idempotency-Key': 'one' });
  for (const wrong of ['{', '[]', '{}', '{"text":3}', '{"txt":"a"}', '{"text":"a","silence":true}', '{"text":"  "}']) {
    await ask('POST', `${at}/turns`, wrong, 400);
  }
  await ask('POST', `${at}/turns`, { text: 'a'.repeat(1 << 21) }, 413);
  await ask('GET', at, undefined, 200);
  const events = await ask('GET', `${at}/events`, undefined, 200, { 'Last-Event-ID': '0' });
  const reader = events.body.getReader();
  let seen = '';
  while (!seen.includes('id: 3')) seen += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  check('events are told from the first on', seen.startsWith('id: 1\nevent: turn\ndata: {'));
  await ask('GET', `${at}/events`, undefined, 400, { 'Last-Event-ID': 'x' });
  await ask('POST', `${at}/hand-off`, { reason: 'a supervisor' }, 200);
  await ask('GET', at, undefined, 404);
  await ask('POST', '/v1/sessions', { workflow: 'nobody' }, 404);
  const second = await ask('POST', '/v1/sessions', {}, 201);
  await ask('POST', `/v1/sessions/${second.id}/turns`, { text: 'i want to talk to a human' }, 200);
  await ask('DELETE', `/v1/sessions/${second.id}`, undefined, 204);
  await ask('DELETE', `/v1/sessions/${second.id}`, undefined, 404);
  const uuid = '/v1/calls/5f0c2a7e-90a1-4d7c-8f6d-0a4c1b2d3e4f';
  await ask('GET', uuid, undefined, 404);
  await ask('PUT', uuid, { workflow: 'banking', caller: { customer: '1', address: '+15550100' } }, 200);
  await ask('PUT', uuid, { workflow: 'nobody' }, 404);
  await ask('PUT', uuid, { caler: {} }, 400);
  await ask('GET', uuid, undefined, 200);
  await ask('GET', '/v1/specialists', undefined, 200);
  const told = await ask('POST', '/v1/extract', { specialist: 'date', input: ['the 3rd of may 2021', 'may I'] }, 200);
  check('days are found', told.results[0].found[0].value === '2021-05-03' && told.results[1].found.length === 0);
  await ask('POST', '/v1/classify', { specialist: 'escalation_risk', input: 'let me talk to a person' }, 200);
  await ask('POST', '/v1/classify', { specialist: 'date', input: 'x' }, 400);
  await ask('POST', '/v1/classify', { specialist: '../x', input: 'x' }, 404);
  await ask('POST', '/v1/extract', { specialist: 'date', input: [] }, 400);
  await ask('POST', '/v1/embeddings', '{"input": 3}', 400);
  await ask('POST', '/v1/tokens', undefined, 201);
  await ask('POST', '/v1/reload', undefined, 200);
  await ask('GET', '/metrics', undefined, 200);
  const all = Object.values(api.paths).flatMap((one) => Object.values(one)).map((operation) => operation.operationId).filter(Boolean);
  check(`every operation was called: ${all.filter((one) => !called.has(one))}`, all.every((one) => called.has(one)));
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
