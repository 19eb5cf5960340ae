// What people say and who they are stays out of logs and metrics, whatever goes wrong: node canary.mjs SOTTO WORKFLOW OUT.
// Words that nothing else contains are said, sent, misspelt and refused; then all that the server wrote and counts is
// searched for them, with the log at its most talkative.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { check, serve, sleep, until } from './serve.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { WebSocket } = require('ws');
mkdirSync(out, { recursive: true });

const NAME = 'Canarella';
const AMOUNT = '7321.45';
const DIGITS = '9074';
const CUSTOMER = 'canary-customer';
const NUMBER = '+15550198765';
const SECRET = 'canarysecret';
const canaries = [NAME, AMOUNT, '7,321', DIGITS, CUSTOMER, NUMBER, SECRET, 'canary', 'seven three two one'];

const keys = path.join(out, 'canary-keys.json');
rmSync(keys, { force: true });
const key = execFileSync(sotto, ['keys', 'add', 'tester', '--file', keys, '--scope', 'talk,vouch,metrics,admin'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
canaries.push(key, key.split('_').pop());
process.env.SOTTO_LOG = 'trace';
process.env.SOTTO_TWILIO_TOKEN = `${SECRET}-twilio`;
const { url, server, output } = await serve(sotto, workflow, '--text-only', '--keys', keys, '--audio-socket', '0', '--public-url', 'https://voice.example');
const phone = Number(output().match(/AudioSocket is at \S+:(\d+)/)[1]);

const ask = async (method, where, body, headers = { Authorization: `Bearer ${key}` }) => {
  const answer = await fetch(url + where, { method, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body), headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } });
  return { status: answer.status, text: await answer.text() };
};

let failed = false;
try {
  const begun = await ask('POST', '/v1/sessions', { workflow: 'banking', caller: { customer: CUSTOMER, address: NUMBER } });
  check('a session', begun.status === 201);
  const { id } = JSON.parse(begun.text);
  let answered = '';
  for (const text of [`pay ${NAME} ${AMOUNT} dollars from checking`, 'yes', `block the card ending in ${DIGITS}`, 'yes', `my name is ${NAME} and my card is ${DIGITS}`, `transfer ${AMOUNT} from checking to savings`, 'yes', 'canary '.repeat(200)]) {
    const answer = await ask('POST', `/v1/sessions/${id}/turns`, { text });
    check(`"${text.slice(0, 30)}": ${answer.status}`, answer.status === 200);
    answered += answer.text;
  }
  check('the canaries were understood, not only sent', answered.includes(DIGITS) && answered.includes('7321.45'));

  // What is refused.
  await ask('POST', `/v1/sessions/${id}/turns`, `{"text": "${NAME} ${AMOUNT}`);
  await ask('POST', `/v1/sessions/${id}/turns`, { [NAME]: DIGITS });
  await ask('POST', '/v1/sessions', { workflow: NAME });
  await ask('GET', `/v1/${NAME}/${DIGITS}?name=${NAME}`);
  await ask('GET', `/v1/sessions/${NAME}`);
  await ask('GET', `/v1/calls/${NAME}`);
  await ask('PUT', `/v1/calls/${DIGITS}`, { caller: { customer: CUSTOMER, address: NUMBER } });
  for (const wrong of [`Bearer ${SECRET}`, `Bearer sotto_abcdefgh_${SECRET}`, `Basic ${SECRET}`, `Bearer ${SECRET}.${SECRET}.${SECRET}`]) {
    check('a wrong key', (await ask('GET', '/v1/sessions', undefined, { Authorization: wrong })).status === 401);
  }
  await ask('POST', '/v1/twilio/voice', `From=${NUMBER}&CallSid=${NAME}`, { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': SECRET });
  for (const message of [`{"type":"start","token":"${SECRET}"}`, `{"type":"start","workflow":"${NAME}","token":"${key}"}`, `{"type":"${NAME}"}`, `${NAME}{`, '{"type":"start","input":"canary/8000"}']) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/voice`);
    let told = false;
    socket.on('message', () => { told = true; });
    socket.on('open', () => socket.send(message));
    await until(`a wrong message is answered: ${message.slice(0, 16)}`, () => told);
    socket.terminate();
  }
  for (const bytes of [`${NAME} ${DIGITS}`, `\x01\x00\x10${NAME}1234567`]) {
    await new Promise((resolve) => { net.connect(phone, '127.0.0.1').on('connect', function write() { this.write(bytes, 'latin1'); }).on('close', resolve).on('error', resolve).setTimeout(4000, function end() { this.destroy(); }); });
  }
  const metrics = (await ask('GET', '/metrics')).text;
  check('there are metrics', metrics.includes('sotto_turns_total'));
  server.kill('SIGHUP');
  await sleep(1500);
  check('a reload', output().includes('reloaded'));
  server.kill('SIGTERM');
  await until('it stops', () => server.exitCode !== null);
  for (const canary of canaries) {
    check(`not in the metrics: ${canary.slice(0, 12)}`, !metrics.toLowerCase().includes(canary.toLowerCase()));
    check(`not in what was written: ${canary.slice(0, 12)}`, !output().toLowerCase().includes(canary.toLowerCase()));
  }
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
