// pipecat's client, unchanged: node rtvi.mjs SOTTO WORKFLOW OUT, with the npm packages @pipecat-ai/client-js and
// @pipecat-ai/websocket-transport in Debian's Chromium. Typed turns; with a machine to itself also spoken ones.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { check, inRealTime, serve, sleep, until } from './serve.mjs';
import { microphoneOf, recorded } from './voice.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { chromium } = require('playwright-core');
const { buildSync } = require('esbuild');
mkdirSync(out, { recursive: true });

const TRANSFER = 'transfer two hundred dollars from checking to savings';
const BALANCE = "what's my checking balance";

// The application that somebody would write: the client, and a note of everything that it tells.
const application = `
import { PipecatClient, RTVIMessage } from '@pipecat-ai/client-js';
import { WavMediaManager, WebSocketTransport } from '@pipecat-ai/websocket-transport';
window.told = [];
const note = (what) => (data) => window.told.push({ what, data: data === undefined ? null : JSON.parse(JSON.stringify(data)) });
const names = ['onConnected', 'onDisconnected', 'onError', 'onTransportStateChanged', 'onBotReady', 'onMetrics', 'onServerMessage',
  'onMessageError', 'onUserStartedSpeaking', 'onUserStoppedSpeaking', 'onBotStartedSpeaking', 'onBotStoppedSpeaking', 'onUserTranscript',
  'onUserLlmText', 'onBotOutput', 'onBotTranscript', 'onBotLlmText', 'onBotLlmStarted', 'onBotLlmStopped', 'onBotTtsText', 'onBotTtsStarted',
  'onBotTtsStopped', 'onLLMFunctionCallStarted', 'onLLMFunctionCallInProgress', 'onLLMFunctionCallStopped'];
window.newClient = () => {
  const transport = new WebSocketTransport({ mediaManager: new WavMediaManager(512, 16000) });
  window.client = new PipecatClient({ transport, enableMic: true, enableCam: false,
    callbacks: Object.fromEntries(names.map((name) => [name, note(name)])) });
};
window.raw = (type, data) => window.client.transport.sendMessage(new RTVIMessage(type, data));
`;
const { outputFiles } = buildSync({
  stdin: { contents: application, resolveDir: process.cwd() }, bundle: true, write: false, format: 'iife', platform: 'browser', logLevel: 'error',
});

const { url, server } = await serve(sotto, workflow, '--recognizer', 'pocketsphinx');
const wsOf = (address) => `${address.replace('http', 'ws')}/v1/rtvi?workflow=banking`;
const wsUrl = wsOf(url);

const browser = await chromium.launch({
  executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync),
  args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required'],
});

async function opened(sentences, url) {
  const page = await (await browser.newContext({ permissions: ['microphone'] })).newPage();
  page.heard = 0;
  page.elsewhere = [];
  page.on('pageerror', (error) => console.log(`  page: ${error.message}`));
  page.on('request', (request) => { if (!request.url().startsWith(url) && !request.url().startsWith('blob:') && !request.url().startsWith('data:')) page.elsewhere.push(request.url()); });
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => { if (typeof payload !== 'string') page.heard += payload.length; }));
  await page.addInitScript(microphoneOf, sentences);
  // A page of the server's origin that has no policy of its own; one that playwright makes up may not ask this machine.
  await page.goto(`${url}/healthz`);
  await page.addScriptTag({ content: outputFiles[0].text });
  await page.evaluate(() => window.newClient());
  return page;
}

// All that was told so far of this kind.
const told = (page, what) => page.evaluate((name) => window.told.filter((one) => one.what === name).map((one) => one.data), what);
async function awaited(page, what, holds, label = what, ms = 60000) {
  const end = Date.now() + ms;
  for (;;) {
    const all = await told(page, what);
    if (all.some(holds)) { check(label, true); return all.find(holds); }
    if (Date.now() > end) throw new Error(`not in time: ${label}: ${JSON.stringify(await page.evaluate(() => window.told.slice(-12)))}`);
    await sleep(30);
  }
}
const connect = (page, parameters) => page.evaluate((given) => window.client.connect(given).then((ready) => ({ ready }), (error) => ({ error: String(error) })), parameters);

