// Clients of the Realtime interface, unchanged: node realtime.mjs SOTTO WORKFLOW OUT, with the npm package @openai/agents over
// its own WebSocket transport. Typed turns; with a machine to itself also a spoken one.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { check, inRealTime, serve, sleep, until } from './serve.mjs';
import { recorded } from './voice.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebSocket } = require('@openai/agents/realtime');
const WebSocket = require('ws');
mkdirSync(out, { recursive: true });

const { url, server } = await serve(sotto, workflow, '--recognizer', 'pocketsphinx');
const address = `${url.replace('http', 'ws')}/v1/realtime?model=banking`;

// Plain messages first: what a mistake is answered with.
async function plain(messages, wanted) {
  const socket = new WebSocket(address);
  const events = [];
  socket.on('message', (bytes) => events.push(JSON.parse(bytes)));
  await until('session.created', () => events.some((event) => event.type === 'session.created'));
  for (const message of messages) socket.send(message);
  await until(`an answer (${wanted})`, () => events.some((event) => event.error?.code === wanted));
  socket.close();
  return events;
}

let failed = false;
try {
  const events = await plain(['{"type": "nonsense", "event_id": "mine"}', 'no json'], 'unknown_event');
  check('a mistake names its event', events.some((event) => event.error?.event_id === 'mine'));
  await plain(['{"type": "input_audio_buffer.append", "audio": "%%%"}'], 'invalid_value');
  await plain(['{"type": "conversation.item.retrieve", "item_id": "item_x"}'], 'item_not_found');

  const agent = new RealtimeAgent({ name: 'bank', instructions: 'answer' });
  const session = new RealtimeSession(agent, { transport: new OpenAIRealtimeWebSocket({ url: address }), model: 'banking' });
  const errors = [];
  let sound = 0;
  session.on('error', (error) => errors.push(error));
  session.on('audio', (event) => { sound += event.data.byteLength; });
  await session.connect({ apiKey: 'none' });
  const texts = (role) => session.history.filter((item) => item.role === role && item.status !== 'in_progress')
    .map((item) => item.content.map((part) => part.text ?? part.transcript ?? '').join(' '));
  await until('it greets', () => texts('assistant').length === 1);
  session.sendMessage('what is in my savings account');
  await until('a typed turn is answered', () => texts('assistant').some((text) => /savings.*\$/i.test(text)), 60000);
  check('and stands in the history', texts('user').includes('what is in my savings account'));
  check(`sound was sent (${sound} bytes)`, sound > 24000);
  session.sendMessage('move twenty dollars from checking to savings');
  await until('what moves money is read back', () => texts('assistant').some((text) => /^Transfer \$20/.test(text)), 60000);
  session.interrupt();
  session.sendMessage('yes');
  await until('and done after a yes', () => texts('assistant').some((text) => /Transferred \$20/.test(text)), 60000);
  if (inRealTime('a spoken turn over the Realtime interface')) {
    const samples = recorded(sotto, workflow, out, 'what is my checking balance');
    // 16 kHz to 24 kHz: between samples in a straight line.
    const pcm = Int16Array.from({ length: Math.floor(samples.length * 1.5) - 2 }, (_, i) => {
      const at = Math.floor(i / 1.5);
      return Math.round(samples[at] + (samples[at + 1] - samples[at]) * (i / 1.5 - at));
    });
    for (let at = 0; at < pcm.length; at += 480) { session.sendAudio(pcm.slice(at, at + 480).buffer); await sleep(20); }
    const silence = new ArrayBuffer(960);
    for (let i = 0; i < 100; ++i) { session.sendAudio(silence); await sleep(20); }
    await until('a spoken turn is answered', () => texts('assistant').some((text) => /checking.*\$/i.test(text)), 60000);
  }
  check(`no errors (${JSON.stringify(errors)})`, errors.length === 0);
  session.close();
} catch (error) {
  console.error(error);
  failed = true;
}
server.kill('SIGTERM');
await new Promise((resolve) => { server.on('exit', resolve); });
process.exit(failed ? 1 : 0);
