// The label page in a real browser. node label.mjs SOTTO WORKFLOW OUT
// Two people label simulated turns with keys of their own; checked are the keystrokes, that the store has what was chosen, who may,
// how far they agree, and (by axe-core, light and dark, wide and as a telephone is) that everybody can use it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
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
const key = (name, scope) => run('keys', '--file', 'keys.json', 'add', name, '--scope', scope).trim();
run('logs', 'simulate', '--workflow', workflow, '--turns', '400', '--seed', '3', '--out', store);
const keys = { ana: key('ana', 'label'), ben: key('ben', 'label'), shop: key('shop', 'talk') };

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
  page.on('request', (request) => { if (!request.url().startsWith(url)) page.problems.push(`elsewhere: ${request.url()}`); });
  await page.goto(`${url}/label.html`);
  await page.locator('#key-dialog[open]').waitFor();
  await accessible(page, 'a key is asked for');
  await page.fill('#key', keys[who]);
  await page.click('#key-dialog button');
  return page;
}

const turn = (page) => page.locator('#item').getAttribute('data-turn');
const waitsFor = (page, is, name) => page.waitForFunction(([same, shown]) => (document.getElementById('item').dataset.turn === shown) === same, [is, name]);
async function labelled(page, act) {
  const before = await turn(page);
  await act();
  await waitsFor(page, false, before);
}

const { url, server } = await serve(sotto, workflow, '--text-only', '--keys', path.join(folder, 'keys.json'), '--turns', store);
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
  check(`nothing went wrong on the pages: ${[...ana.problems, ...ben.problems]}`, ana.problems.filter((one) => !one.includes('400')).length + ben.problems.length === 0);
  await until('labels are in the names of keys', () => /Krippendorff/.test(run('label', '--workflow', workflow, '--store', store, '--agreement')));
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  await browser.close();
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
