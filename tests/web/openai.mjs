// Programs written for the OpenAI interface, unchanged: node openai.mjs SOTTO WORKFLOW OUT, with the npm package `openai`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { check, serve } from './serve.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { OpenAI, toFile } = require('openai');
mkdirSync(out, { recursive: true });

const keys = path.join(out, 'openai-keys.json');
rmSync(keys, { force: true });
const newKey = (name, scopes) => execFileSync(sotto, ['keys', 'add', name, '--file', keys, '--scope', scopes], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const apiKey = newKey('program', 'models');
const talker = newKey('talker', 'talk');
const { url, server } = await serve(sotto, workflow, '--keys', keys, '--recognizer', 'pocketsphinx', '--model', 'words=random:smollm2-135m:Q8_0');
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

async function refused(what, status, ask) {
  try {
    await ask();
  } catch (error) {
    check(`${what}: ${error.status} ${error.message}`, error.status === status && error.message.length > 20);
    return error;
  }
  throw new Error(`not refused: ${what}`);
}

const tools = [
  { type: 'function', function: { name: 'transfer_money', description: 'Transfer money between the user\'s own accounts', parameters: { type: 'object', properties: { amount: { type: 'number' }, from_account: { type: 'string', enum: ['checking', 'savings'] }, to_account: { type: 'string', enum: ['checking', 'savings'] } } } } },
  { type: 'function', function: { name: 'check_balance', description: 'Check an account balance', parameters: { type: 'object', properties: { account_type: { type: 'string', enum: ['checking', 'savings', 'credit'] } } } } },
];

let failed = false;
try {
  const models = await client.models.list();
  check('models are listed', models.data[0].id === 'banking');
  check('and each can be asked for', (await client.models.retrieve('banking')).owned_by === 'sotto');

  const messages = [{ role: 'system', content: 'You are a bank.' }, { role: 'user', content: 'move two hundred from checking to savings' }];
  const whole = await client.chat.completions.create({ model: 'banking', messages, temperature: 0 });
  const call = whole.choices[0].message.tool_calls[0];
  check(`a call: ${call.function.name}(${call.function.arguments})`, call.function.name === 'transfer_money' && JSON.parse(call.function.arguments).amount === 200);
  check('with its confidence', call.confidence > 0.5 && whole.choices[0].finish_reason === 'tool_calls' && whole.usage.total_tokens > 0);
  const next = await client.chat.completions.create({ model: 'banking', messages: [...messages, whole.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '{"ok": true}' }, { role: 'assistant', content: 'Done.' }, { role: 'user', content: 'and how much is in savings' }], tools, tool_choice: 'auto' });
  check('the conversation goes on', next.choices[0].message.tool_calls[0].function.name === 'check_balance');
  const forced = await client.chat.completions.create({ model: 'banking', messages, tools, tool_choice: { type: 'function', function: { name: 'check_balance' } } });
  check('a named tool is called', forced.choices[0].message.tool_calls[0].function.name === 'check_balance');
  const stream = await client.chat.completions.create({ model: 'banking', messages, stream: true, stream_options: { include_usage: true } });
  let streamed = '';
  let usage;
  for await (const chunk of stream) {
    streamed += chunk.choices[0]?.delta.tool_calls?.[0].function.arguments ?? '';
    usage = chunk.usage ?? usage;
  }
  check('the same, streamed', JSON.parse(streamed).amount === 200 && usage.total_tokens > 0);
  const runner = client.chat.completions.stream({ model: 'banking', messages });
  check('and through the helper that collects streams', (await runner.finalChatCompletion()).choices[0].message.tool_calls[0].function.name === 'transfer_money');

  // A language model of random weights: what it says is noise, but how it is asked and answered is not.
  const schema = { type: 'object', properties: { name: { type: 'string', maxLength: 12 }, age: { type: 'integer', minimum: 0, maximum: 120 } }, required: ['name', 'age'], additionalProperties: false };
  const question = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'who lives here and how old are they' }];
  const spoken = await client.chat.completions.create({ model: 'words', messages: question, max_tokens: 12, temperature: 0, logprobs: true, top_logprobs: 3 });
  check(`a language model answers: ${JSON.stringify(spoken.choices[0].message.content)}`, spoken.choices[0].finish_reason === 'length' && spoken.usage.completion_tokens === 12 && spoken.choices[0].logprobs.content.length === 12 && spoken.choices[0].logprobs.content[0].top_logprobs.length === 3);
  const again = await client.chat.completions.create({ model: 'words', messages: question, max_tokens: 12, temperature: 0 });
  check(`the same, from a prompt that was computed before (${again.usage.prompt_tokens_details.cached_tokens} tokens)`, again.choices[0].message.content === spoken.choices[0].message.content && again.usage.prompt_tokens_details.cached_tokens === again.usage.prompt_tokens - 1);
  const person = JSON.parse((await client.chat.completions.create({ model: 'words', messages: question, temperature: 1, seed: 3, response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } } })).choices[0].message.content);
  check(`held to a schema: ${JSON.stringify(person)}`, typeof person.name === 'string' && Number.isInteger(person.age) && person.age <= 120);
  const made = await client.chat.completions.create({ model: 'words', messages: question, tools: [{ type: 'function', function: { name: 'look_up', description: 'Who lives here', parameters: schema } }], tool_choice: 'required', temperature: 1, seed: 5, max_tokens: 200 });
  check(`a call that it had to make: ${made.choices[0].message.tool_calls[0].function.arguments}`, made.choices[0].message.tool_calls[0].function.name === 'look_up' && JSON.parse(made.choices[0].message.tool_calls[0].function.arguments).age <= 120);
  let pieces = '';
  let finish;
  for await (const chunk of await client.chat.completions.create({ model: 'words', messages: question, max_tokens: 12, temperature: 0, stream: true })) {
    pieces += chunk.choices[0]?.delta.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  check('the same, piece by piece', pieces === spoken.choices[0].message.content && finish === 'length');
  const gone = await client.completions.create({ model: 'words', prompt: 'Once upon a time', max_tokens: 5, temperature: 0 });
  check(`a text goes on: ${JSON.stringify(gone.choices[0].text)}`, gone.usage.completion_tokens === 5);
  const many = await Promise.all([1, 2, 3, 4].map(() => client.chat.completions.create({ model: 'words', messages: question, max_tokens: 12, temperature: 0 })));
  check('four at once say the same', many.every((one) => one.choices[0].message.content === spoken.choices[0].message.content));
  await refused('a schema that is not served', 400, () => client.chat.completions.create({ model: 'words', messages: question, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', patternProperties: {} } } } }));
  await refused('an image', 400, () => client.chat.completions.create({ model: 'words', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] }));
  await refused('too long a prompt', 400, () => client.chat.completions.create({ model: 'words', messages: [{ role: 'user', content: 'word '.repeat(60000) }] }));
  await refused('a text of a workflow', 400, () => client.completions.create({ model: 'banking', prompt: 'a' }));

  await refused('an unknown model', 404, () => client.chat.completions.create({ model: 'gpt-4o', messages }));
  await refused('no messages', 400, () => client.chat.completions.create({ model: 'banking', messages: [] }));
  await refused('an assistant\'s message last', 400, () => client.chat.completions.create({ model: 'banking', messages: [...messages, { role: 'assistant', content: 'hm' }] }));
  await refused('an unknown tool', 400, () => client.chat.completions.create({ model: 'banking', messages, tools, tool_choice: { type: 'function', function: { name: 'fly' } } }));
  await refused('JSON wanted', 400, () => client.chat.completions.create({ model: 'banking', messages, response_format: { type: 'json_object' } }));
  const wrong = await refused('a wrong key', 401, () => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-nothing', maxRetries: 0 }).models.list());
  check('in the form that the client knows', wrong.error?.code === 'unauthorized');
  await refused('a key without the right', 403, () => new OpenAI({ baseURL: `${url}/v1`, apiKey: talker, maxRetries: 0 }).models.list());

  const sentence = 'transfer two hundred dollars from checking to savings';
  for (const [format, magic] of [['wav', 'RIFF'], ['mp3', ''], ['flac', 'fLaC'], ['opus', 'OggS'], ['pcm', '']]) {
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'slt', input: sentence, response_format: format });
    const bytes = Buffer.from(await speech.arrayBuffer());
    writeFileSync(path.join(out, `speech.${format}`), bytes);
    check(`speech as ${format}: ${bytes.length} bytes`, bytes.length > 5000 && bytes.toString('latin1', 0, magic.length) === magic);
    if (format === 'pcm') continue;
    const { text } = await client.audio.transcriptions.create({ model: 'whisper-1', file: await toFile(bytes, `speech.${format}`) });
    check(`and heard again: ${text}`, text.toLowerCase() === sentence);
  }
  const long = await client.audio.transcriptions.create({ model: 'banking', response_format: 'verbose_json', file: await toFile(Buffer.from(await (await client.audio.speech.create({ model: 'banking', voice: 'alloy', input: sentence, response_format: 'wav' })).arrayBuffer()), 'speech.wav') });
  check('with its length', long.duration > 2 && long.duration < 10);
  await refused('an unknown format', 400, () => client.audio.speech.create({ model: 'tts-1', voice: 'slt', input: sentence, response_format: 'aac' }));
  await refused('nothing to say', 400, () => client.audio.speech.create({ model: 'tts-1', voice: 'slt' }));
  await refused('no recording', 400, async () => client.audio.transcriptions.create({ model: 'whisper-1', file: await toFile(Buffer.from('not a recording'), 'a.wav') }));
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
