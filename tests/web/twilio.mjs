// Calls of Twilio's: node twilio.mjs SOTTO WORKFLOW OUT. Requests are signed by Twilio's own package; its side of the
// media stream is played here, in real time, with a recorded voice.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { check, inRealTime, serve, sleep, until } from './serve.mjs';
import { muLaw, recorded, silence } from './voice.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { getExpectedTwilioSignature, getExpectedBodyHash } = require('twilio/lib/webhooks/webhooks');
const { WebSocket } = require('ws');
mkdirSync(out, { recursive: true });

const TOKEN = '12345678901234567890123456789012';
const PUBLIC = 'https://voice.example';
const turns = path.join(out, 'twilio-turns.jsonl');
rmSync(turns, { force: true });

process.env.SOTTO_TWILIO_TOKEN = TOKEN;
const { url, server } = await serve(sotto, workflow, '--recognizer', 'pocketsphinx', '--public-url', `${PUBLIC}/`, '--person', '+15550123', '--turns', turns);

async function webhook(where, form, headers) {
  const signature = getExpectedTwilioSignature(TOKEN, PUBLIC + where, form);
  const answer = await fetch(url + where, { method: 'POST', body: new URLSearchParams(form), headers: { 'X-Twilio-Signature': signature, ...headers } });
  return { status: answer.status, text: await answer.text() };
}

async function ticket(call) {
  const { status, text } = await webhook('/v1/twilio/voice?workflow=banking', { CallSid: call, From: '+15550100', To: '+15550199', Caller: 'Zoë & sons' });
  check('a signed call is connected to a stream', status === 200 && text.includes('<Stream url="wss://voice.example/v1/twilio/media">'));
  return text.match(/name="token" value="([^"]+)"/)[1];
}

