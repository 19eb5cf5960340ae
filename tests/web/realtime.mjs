// Clients of the Realtime interface, unchanged: node realtime.mjs SOTTO WORKFLOW OUT, with the npm package @openai/agents over
// its own WebSocket transport. Typed turns that a workflow answers, and ones that a language model does with the client's
// tools; with a machine to itself also spoken ones.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { check, inRealTime, serve, sleep, until } from './serve.mjs';
import { recorded } from './voice.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebSocket, tool } = require('@openai/agents/realtime');
const { z } = require('zod');
const WebSocket = require('ws');
mkdirSync(out, { recursive: true });

const { url, server } = await serve(sotto, workflow, '--recognizer', 'pocketsphinx', '--model', 'words=random:10m:Q8_0');
const addressOf = (model) => `${url.replace('http', 'ws')}/v1/realtime?model=${model}`;
const address = addressOf('banking');

// Plain messages first: what a mistake is answered with.
async function plain(messages, wanted, at = address) {
  const socket = new WebSocket(at);
  const events = [];
  socket.on('message', (bytes) => events.push(JSON.parse(bytes)));
  await until('a first event', () => events.length > 0);
  for (const message of messages) socket.send(message);
  await until(`an answer (${wanted})`, () => events.some((event) => event.error?.code === wanted));
  socket.close();
  return events;
}

// The client's own tools, called by a language model of random weights: what it says is noise, but how it is asked, calls and is
// answered is not.
async function withTools() {
  const lights = [];
  const setLight = tool({
    name: 'set_light', description: 'Sets a light', parameters: z.object({ level: z.number().int().min(0).max(9) }),
    execute: async ({ level }) => { lights.push(level); return `the light is at ${level}`; },
  });
  const agent = new RealtimeAgent({ name: 'home', instructions: 'You are a house.', tools: [setLight] });
  const session = new RealtimeSession(agent, {
    transport: new OpenAIRealtimeWebSocket({ url: addressOf('words') }), model: 'words', config: { outputModalities: ['text'], toolChoice: 'required' },
  });
  const errors = [];
  const done = [];
  session.on('error', (error) => errors.push(error));
  session.transport.on('*', (event) => {
    if (event.type === 'response.done') done.push(event.response);
    // Called once: from then on it speaks.
    if (event.type === 'response.function_call_arguments.done') session.transport.sendEvent({ type: 'session.update', session: { type: 'realtime', tool_choice: 'none', max_output_tokens: 12 } });
  });
  await session.connect({ apiKey: 'none' });
  // Noise would go on after the call until the context is full.
  session.transport.sendEvent({ type: 'session.update', session: { type: 'realtime', max_output_tokens: 80 } });
  session.sendMessage('make it bright');
  await until('the model calls the client\'s tool', () => lights.length === 1, 60000);
  check(`with arguments that fit its schema (${lights})`, Number.isInteger(lights[0]) && lights[0] >= 0 && lights[0] <= 9);
  await until('and speaks when it has the result', () => done.length === 2, 60000);
  check('in an item of the conversation', done[1].output[0].type === 'message' && done[1].usage.output_tokens === 12);
  check('which stands in the history', session.history.some((item) => item.role === 'assistant' && item.itemId === done[1].output[0].id));
  check(`the call stands there with its result`, session.history.some((item) => item.type === 'function_call' && item.name === 'set_light' && /the light is at/.test(item.output)));
  check(`tools stand in the prompt where they may be called (${done[0].usage.input_tokens} and ${done[1].usage.input_tokens} tokens)`, done[0].usage.input_tokens > done[1].usage.input_tokens && done[1].usage.input_tokens > 0);
  check(`no errors (${JSON.stringify(errors)})`, errors.length === 0);
  session.close();
}

// The same aloud.
async function withVoice() {
  const socket = new WebSocket(addressOf('words'));
  const events = [];
  let sound = 0;
  socket.on('message', (bytes) => {
    const event = JSON.parse(bytes);
    events.push(event);
    if (event.type === 'response.output_audio.delta') sound += event.delta.length;
  });
  const send = (event) => socket.send(JSON.stringify(event));
  const of = (type) => events.filter((event) => event.type === type);
  await until('a session that can speak', () => of('session.created')[0]?.session.output_modalities[0] === 'audio');
  send({ type: 'session.update', session: { type: 'realtime', instructions: 'Be brief.', max_output_tokens: 24 } });
  send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] } });
  send({ type: 'response.create' });
  await until('sound of an answer', () => sound > 4000, 60000);
  send({ type: 'response.create' });
  send({ type: 'response.cancel' });
  await until('it is broken off', () => of('response.done').length === 1);
  check('and says so', of('response.done')[0].response.status === 'cancelled' && of('response.done')[0].response.output[0].status === 'incomplete');
  check(`no errors (${JSON.stringify(of('error'))})`, of('error').length === 0);
  socket.close();
}

let failed = false;
try {
  const events = await plain(['{"type": "nonsense", "event_id": "mine"}', 'no json'], 'unknown_event');
  check('a mistake names its event', events.some((event) => event.error?.event_id === 'mine'));
  await plain(['{"type": "input_audio_buffer.append", "audio": "%%%"}'], 'invalid_value');
  await plain(['{"type": "conversation.item.retrieve", "item_id": "item_x"}'], 'item_not_found');

  await plain([], 'model_not_found', addressOf('gpt-4o'));
  await plain(['{"type": "response.cancel"}'], 'response_cancel_not_active', addressOf('words'));
  await plain(['{"type": "session.update", "session": {"type": "realtime", "tool_choice": "required"}}'], 'invalid_value', addressOf('words'));
  await withTools();
  await withVoice();
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
