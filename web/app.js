// The page: talk or type. What is typed is a conversation of its own, over REST.
import { ask, hasKey, rememberKey } from './server.js';
import { Call, storedCall } from './voice.js';
import { TurnView, make, showExamples, showState, showSummary } from './view.js';
import { Wave } from './wave.js';

const find = (id) => document.getElementById(id);
let workflows = [];
let call = null;
let session = null;   // of what is typed
let turn = null;      // that is being drawn
const turns = new Map();
const wave = new Wave(find('wave'));

function status(text, bad = false) {
  find('status').textContent = text;
  find('status').classList.toggle('bad', bad);
}

const chosen = () => workflows.find((workflow) => workflow.name === find('workflow').value);

function note(text) {
  find('log').append(make('p', { className: 'note' }, text));
}

function turnOf(number) {
  if (!turns.has(number)) {
    turns.set(number, turn || new TurnView());
    turn = null;
  }
  return turns.get(number);
}

const handlers = {
  partial: (event) => { turn ||= new TurnView(); turn.partial(event.text); },
  final: (event) => turnOf(event.turn).said(event.text),
  call: (event) => turnOf(event.turn).understood(event),
  state: (event) => showState(event.state),
  reply: (event) => turnOf(event.turn).answered(event.text),
  interruption: (event) => status(event.paused ? 'You speak' : 'Listening'),
  turn: (event) => { turnOf(event.turn).complete(event.record); showSummary(event.record); },
  error: (event) => { status(event.detail, true); note(event.detail); },
  ended: (event) => { if (event.hand_off) note(`A person takes over: ${event.hand_off.summary}`); },
};

function drawCall(state, sentence) {
  const on = state === 'on' || state === 'connecting' || state === 'lost';
  find('call').setAttribute('aria-pressed', String(on));
  find('call-label').textContent = on ? 'Hang up' : 'Talk';
  find('sound').hidden = !on;
  on ? wave.start() : wave.stop();
  find('workflow').disabled = find('say').disabled = find('send').disabled = on;
  find('say').placeholder = on ? 'Sotto listens' : 'Type here, or press Talk';
  status(sentence, state === 'lost');
  if (state !== 'over') return;
  call = null;
  note(sentence + '.');
}

async function talk(stored) {
  if (session) endTyped();
  turns.clear();
  turn = null;
  call = new Call({
    event: (event) => handlers[event.type]?.(event),
    state: drawCall,
    heard: (peak) => wave.hear(peak),
    played: (peak) => wave.play(peak),
  });
  try {
    await (stored ? call.resume(stored) : call.start(find('workflow').value));
  } catch (error) {
    const sentence = error.name === 'NotAllowedError' ? 'The microphone may not be used' : `No call: ${error.message}`;
    call?.end(sentence);
  }
}

function endTyped() {
  ask('DELETE', `/v1/sessions/${session}`).catch(() => {});
  session = null;
}

function drawTyped(answer, view) {
  if (answer.turn.understood) view.understood(answer.turn.understood);
  view.answered(answer.turn.reply.text);
  view.complete(answer.turn);
  showState(answer.state);
  showSummary(answer.turn);
  if (answer.hand_off) note(`A person takes over: ${answer.hand_off.summary}`);
  if (answer.ended) { session = null; note('The conversation is over.'); }
}

async function type(text) {
  try {
    if (!session) {
      const begun = await ask('POST', '/v1/sessions', { workflow: find('workflow').value });
      session = begun.id;
      drawTyped(begun, new TurnView());
    }
    const view = new TurnView();
    view.said(text);
    drawTyped(await ask('POST', `/v1/sessions/${session}/turns`, { text }), view);
    status('Ready');
  } catch (error) {
    status(error.message, true);
    note(error.message);
    if (error.status === 404) session = null;
  }
}

find('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = find('say').value.trim();
  if (!text) return;
  find('say').value = '';
  type(text);
});
find('call').addEventListener('click', () => (call ? call.hangUp() : talk()));
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && call) call.hangUp();
  if (event.ctrlKey && event.key.toLowerCase() === 'm') { event.preventDefault(); find('call').click(); }
});
find('workflow').addEventListener('change', () => { if (session) endTyped(); draw(); });

function draw() {
  const workflow = chosen();
  if (!workflow) return;
  showExamples(workflow, (sentence) => { if (!call) type(sentence); });
  find('call').disabled = !workflow.voice;
  document.title = `${workflow.assistant || workflow.name} · Sotto`;
}

async function begin() {
  try {
    workflows = (await ask('GET', '/v1/workflows')).workflows;
  } catch (error) {
    if (error.status === 401) {
      const dialog = find('key-dialog');
      dialog.addEventListener('close', () => { rememberKey(find('key').value.trim()); begin(); }, { once: true });
      status(hasKey() ? 'Wrong key' : 'Needs a key', true);
      return dialog.showModal();
    }
    return status(error.message, true);
  }
  find('workflow').replaceChildren(...workflows.map((workflow) => make('option', { value: workflow.name }, workflow.assistant || workflow.name)));
  draw();
  status('Ready');
  const stored = storedCall();
  if (stored) await talk(stored);
}

begin();