// One side of a stream.
async function stream(call, token, headers = { 'X-Twilio-Signature': getExpectedTwilioSignature(TOKEN, 'wss://voice.example/v1/twilio/media', {}) }) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/twilio/media`, { headers });
  const one = { messages: [], closed: null, heard: 0, queue: Buffer.alloc(0) };
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    one.messages.push(message);
    if (message.event === 'media') one.heard += Buffer.from(message.media.payload, 'base64').length;
  });
  socket.on('close', (code) => { one.closed = code; clearInterval(one.timer); });
  socket.on('error', () => {});
  socket.on('unexpected-response', (_request, answer) => { one.closed = answer.statusCode; answer.destroy(); });
  await until('the stream is open, or refused', () => socket.readyState === WebSocket.OPEN || one.closed);
  if (one.closed) return one;
  const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
  send({ event: 'connected', protocol: 'Call', version: '1.0.0' });
  send({ event: 'start', sequenceNumber: '1', streamSid: 'MZ1', start: { accountSid: 'AC1', streamSid: 'MZ1', callSid: call, tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters: { token } } });
  one.say = (samples) => { one.queue = Buffer.concat([one.queue, muLaw([...samples, ...silence(0.2)])]); };
  one.send = send;
  one.end = () => socket.close();
  one.silentMs = () => Date.now() - (one.last || 0);
  let sequence = 1;
  let sent = 0;
  const began = Date.now();
  one.timer = setInterval(() => {
    for (; sent * 20 < Date.now() - began; ++sent) {
      const audio = Buffer.alloc(160, 0xff);
      one.queue.copy(audio, 0, 0, 160);
      one.queue = one.queue.subarray(160);
      send({ event: 'media', sequenceNumber: String(++sequence), streamSid: 'MZ1', media: { track: 'inbound', chunk: String(sequence), timestamp: String(sent * 20), payload: audio.toString('base64') } });
    }
  }, 10);
  socket.on('message', (data) => { if (JSON.parse(data).event === 'media') one.last = Date.now(); });
  return one;
}

const listen = async (one, what) => {
  const before = one.heard;
  await until(`Sotto is heard ${what}`, () => one.heard > before + 4000);
  await until('and has finished', () => one.silentMs() > 900);
};
const callOf = async (id) => (await fetch(`${url}/v1/calls/${id}`)).json();
const records = () => readFileSync(turns, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));

async function speak() {
  const sentence = (text) => recorded(sotto, workflow, out, text);
  const transfer = sentence('transfer two hundred dollars from checking to savings');
  const yes = sentence('yes please');
  const human = sentence('i want to talk to a human');
  const token = await ticket('CA3');
  const one = await stream('CA3', token);
  await listen(one, 'greeting');
  const again = await stream('CA3', token);
  await until('a token opens one stream alone', () => again.closed === 1008);
  one.say(transfer);
  await listen(one, 'reading back');
  one.say(yes);
  await listen(one, 'telling that it is done');
  const spoken = records().filter((record) => record.outcome === 'handled' && record.understood);
  check('the transfer was understood', spoken.some((record) => record.understood.calls[0].name === 'transfer_money' && record.understood.calls[0].arguments.amount === 200));
  check('and done', records().some((record) => record.actions.length > 0));
  check('the record says which number called', spoken[0].caller.address === '+15550100');
  one.send({ event: 'stop', streamSid: 'MZ1', stop: { accountSid: 'AC1', callSid: 'CA3' } });
  one.end();
  await sleep(300);
  check('it is known how the call ended', (await callOf('CA3')).reason === 'hung_up');
  check('and nothing more is done', (await webhook('/v1/twilio/ended', { CallSid: 'CA3' })).text.includes('<Hangup/>'));

  const two = await stream('CA4', await ticket('CA4'));
  await until('the greeting begins', () => two.heard > 3000);
  two.say(human);
  await until('who is interrupted forgets what it was about to say', () => two.messages.some((message) => message.event === 'clear'));
  await until('the last words are marked', () => two.messages.some((message) => message.event === 'mark'), 40000);
  check('nobody is cut off before they were played', two.closed === null);
  two.send({ event: 'mark', streamSid: 'MZ1', mark: { name: two.messages.find((message) => message.event === 'mark').mark.name } });
  await until('then the stream is closed', () => two.closed === 1000);
  check('and a person is dialled', (await webhook('/v1/twilio/ended', { CallSid: 'CA4' })).text.includes('<Dial>+15550123</Dial>'));
}

let failed = false;
try {
  const form = { CallSid: 'CA0' };
  check('without a signature: 403', (await fetch(`${url}/v1/twilio/voice`, { method: 'POST', body: new URLSearchParams(form) })).status === 403);
  check('with another form\'s: 403', (await webhook('/v1/twilio/voice', form, { 'X-Twilio-Signature': getExpectedTwilioSignature(TOKEN, `${PUBLIC}/v1/twilio/voice`, { CallSid: 'CA1' }) })).status === 403);
  check('with another token\'s: 403', (await webhook('/v1/twilio/voice', form, { 'X-Twilio-Signature': getExpectedTwilioSignature('x', `${PUBLIC}/v1/twilio/voice`, form) })).status === 403);
  const body = JSON.stringify({ CallSid: 'CA0' });
  for (const [hash, status] of [[getExpectedBodyHash(body), 200], [getExpectedBodyHash('{}'), 403]]) {
    const where = `/v1/twilio/ended?bodySHA256=${hash}`;
    const answer = await fetch(url + where, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'X-Twilio-Signature': getExpectedTwilioSignature(TOKEN, PUBLIC + where, {}) } });
    check(`a body's SHA-256: ${status}`, answer.status === status);
  }
  check('a stream without a signature: 403', (await stream('CA1', 'x', {})).closed === 403);
  const guessed = await stream('CA1', 'guessed');
  await until('a guessed token opens nothing', () => guessed.closed === 1008);
  const stolen = await ticket('CA2');
  const other = await stream('CA1', stolen);
  await until('nor does another call\'s', () => other.closed === 1008);

  if (inRealTime('what is spoken over streams')) await speak();
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
