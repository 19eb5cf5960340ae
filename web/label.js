// The label page: the queue of `sotto label`, one turn at a time, with as few keys as there are. Labels carry the name of the
// key that is used; who may label is the server's to say.
const find = (id) => document.getElementById(id);
const letters = 'abcdefghijklmnopqrstuvwxyz';
let queue = [];
let tools = [];
let skipped = new Set();
let busy = false;

function make(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  return made;
}

function status(text, bad = false) {
  find('status').textContent = text;
  find('status').classList.toggle('bad', bad);
}

// A token may only talk: this asks with the key itself.
async function send(method, path, body) {
  const key = sessionStorage.getItem('sotto-key');
  const headers = { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...(body ? { 'Content-Type': 'application/json' } : {}) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.ok) return answer;
  const json = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(json.detail || `the server answered ${answer.status}`), { status: answer.status });
}

const ask = async (method, path, body) => (await send(method, path, body)).json();

const nameOf = (item) => `${item.session}/${item.turn}`;
const current = () => queue.find((item) => !skipped.has(nameOf(item)));

function draw() {
  const item = current();
  find('item').hidden = !item;
  find('done').hidden = !!item;
  closeOther();
  hush();
  find('item').dataset.turn = item ? nameOf(item) : '';
  if (!item) return;
  find('why').textContent = `${item.why}, worth ${item.worth.toFixed(2)}${item.count > 1 ? `, said ${item.count} times` : ''}`;
  find('context').replaceChildren(...item.context.map((line) => {
    const [who, ...said] = line.split(': ');
    const bubble = make('li', said.join(': '), { className: who });
    bubble.prepend(make('span', `${who}: `, { className: 'hidden' }));
    return bubble;
  }));
  find('state').textContent = item.state ? `Waiting for: ${item.state}` : '';
  find('words').textContent = item.words;
  drawLike(item);
  drawSound(item);
  find('choices').replaceChildren(...item.candidates.map((candidate, i) => {
    const button = make('button');
    button.append(make('kbd', String(i + 1)), make('span', candidate.text || 'no call', { className: 'call-words' }),
      make('span', candidate.confidence.toFixed(2), { className: 'surely' }), make('span', candidate.from, { className: 'from' }));
    button.addEventListener('click', () => give(String(i + 1)));
    const line = make('li');
    line.append(button);
    return line;
  }));
}

function drawLike(item) {
  find('like').hidden = item.like.length === 0;
  find('like').open = false;
  find('like').querySelector('summary').textContent = `${item.like.length} ${item.like.length === 1 ? 'turn' : 'turns'} like it`;
  find('like-list').replaceChildren(...item.like.map((like, i) => {
    const line = make('label');
    const box = make('input', undefined, { type: 'checkbox', checked: true });
    box.dataset.like = i;
    line.append(box, make('span', like.words));
    return line;
  }));
}

function drawSound({ recording }) {
  find('sound').hidden = !recording;
  if (!recording) return;
  find('sound-length').textContent = `(${recording.seconds.toFixed(1)} s)`;
  find('sound-note').textContent = recording.silenced ? 'A secret in it is silenced.' : '';
}

function hush() {
  const player = find('player');
  player.pause();
  if (player.src) URL.revokeObjectURL(player.src);
  player.removeAttribute('src');
}

async function hear() {
  const item = current();
  if (!item?.recording) return;
  try {
    const of = new URLSearchParams({ session: item.session, turn: item.turn });
    const sound = await (await send('GET', `/v1/labels/audio?${of}`)).blob();
    if (current() !== item) return;  // it was labelled meanwhile
    hush();
    find('player').src = URL.createObjectURL(sound);
    await find('player').play();
  } catch (error) {
    if (error.name !== 'AbortError') status(error.message, true);  // the next turn came before it had begun
  }
}

function closeOther() {
  find('other').hidden = true;
  find('call-open').setAttribute('aria-expanded', 'false');
}

function openOther() {
  find('other').hidden = false;
  find('call-open').setAttribute('aria-expanded', 'true');
  find('tools').querySelector('button')?.focus();
}

function take(tool) {
  const input = find('call-text');
  input.value = `${tool.name}()`;
  input.focus();
  input.setSelectionRange(tool.name.length + 1, tool.name.length + 1);
  input.setAttribute('aria-description', tool.slots.map((slot) => `${slot.name}${slot.values.length ? `: ${slot.values.join(', ')}` : ''}`).join('; '));
}

