// The label page in a real browser. node label.mjs SOTTO WORKFLOW OUT
// Two people label simulated turns with keys of their own; checked are the keystrokes, that the store has what was chosen, who may,
// how far they agree, that a turn whose call was recorded can be heard by who may hear it, and (by axe-core, light and dark, wide
// and as a telephone is) that everybody can use it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { check, serve, until } from './serve.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(out, { recursive: true });

const folder = mkdtempSync(path.join(tmpdir(), 'sotto-labels-'));
const store = path.join(folder, 'turns.sqlite');
const run = (...words) => execFileSync(sotto, words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const key = (name, ...scopes) => run('keys', '--file', 'keys.json', 'add', name, ...scopes.flatMap((scope) => ['--scope', scope])).trim();
run('logs', 'simulate', '--workflow', workflow, '--turns', '400', '--seed', '3', '--out', store);
const keys = { ana: key('ana', 'label'), ben: key('ben', 'label'), eve: key('eve', 'label', 'recordings'), shop: key('shop', 'talk') };

// A call of six seconds that the server recorded as it does: one turn, said from 2 to 3.5 s, was not understood, and a person took over.
const HEARD = 'where do i find your machine for coins';
const RATE = 16000;
function recordCall() {
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const at = now.toISOString().replace('.000Z', 'Z');
  run('logs', 'simulate', '--workflow', workflow, '--turns', '40', '--seed', '9', '--out', 'spoken.jsonl');
  const records = readFileSync(path.join(folder, 'spoken.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const record = { ...records.find((one) => one.heard.text !== ''), session: 'call-1', turn: 1, at, channel: 'voice', outcome: 'not_understood', actions: [] };
  record.heard.text = HEARD;
  record.heard.words = [];
  record.heard.n_best = [];
  record.events = [{ event: 'user_said', name: HEARD }];
  record.understood = null;
  Object.assign(record.times_ms, { speech_start: 2000, speech_end: 3500 });
  writeFileSync(path.join(folder, 'call.jsonl'), `${JSON.stringify(record)}\n`);
  run('logs', 'import', '--store', store, 'call.jsonl');
  const frames = 6 * RATE;
  const sound = Buffer.alloc(44 + frames * 4);
  sound.write('RIFF', 0); sound.writeUInt32LE(36 + frames * 4, 4); sound.write('WAVEfmt ', 8);
  sound.writeUInt32LE(16, 16); sound.writeUInt16LE(1, 20); sound.writeUInt16LE(2, 22);
  sound.writeUInt32LE(RATE, 24); sound.writeUInt32LE(RATE * 4, 28); sound.writeUInt16LE(4, 32); sound.writeUInt16LE(16, 34);
  sound.write('data', 36); sound.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i += 1) {
    const said = i >= 2 * RATE && i < 3.5 * RATE;
    sound.writeInt16LE(said ? Math.round(8000 * Math.sin(i / 6)) : 0, 44 + i * 4);
    sound.writeInt16LE(12000, 46 + i * 4);
  }
  mkdirSync(path.join(folder, 'recordings'));
  writeFileSync(path.join(folder, 'recordings', 'one.wav'), sound);
  writeFileSync(path.join(folder, 'recordings', 'one.json'), JSON.stringify({
    session: 'call-1', workflow: 'banking', channel: 'voice', keep_days: 30, began_s: now / 1000 - 1, ready: true, complete: true, frames, lost_frames: 0, silenced_ms: [[4000, 4400]],
  }));
}
recordCall();

async function accessible(page, what) {
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => axe.run(document));
  for (const violation of result.violations) console.log(`  ${violation.id}: ${violation.help}: ${violation.nodes.map((node) => node.target).join(' | ')}`);
  check(`axe finds nothing wrong: ${what}`, result.violations.length === 0);
}

const shot = (page, name) => page.screenshot({ path: path.join(out, `${name}.png`), fullPage: true });
const status = (page, text) => page.locator('#status', { hasText: text }).waitFor();

async function opened(browser, url, who) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error' && !message.text().includes('401')) page.problems.push(message.text()); });
  page.on('request', (request) => { if (!request.url().startsWith(url) && !request.url().startsWith(`blob:${url}`)) page.problems.push(`elsewhere: ${request.url()}`); });
  await page.goto(`${url}/label.html`);
  await page.locator('#key-dialog[open]').waitFor();
  await accessible(page, 'a key is asked for');
  await page.fill('#key', keys[who]);
  await page.click('#key-dialog button');
  return page;
}