async function typed() {
  const page = await opened({}, url);
  const { ready, error } = await connect(page, { wsUrl });
  check(`bot-ready: ${JSON.stringify(ready ?? error)}`, ready?.version === '2.1.0' && ready.about.workflow === 'banking');
  check('the client is ready', (await page.evaluate(() => window.client.state)) === 'ready');
  await awaited(page, 'onBotTranscript', (data) => /Welcome/.test(data.text), 'it greets');
  await awaited(page, 'onBotStartedSpeaking', () => true, 'and is heard');
  await page.evaluate(() => window.client.sendText('what is in my savings account'));
  await awaited(page, 'onUserLlmText', (data) => data.text === 'what is in my savings account', 'what is typed is understood');
  const balance = await awaited(page, 'onBotOutput', (data) => /savings.*\$/i.test(data.text), 'a typed turn is answered');
  check('and will be spoken', balance.will_be_spoken === true && balance.spoken_status === 'new');
  const call = await awaited(page, 'onLLMFunctionCallStopped', (data) => data.function_name === 'check_balance', 'by a function that was called');
  check(`its result is told: ${JSON.stringify(call.result)}`, call.result.ok === true && call.cancelled === false);
  await awaited(page, 'onBotTtsText', (data) => /savings/i.test(data.text), 'the words that are spoken are told');
  await awaited(page, 'onServerMessage', (data) => data.type === 'state', 'the state of the dialogue is told');
  await page.evaluate(() => window.client.sendText('move twenty dollars from checking to savings'));
  await awaited(page, 'onBotOutput', (data) => /^Transfer \$20/.test(data.text), 'what moves money is read back');
  await awaited(page, 'onBotTtsText', (data) => /^Transfer \$20/.test(data.text), 'aloud');
  await page.evaluate(() => window.client.sendText('yes', { audio_response: false }));
  const done = await awaited(page, 'onBotOutput', (data) => /Transferred \$20/.test(data.text), 'and done after a yes');
  check('in silence, as asked', done.will_be_spoken === false && !(await told(page, 'onBotTtsText')).some((data) => /Transferred/.test(data.text)));
  await awaited(page, 'onBotOutput', (data) => data.spoken_status === 'in-progress' && /^Transfer/.test(data.text), 'what was broken off says how far it came');
  const state = await page.evaluate(() => window.client.sendClientRequest('state', {}));
  check('a request is answered', state.tasks?.some((task) => task.tool === 'transfer_money' && task.status === 'done'));
  const refused = await page.evaluate(() => window.client.sendClientRequest('fly', {}).then(() => '', (reason) => reason.data.error));
  check(`a request that nobody knows: ${refused}`, /fly/.test(refused));
  await page.evaluate(() => window.raw('nonsense', {}));
  await awaited(page, 'onMessageError', (message) => /nonsense/.test(message.data.error), 'a mistake is answered in RTVI\'s own form');
  await page.evaluate(() => window.client.sendDTMF('5#'));
  await awaited(page, 'onUserLlmText', (data) => data.text === '5', 'keys are heard');
  await awaited(page, 'onMetrics', (data) => data.processing.length > 0, 'times are told');
  check(`sound came (${page.heard} bytes)`, page.heard > 24000);
  check(`nothing was asked of anybody else: ${page.elsewhere}`, page.elsewhere.length === 0);
  check(`no errors (${JSON.stringify(await told(page, 'onError'))})`, (await told(page, 'onError')).length === 0);
  await page.evaluate(() => window.client.disconnect());
  await awaited(page, 'onDisconnected', () => true, 'it disconnects');
  // The bot is sent away instead: it says that it ended.
  await page.evaluate(() => window.newClient());
  check('a second conversation', (await connect(page, { wsUrl })).ready?.version === '2.1.0');
  await page.evaluate(() => window.client.disconnectBot());
  await awaited(page, 'onServerMessage', (data) => data.type === 'ended' && data.reason === 'hung_up', 'the bot leaves when asked');
  await page.context().close();
}