async function give(answer) {
  const item = current();
  if (!item || busy) return;
  busy = true;
  const without = [...find('like-list').querySelectorAll('input:not(:checked)')]
    .map((box) => item.like[Number(box.dataset.like)]).map(({ session, turn }) => ({ session, turn }));
  try {
    const given = await ask('POST', '/v1/labels', { session: item.session, turn: item.turn, answer, ...(without.length ? { without } : {}) });
    status(`${given.labels} ${given.labels === 1 ? 'turn' : 'turns'}: ${given.calls || 'cannot be told'}`);
    queue = queue.filter((one) => one !== item);
    if (queue.length < 3) await load(false);
    else draw();
    agreement();  // nobody waits for it: the next key may come
  } catch (error) {
    status(error.message, true);
  } finally {
    busy = false;
  }
}

async function undo() {
  try {
    const { taken_back: n } = await ask('POST', '/v1/labels/undo');
    skipped = new Set();
    if (!await load(false)) return;
    status(n ? `${n} taken back` : 'There is nothing to take back');  // what is said is what is shown
    agreement();
  } catch (error) {
    status(error.message, true);
  }
}

async function agreement() {
  let agreed;
  try {
    agreed = await ask('GET', '/v1/labels/agreement');
  } catch (error) {
    return status(error.message, true);
  }
  const number = (value) => (value === null ? '–' : value.toFixed(2));
  find('alpha').textContent = agreed.turns === 0 ? 'No turn has labels of two people yet.'
    : `${agreed.turns} turns labelled by several; Krippendorff's alpha ${number(agreed.calls.alpha)} for calls, ${number(agreed.tools.alpha)} for tools.`;
  find('pairs').hidden = agreed.calls.pairs.length === 0;
  find('pairs').tBodies[0].replaceChildren(...agreed.calls.pairs.map((pair) => {
    const row = make('tr');
    row.append(make('td', `${pair.a}, ${pair.b}`), make('td', `${pair.same} of ${pair.turns}`), make('td', number(pair.kappa)));
    return row;
  }));
  find('differ').replaceChildren(...agreed.differ.slice(0, 10).map((one) => {
    const line = make('li');
    line.append(...one.said.map((said) => make('div', `${said.author}: ${said.calls || 'cannot be told'}`)));
    return line;
  }));
}

async function load(anew) {
  try {
    const page = await ask('GET', `/v1/labels/queue?most=${Math.min(200, 20 + skipped.size)}${anew ? '&anew=true' : ''}`);
    ({ items: queue, tools } = page);
    find('counts').textContent = `${page.author}: ${page.labelled} labelled, ${page.waiting} wait`;
    find('tools').replaceChildren(...tools.map((tool, i) => {
      const button = make('button', undefined, { type: 'button' });
      if (letters[i]) button.append(make('kbd', letters[i]), ' ');
      button.append(tool.name);
      button.addEventListener('click', () => take(tool));
      return button;
    }));
    draw();
    return true;
  } catch (error) {
    if (error.status === 401) {
      const dialog = find('key-dialog');
      dialog.addEventListener('close', () => { sessionStorage.setItem('sotto-key', find('key').value.trim()); begin(); }, { once: true });
      status(sessionStorage.getItem('sotto-key') ? 'Wrong key' : 'Needs a key', true);
      dialog.showModal();
    } else {
      status(error.message, true);
    }
    return false;
  }
}

async function begin() {
  if (!await load(true)) return;
  status('Ready');
  await agreement();
}

const keys = {
  n: () => give('n'),
  '?': () => give('?'),
  c: openOther,
  s: () => {
    const item = current();
    if (item) skipped.add(nameOf(item));
    return current() ? draw() : load(false);  // behind those that were skipped others wait
  },
  u: undo,
  h: hear,
  l: () => { find('like').open = !find('like').open; },
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find('key-dialog').open) return;
  if (event.key === 'Escape') return closeOther();
  if (event.target.matches('input:not([type=checkbox])')) return;
  const open = !find('other').hidden;
  const tool = open ? tools[letters.indexOf(event.key)] : undefined;
  if (tool && event.key.length === 1) { event.preventDefault(); return take(tool); }
  if (open) return;
  if (/^[1-9]$/.test(event.key) && current()?.candidates[Number(event.key) - 1]) return give(event.key);
  keys[event.key]?.();
  if (event.key in keys) event.preventDefault();
});
find('other').addEventListener('submit', (event) => { event.preventDefault(); if (find('call-text').value.trim()) give(find('call-text').value.trim()); });
find('nothing').addEventListener('click', keys.n);
find('unknown').addEventListener('click', keys['?']);
find('skip').addEventListener('click', keys.s);
find('undo').addEventListener('click', undo);
find('hear').addEventListener('click', hear);
find('call-open').addEventListener('click', () => (find('other').hidden ? openOther() : closeOther()));
find('again').addEventListener('click', () => { skipped = new Set(); load(true); });
begin();
