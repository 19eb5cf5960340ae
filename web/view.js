// Draws turns, the dialogue's state and the bars. Text from elsewhere only ever becomes text.
const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const spaced = (name) => String(name).replaceAll('_', ' ');
const shortMs = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
const percent = (share) => `${Math.round(share * 100)} %`;

function sure(share) {
  const part = make('span', { className: share < 0.8 ? 'sure low' : 'sure' }, percent(share));
  return part;
}

// `say`: called with the sentence that is chosen.
export function showExamples(workflow, say) {
  find('try').hidden = workflow.say.length === 0;
  find('examples').replaceChildren(...workflow.say.slice(0, 8).map((sentence) => {
    const button = make('button', { type: 'button' }, sentence);
    button.addEventListener('click', () => say(sentence));
    return make('li', {}, button);
  }));
}

export function scrollDown() {
  const log = find('log');
  log.scrollTop = log.scrollHeight;
  // Where the page itself scrolls.
  if (log.scrollHeight <= log.clientHeight + 1) log.lastElementChild?.scrollIntoView({ block: 'nearest' });
}

// What was said, with the words that values came from marked.
function markedText(text, grounding) {
  const spans = Object.values(grounding || {}).flat().map(([from, to]) => [from, to]).sort((a, b) => a[0] - b[0]);
  const parts = [];
  let at = 0;
  for (const [from, to] of spans) {
    if (from < at || to > text.length) continue;
    parts.push(text.slice(at, from), make('mark', {}, text.slice(from, to)));
    at = to;
  }
  parts.push(text.slice(at));
  return parts;
}

export class TurnView {
  constructor() {
    this.root = make('div', { className: 'turn' });
    find('log').append(this.root);
    find('welcome').hidden = true;
  }
  slot(name) {
    if (!this[name]) {
      this[name] = make('div');
      // In the order of the flow, whatever comes first.
      const order = ['you', 'call', 'bar', 'sotto'];
      const next = order.slice(order.indexOf(name) + 1).map((other) => this[other]).find(Boolean);
      this.root.insertBefore(this[name], next || null);
    }
    return this[name];
  }
  partial(text) {
    const you = this.slot('you');
    you.className = 'bubble you partial';
    you.setAttribute('aria-hidden', 'true');  // the final is read out
    you.textContent = text || '…';
    scrollDown();
  }
  said(text, grounding) {
    const you = this.slot('you');
    you.className = 'bubble you';
    you.removeAttribute('aria-hidden');
    you.replaceChildren(make('span', { className: 'hidden' }, 'You: '), ...markedText(text, grounding));
    this.text = text;
    scrollDown();
  }
  understood(understanding) {
    const call = this.slot('call');
    call.className = 'call';
    call.replaceChildren();
    for (const one of understanding.calls) {
      const head = make('div', {}, make('span', { className: 'name' }, one.name), '  ', sure(one.confidence));
      call.append(head);
      const names = Object.keys(one.arguments || {});
      if (names.length === 0) continue;
      const rows = names.map((name) => {
        const spans = one.grounding?.[name] || [];
        const source = spans.map(([from, to]) => `“${(understanding.transcript || '').slice(from, to)}”`).join(' ');
        return make('tr', {},
          make('th', { scope: 'row' }, spaced(name)),
          make('td', {}, String(one.arguments[name])),
          make('td', {}, sure(one.argument_confidence?.[name] ?? one.confidence)),
          make('td', { className: 'note' }, source || 'from before'));
      });
      call.append(make('table', {}, make('tbody', {}, ...rows)));
    }
    if (this.text) {
      const grounding = {};
      understanding.calls.forEach((one, i) => Object.entries(one.grounding || {}).forEach(([name, spans]) => { grounding[`${i}.${name}`] = spans; }));
      this.said(this.text, grounding);
    }
    scrollDown();
  }
  answered(text) {
    const sotto = this.slot('sotto');
    sotto.className = 'bubble sotto';
    sotto.replaceChildren(make('span', { className: 'hidden' }, 'Sotto: '), text);
    scrollDown();
  }
  // What of the reply was heard, and one bar.
  complete(record) {
    if (record.played?.interrupted && this.sotto) {
      const heard = record.played.text || '';
      const rest = record.reply.text.startsWith(heard) ? record.reply.text.slice(heard.length) : '';
      this.sotto.className = 'bubble sotto cut';
      this.sotto.replaceChildren(heard, make('span', { className: 'unheard' }, rest), make('span', { className: 'mark' }, 'you interrupted'));
    }
    const bar = barOf(record);
    if (bar) {
      this.slot('bar').replaceWith(bar);
      this.bar = bar;
    }
    scrollDown();
  }
}

