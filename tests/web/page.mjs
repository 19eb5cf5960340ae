// The page in a real browser. node page.mjs SOTTO WORKFLOW OUT
//   SOTTO: the program; WORKFLOW: the folder it serves; OUT: where screenshots and recordings go.
// A caller's recorded voice is the microphone: `sotto demo` records a whole call, its left channel is the caller.
// Exits with 77 where there is no Chromium.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { check, serve } from './serve.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
if (!chromiumPath) {
  console.log('skipped: there is no Chromium (Debian package chromium)');
  process.exit(77);
}
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(out, { recursive: true });

// The caller's channel of a recorded call, as a WAV file of its own.
function callersVoice() {
  const call = path.join(out, 'call.wav');
  const made = spawnSync(sotto, ['demo', '--workflow', workflow, '--recognizer', 'pocketsphinx', '--out', call], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`sotto demo: ${made.stderr}`);
  const wav = readFileSync(call);
  const data = wav.indexOf('data', 12, 'latin1');
  const frames = Math.floor((wav.length - data - 8) / 4);
  const mono = Buffer.alloc(44 + frames * 2);
  wav.copy(mono, 0, 0, 20);
  mono.write('RIFF', 0); mono.writeUInt32LE(36 + frames * 2, 4); mono.write('WAVEfmt ', 8);
  mono.writeUInt32LE(16, 16); mono.writeUInt16LE(1, 20); mono.writeUInt16LE(1, 22);
  mono.writeUInt32LE(16000, 24); mono.writeUInt32LE(32000, 28); mono.writeUInt16LE(2, 32); mono.writeUInt16LE(16, 34);
  mono.write('data', 36); mono.writeUInt32LE(frames * 2, 40);
  for (let i = 0; i < frames; ++i) mono.writeInt16LE(wav.readInt16LE(data + 8 + i * 4), 44 + i * 2);
  const voice = path.join(out, 'caller.wav');
  writeFileSync(voice, mono);
  return voice;
}

async function accessible(page, what) {
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => axe.run(document));
  for (const violation of result.violations) console.log(`  ${violation.id}: ${violation.help}: ${violation.nodes.map((node) => node.target).join(' | ')}`);
  check(`axe finds nothing wrong: ${what}`, result.violations.length === 0);
}

const said = (page) => page.locator('.bubble.sotto');

async function say(page, text, answer) {
  await page.fill('#say', text);
  await page.press('#say', 'Enter');
  await said(page).filter({ hasText: answer }).last().waitFor({ timeout: 30000 });
}

async function typed(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  const elsewhere = [];
  page.on('request', (request) => { if (!request.url().startsWith(url)) elsewhere.push(request.url()); });
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  await page.goto(url);
  await page.locator('#status', { hasText: 'Ready' }).waitFor();
  await accessible(page, 'the first page');
  await page.screenshot({ path: path.join(out, 'first.png') });
  await say(page, 'transfer 200 dollars from checking to savings', /Transfer \$200/i);
  await page.screenshot({ path: path.join(out, 'asked.png') });
  check('the call is shown with what grounded it', (await page.locator('.call').last().innerText()).includes('transfer_money'));
  await say(page, 'yes', /Done/);
  check('the task is done', (await page.locator('.task .state').first().innerText()) === 'done');
  check('a bar shows where the time went', (await page.locator('.bar .track i').count()) > 0);
  await accessible(page, 'after a conversation');
  await page.screenshot({ path: path.join(out, 'typed-light.png') });
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'dark');
  await page.screenshot({ path: path.join(out, 'typed-dark.png') });
  await page.setViewportSize({ width: 390, height: 844 });
  await accessible(page, 'on a phone, dark');
  await page.screenshot({ path: path.join(out, 'phone-dark.png'), fullPage: true });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.screenshot({ path: path.join(out, 'phone-light.png'), fullPage: true });
  check('nothing is wider than the phone', await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.setViewportSize({ width: 320, height: 568 });
  check('nor than a small one', await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  check(`no request left the machine ${elsewhere}`, elsewhere.length === 0);
  check(`no errors in the console ${errors}`, errors.length === 0);
  await page.close();
}

async function spoken(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await page.goto(url);
  await page.locator('#status', { hasText: 'Ready' }).waitFor();
  await page.keyboard.press('Control+m');
  await said(page).first().waitFor({ timeout: 30000 });
  await page.locator('.bubble.you').first().waitFor({ timeout: 60000 });
  await page.screenshot({ path: path.join(out, 'spoken.png') });
  // A reload in the middle: the same call goes on.
  await page.reload();
  await page.locator('#call[aria-pressed="true"]').waitFor({ timeout: 15000 });
  await page.locator('#status', { hasText: /Listening|You speak/ }).waitFor({ timeout: 15000 });
  check('a reload in the middle goes on with the call', true);
  // A lost connection comes back.
  await page.context().setOffline(true);
  await page.evaluate(() => window.dispatchEvent(new Event('offline')));
  await page.context().setOffline(false);
  await page.locator('.call .name', { hasText: 'transfer_money' }).first().waitFor({ timeout: 120000 });
  check('a spoken transfer was understood', true);
  await said(page).filter({ hasText: /Done/ }).first().waitFor({ timeout: 120000 });
  check('and done', true);
  await accessible(page, 'in a call');
  await page.screenshot({ path: path.join(out, 'spoken-done.png') });
  await page.keyboard.press('Escape');
  await page.locator('#call[aria-pressed="false"]').waitFor({ timeout: 15000 });
  check('Escape hangs up', true);
  await page.close();
}

const voice = callersVoice();
const { url, server } = await serve(sotto, workflow, '--recognizer', 'pocketsphinx');
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${voice}%noloop`, '--autoplay-policy=no-user-gesture-required'],
});
let failed = false;
try {
  await typed(browser, url);
  if (!process.env.SOTTO_PAGE_TYPED_ONLY) await spoken(browser, url);
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  await browser.close();
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