// Where there are keys, a token goes where the client puts it.
async function keyed() {
  const keys = path.join(out, 'rtvi-keys.json');
  rmSync(keys, { force: true });
  const newKey = (name, scopes) => execFileSync(sotto, ['keys', 'add', name, '--file', keys, '--scope', scopes], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const talker = newKey('talker', 'talk');
  const reader = newKey('reader', 'metrics');
  const guarded = await serve(sotto, workflow, '--recognizer', 'pocketsphinx', '--keys', keys);
  const answer = await fetch(`${guarded.url}/v1/tokens`, { method: 'POST', headers: { Authorization: `Bearer ${talker}` } });
  const { token } = await answer.json();
  const address = wsOf(guarded.url);
  const page = await opened({}, guarded.url);
  for (const [what, given] of [['a wrong token', { wsUrl: address, token: 'no.such.token' }], ['no token', { wsUrl: address }], ['a key without the right', { wsUrl: address, token: reader }], ['an unknown workflow', { wsUrl: address.replace('banking', 'fishing'), token }]]) {
    const { error } = await connect(page, given);
    check(`${what} is refused: ${error}`, error !== undefined);
    await page.evaluate(() => window.newClient());
  }
  const { ready, error } = await connect(page, { wsUrl: address, token });
  check(`a token of POST /v1/tokens opens it: ${error ?? ready.version}`, ready?.version === '2.1.0');
  await page.evaluate(() => window.client.disconnect());
  await page.context().close();
  guarded.server.kill('SIGTERM');
  await new Promise((resolve) => { guarded.server.on('exit', resolve); });
  check('neither token nor key is in what the server writes', !guarded.output().includes(token) && !guarded.output().includes(talker));
}

async function spoken() {
  const sentences = Object.fromEntries([BALANCE, TRANSFER, 'yes please'].map((sentence) => [sentence, recorded(sotto, workflow, out, sentence)]));
  const page = await opened(sentences, url);
  const say = (sentence) => page.evaluate((one) => window.sayAloud(one), sentence);
  await connect(page, { wsUrl });
  await awaited(page, 'onBotTtsText', (data) => /Welcome/.test(data.text), 'it greets aloud');
  await sleep(1000);
  await say(BALANCE);
  await awaited(page, 'onUserStartedSpeaking', () => true);
  await awaited(page, 'onUserTranscript', (data) => !data.final, 'words as they come');
  await awaited(page, 'onUserStoppedSpeaking', () => true);
  await awaited(page, 'onUserTranscript', (data) => data.final && /balance/.test(data.text), 'and as they stand');
  await awaited(page, 'onBotOutput', (data) => data.spoken_status === 'in-progress' && /Welcome/.test(data.text), 'the greeting was interrupted');
  await awaited(page, 'onBotTtsText', (data) => /balance/i.test(data.text), 'it answers aloud');
  await awaited(page, 'onBotOutput', (data) => data.spoken_status === 'completed' && /balance/i.test(data.text), 'to the end');
  await sleep(1500);
  await say(TRANSFER);
  await awaited(page, 'onBotTtsText', (data) => /^Transfer \$200/.test(data.text), 'a transfer is read back');
  await sleep(5000);
  await say('yes please');
  await awaited(page, 'onLLMFunctionCallStopped', (data) => data.function_name === 'transfer_money' && data.result.ok, 'and done');
  await page.evaluate(() => window.client.disconnect());
  await page.context().close();
}

let failed = false;
try {
  await typed();
  await keyed();
  if (inRealTime('what is spoken to pipecat\'s client')) await spoken();
} catch (error) {
  console.error(error);
  failed = true;
}
await browser.close();
server.kill('SIGTERM');
await new Promise((resolve) => { server.on('exit', resolve); });
process.exit(failed ? 1 : 0);