const STAGES = [['pause', 'speech_end', 'endpoint'], ['words', 'endpoint', 'final_transcript'],
  ['meaning', 'final_transcript', 'understood'], ['action', 'understood', 'acted'], ['reply', null, 'first_audio']];

export function stagesOf(record) {
  const times = record.times_ms || {};
  const stages = [];
  let last = times.speech_end ?? times.endpoint;
  for (const [name, from, to] of STAGES) {
    const begin = from === null ? last : times[from];
    const end = times[to] ?? (name === 'reply' ? times.replied : undefined);
    if (begin === undefined || end === undefined || end < begin) continue;
    stages.push({ name, ms: end - begin });
    last = Math.max(last ?? 0, end);
  }
  return stages;
}

function barOf(record) {
  if (record.ended_by === 'begin') return null;
  const stages = stagesOf(record);
  const all = stages.reduce((sum, stage) => sum + stage.ms, 0);
  if (stages.length === 0) return null;
  const track = make('span', { className: 'track' });
  track.setAttribute('role', 'img');
  track.setAttribute('aria-label', stages.map((stage) => `${stage.name} ${stage.ms.toFixed(1)} milliseconds`).join(', '));
  for (const stage of stages) {
    const part = make('i', { className: stage.name, title: `${stage.name} ${stage.ms.toFixed(1)} ms` });
    part.style.width = `${all > 0 ? (100 * stage.ms) / all : 0}%`;
    track.append(part);
  }
  const bar = make('details', { className: 'bar' },
    make('summary', { title: 'What each part took, and the turn record' }, track, make('span', { className: 'all' }, shortMs(all))));
  // Written when somebody looks: records are long.
  bar.addEventListener('toggle', () => {
    if (bar.childElementCount > 1) return;
    bar.append(make('ul', {}, ...stages.map((stage) => make('li', {}, make('i', { className: `swatch ${stage.name}` }), `${stage.name} ${stage.ms.toFixed(1)} ms`))));
    const text = make('pre', { tabIndex: 0 }, JSON.stringify(record, null, 2));
    text.setAttribute('aria-label', 'Turn record');
    text.setAttribute('role', 'region');
    bar.append(text);
  });
  return bar;
}

const STATES = { open: 'under way', suspended: 'waits', queued: 'next', done: 'done', failed: 'failed' };

export function showState(state) {
  const expectation = state.expectation || {};
  const now = [];
  if (state.ended) now.push('The conversation is over.');
  else if (expectation.kind === 'confirm') now.push(`Waiting for yes or no: ${spaced(expectation.tool)}.`);
  else if (expectation.kind === 'ask') now.push(`Asked for ${(expectation.slots || []).map(spaced).join(', ')}.`);
  else if (expectation.kind === 'offer') now.push('Offered to go on.');
  else now.push('Open: you can ask for anything.');
  if (state.caller?.verified_by) now.push('The caller is verified.');
  find('now').replaceChildren(...now.map((line) => make('p', {}, line)));
  if (state.tasks.length === 0) return;
  find('tasks').replaceChildren(...state.tasks.map((task) => {
    const rows = Object.entries(task.slots).flatMap(([name, value]) => [make('dt', {}, spaced(name)), make('dd', {}, String(value))]);
    const missing = task.missing.flatMap((slot) => [make('dt', {}, spaced(slot.slot)), make('dd', { className: 'quiet' }, 'not yet')]);
    return make('div', { className: 'task' },
      make('div', { className: 'head' }, task.title.charAt(0).toUpperCase() + task.title.slice(1), make('span', { className: `state ${task.status}` }, task.failure ? spaced(task.failure) : STATES[task.status])),
      make('dl', {}, ...rows, ...missing));
  }));
}

const felt = [];
export function showSummary(record) {
  const ms = record.latency_ms?.voice_to_voice ?? (record.times_ms.replied - record.times_ms.endpoint);
  if (record.ended_by === 'begin' || !(ms >= 0)) return;
  felt.push(ms);
  const sorted = [...felt].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  find('summary').textContent = felt.length === 1 ? `1 turn, answered after ${shortMs(median)}.` : `${felt.length} turns; half of them answered within ${shortMs(median)}.`;
}