const turn = (page) => page.locator('#item').getAttribute('data-turn');
const waitsFor = (page, is, name) => page.waitForFunction(([same, shown]) => (document.getElementById('item').dataset.turn === shown) === same, [is, name]);
// The turn of the recorded call, wherever in the queue it is.
async function goToCall(page) {
  for (let i = 0; i < 250 && await page.locator('#item').isVisible() && (await turn(page)) !== 'call-1/1'; i += 1) {
    await labelled(page, () => page.keyboard.press('s'));
  }
  check('the recorded turn waits', (await page.locator('#words').textContent()) === HEARD);
}

async function labelled(page, act) {
  const before = await turn(page);
  await act();
  await waitsFor(page, false, before);
}

const { url, server } = await serve(sotto, workflow, '--text-only', '--keys', path.join(folder, 'keys.json'), '--turns', store, '--recordings', path.join(folder, 'recordings'));
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
let failed = false;
try {
  const refused = await fetch(`${url}/v1/labels/queue`, { headers: { Authorization: `Bearer ${keys.shop}` } });
  check('a key that may only talk may not label', refused.status === 403);

  const ana = await opened(browser, url, 'ana');
  await status(ana, 'Ready');
  await ana.locator('#choices button').first().waitFor();
  for (const scheme of ['light', 'dark']) {
    await ana.emulateMedia({ colorScheme: scheme });
    await accessible(ana, `the queue, ${scheme}`);
    await shot(ana, `label-${scheme}`);
  }
  await ana.setViewportSize({ width: 375, height: 720 });
  await accessible(ana, 'on a telephone');
  check('nothing is wider than a telephone', await ana.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  await shot(ana, 'label-phone');
  await ana.setViewportSize({ width: 1280, height: 860 });

  // Who may hear recordings hears the turn; who may not sees that they may label it all the same.
  const eve = await opened(browser, url, 'eve');
  await status(eve, 'Ready');
  await goToCall(eve);
  check('how long it is is shown', (await eve.locator('#hear').textContent()).includes('(2.0 s)'));
  check('what is not secret is not said to be', (await eve.locator('#sound-note').textContent()) === '');
  await accessible(eve, 'a turn that can be heard');
  await shot(eve, 'label-sound');
  await eve.keyboard.press('h');
  await eve.waitForFunction(() => document.getElementById('player').currentTime > 0.05);
  check('the turn is played, and nothing else', Math.abs(await eve.evaluate(() => document.getElementById('player').duration) - 2) < 0.01);
  const loud = await eve.evaluate(async () => {
    const answer = await fetch('/v1/labels/audio?session=call-1&turn=1', { headers: { Authorization: `Bearer ${sessionStorage.getItem('sotto-key')}` } });
    const samples = new Int16Array((await answer.arrayBuffer()).slice(44));
    const most = (from, to) => samples.subarray(from * 2, to * 2).reduce((so, one) => Math.max(so, Math.abs(one)), 0);
    return [most(0, 4700), most(4900, 28700), most(28900, 32000)];
  });
  check(`it is the caller alone: ${loud}`, loud[0] === 0 && loud[1] > 7000 && loud[2] === 0);
  await labelled(eve, () => eve.keyboard.press('s'));
  check('the next turn ends it', await eve.evaluate(() => document.getElementById('player').paused));
  check('what was typed cannot be heard', await eve.locator('#sound').isHidden());

  await goToCall(ana);
  check('a key without that scope hears nothing', await ana.locator('#sound').isHidden());
  const unheard = await fetch(`${url}/v1/labels/audio?session=call-1&turn=1`, { headers: { Authorization: `Bearer ${keys.ana}` } });
  check('and is told why', unheard.status === 403 && (await unheard.json()).detail.includes('recordings'));
  await ana.reload();
  await status(ana, 'Ready');

  // Turns that are the same are one item; what is taken out gets no label.
  for (let i = 0; i < 150 && await ana.locator('#item').isVisible() && !await ana.locator('#like').isVisible(); i += 1) {
    await labelled(ana, () => ana.keyboard.press('s'));
  }
  check('some turns are the same', await ana.locator('#like').isVisible());
  await ana.keyboard.press('l');
  const boxes = ana.locator('#like-list input');
  const alike = await boxes.count();
  await boxes.first().uncheck();
  await accessible(ana, 'turns like it');
  await shot(ana, 'label-like');
  await labelled(ana, () => ana.click('#nothing'));
  check('one that was taken out gets no label', (await ana.locator('#status').textContent()).startsWith(`${alike} turn`));
  await ana.keyboard.press('u');
  await status(ana, `${alike} taken back`);

  const first = await turn(ana);
  await labelled(ana, () => ana.keyboard.press('1'));
  check('one key takes the first candidate', (await ana.locator('#counts').textContent()).startsWith('ana: '));
  await ana.keyboard.press('u');
  await status(ana, 'taken back');
  await waitsFor(ana, true, first);
  check('undone, it waits again', (await turn(ana)) === first);
  await ana.keyboard.press('c');
  await accessible(ana, 'another call');
  await ana.keyboard.press('a');
  check('a letter takes a tool', /^\w+\(\)$/.test(await ana.inputValue('#call-text')));
  const chosen = await ana.inputValue('#call-text');
  await labelled(ana, () => ana.keyboard.press('Enter'));
  await status(ana, chosen.replace('()', ''));
  await labelled(ana, () => ana.keyboard.press('n'));
  await labelled(ana, () => ana.keyboard.press('?'));
  await labelled(ana, () => ana.keyboard.press('s'));
  await ana.keyboard.press('c');
  await ana.fill('#call-text', 'fly_me(to=moon)');
  await ana.click('#other button.primary');
  await ana.locator('#status.bad').waitFor();
  check('what is no call is refused in words', (await ana.locator('#status').textContent()).length > 10);
  await ana.keyboard.press('Escape');

  for (let i = 0; i < 250 && await ana.locator('#item').isVisible(); i += 1) await labelled(ana, () => ana.keyboard.press('n'));

  // A second opinion, where the lot falls on it.
  const ben = await opened(browser, url, 'ben');
  await status(ben, 'Ready');
  for (let i = 0; i < 250 && await ben.locator('#item').isVisible(); i += 1) {
    const again = (await ben.locator('#why').textContent()).startsWith('second opinion');
    await labelled(ben, () => ben.keyboard.press(again && i % 2 ? '?' : 'n'));
  }
  await ben.locator('#alpha', { hasText: "Krippendorff's alpha" }).waitFor();
  check('how far they agree is shown', (await ben.locator('#pairs tbody tr').count()) === 1);
  await accessible(ben, 'nothing waits');
  await shot(ben, 'label-agreement');
  check('the terminal knows the same labels', run('label', '--workflow', workflow, '--store', store, '--agreement').includes('ana and ben'));
  check(`nothing went wrong on the pages: ${[...ana.problems, ...ben.problems, ...eve.problems]}`,
    ana.problems.filter((one) => !one.includes('400')).length + ben.problems.length + eve.problems.length === 0);
  await until('labels are in the names of keys', () => /Krippendorff/.test(run('label', '--workflow', workflow, '--store', store, '--agreement')));
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  await browser.close();
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
