// The page in a real browser. node page.mjs SOTTO WORKFLOW OUT
//   SOTTO: the program; WORKFLOW: the folder it serves; OUT: where screenshots and recordings go.
// Three conversations: one is typed; in one Chromium's microphone is a recording; in one the recordings are said at
// the right moments, through a line that is cut. All of it is checked by axe-core on the way.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { check, inRealTime, serve } from './serve.mjs';
import { microphoneOf, RATE, recorded, silence, wav } from './voice.mjs';

const [sotto, workflow, out] = process.argv.slice(2).map((argument) => path.resolve(argument));
const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(out, { recursive: true });

const TRANSFER = 'transfer two hundred dollars from checking to savings';
const BALANCE = "what's my checking balance";

// Between the browser and the server: a line that can be cut.
async function lineTo(url) {
  const target = Number(new URL(url).port);
  const open = new Set();
  let cut = false;
  const server = net.createServer((from) => {
    if (cut) return from.destroy();
    const to = net.connect(target, '127.0.0.1');
    for (const [one, other] of [[from, to], [to, from]]) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => {});
      one.on('close', () => { open.delete(one); other.destroy(); });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() { cut = true; open.forEach((socket) => socket.destroy()); },
    mend() { cut = false; },
    end() { server.close(); this.cut(); },
  };
}

async function accessible(page, what) {
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => axe.run(document));
  for (const violation of result.violations) console.log(`  ${violation.id}: ${violation.help}: ${violation.nodes.map((node) => node.target).join(' | ')}`);
  check(`axe finds nothing wrong: ${what}`, result.violations.length === 0);
}

const shot = (page, name, fullPage = false) => page.screenshot({ path: path.join(out, `${name}.png`), fullPage });
const said = (page) => page.locator('.bubble.sotto');
const answered = (page, text, timeout = 30000) => said(page).filter({ hasText: text }).last().waitFor({ timeout });

async function opened(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, permissions: ['microphone'] });
  const page = await context.newPage();
  page.elsewhere = [];
  page.errors = [];
  page.heardBytes = 0;
  page.on('request', (request) => { if (!request.url().startsWith(url)) page.elsewhere.push(request.url()); });
  page.on('pageerror', (error) => page.errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') page.errors.push(message.text()); });
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => { if (typeof payload !== 'string') page.heardBytes += payload.length; }));
  return page;
}

async function arrive(page, url) {
  await page.goto(url);
  await page.locator('#status', { hasText: 'Ready' }).waitFor();
}

async function typed(browser, url) {
  const page = await opened(browser, url);
  await arrive(page, url);
  await accessible(page, 'the first page');
  await shot(page, 'first-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'the first page, dark');
  await shot(page, 'first-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  check('the first page says what one can say', (await page.locator('#examples button').count()) > 3);
  await page.fill('#say', 'transfer 200 dollars from checking to savings');
  await page.press('#say', 'Enter');
  await answered(page, /Transfer \$200/i);
  await shot(page, 'asked');
  const call = await page.locator('.call').last().innerText();
  check('the call is shown with what grounded it', call.includes('transfer_money') && call.includes('“200 dollars”'));
  check('the words that values came from are marked', (await page.locator('.you mark').allInnerTexts()).includes('savings'));
  await page.fill('#say', 'yes');
  await page.press('#say', 'Enter');
  await answered(page, /Done/);
  check('the task is done', (await page.locator('.task .state').first().innerText()).includes('done'));
  check('a bar shows where the time went', (await page.locator('.bar .track i').count()) > 0);
  await page.locator('.bar summary').last().click();
  check('and opens into the turn record', JSON.parse(await page.locator('.bar pre').last().innerText()).schema === 2);
  await accessible(page, 'after a conversation');
  await shot(page, 'typed-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'dark');
  await shot(page, 'typed-dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await accessible(page, 'on a phone, dark');
  await shot(page, 'phone-dark', true);
  await page.emulateMedia({ colorScheme: 'light' });
  await accessible(page, 'on a phone');
  await shot(page, 'phone-light', true);
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 640 });
    check(`nothing is wider than ${width}`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
  await shot(page, 'small');
  await page.setViewportSize({ width: 820, height: 1180 });
  await shot(page, 'tablet');
  await page.reload();
  await page.locator('#status', { hasText: 'Ready' }).waitFor();
  await page.locator('#examples button').first().click();
  await page.locator('.call').first().waitFor();
  check('an example can be chosen', (await page.locator('.bubble.you').count()) === 1);
  check(`no request left the machine: ${page.elsewhere}`, page.elsewhere.length === 0);
  check(`no errors in the console: ${page.errors}`, page.errors.length === 0);
  await page.context().close();
}

// The browser's own microphone is a file.
async function spoken(url, sentences) {
  const voice = path.join(out, 'microphone.wav');
  writeFileSync(voice, wav([...silence(7), ...sentences[TRANSFER], ...silence(7), ...sentences['yes please'], ...silence(8)]));
  const browser = await launch(`--use-file-for-fake-audio-capture=${voice}%noloop`);
  const page = await opened(browser, url);
  await arrive(page, url);
  await page.keyboard.press('Control+m');
  await answered(page, /Welcome/);
  await page.locator('.bubble.you.partial').waitFor({ timeout: 30000 });
  await shot(page, 'speaking');
  await answered(page, /Transfer \$200/i);
  await accessible(page, 'in a call');
  await answered(page, /Done/);
  check('a spoken transfer was understood and done', (await page.locator('.call .name').allInnerTexts()).includes('transfer_money'));
  await page.locator('.bar').nth(1).waitFor();
  await shot(page, 'spoken-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, 'in a call, dark');
  await shot(page, 'spoken-dark');
  check(`Sotto was heard: ${page.heardBytes} bytes`, page.heardBytes > 3 * 2 * RATE);
  await page.keyboard.press('Escape');
  await page.locator('#call[aria-pressed="false"]').waitFor({ timeout: 15000 });
  check('Escape hangs up', true);
  check(`no request left the machine: ${page.elsewhere}`, page.elsewhere.length === 0);
  check(`no errors in the console: ${page.errors}`, page.errors.length === 0);
  await browser.close();
}

async function troubled(browser, url, sentences) {
  const line = await lineTo(url);
  const page = await opened(browser, line.url);
  await page.addInitScript(microphoneOf, sentences);
  await arrive(page, line.url);
  await page.click('#call');
  await answered(page, /Welcome/);
  await page.waitForTimeout(1200);
  await page.evaluate((sentence) => window.sayAloud(sentence), BALANCE);
  await page.locator('.bubble.sotto.cut').waitFor();
  check('speaking interrupts, and the page says so', (await page.locator('.bubble.sotto.cut').innerText()).includes('you interrupted'));
  await answered(page, /balance/i);
  await shot(page, 'interrupted');
  await page.waitForTimeout(5000);  // a person listens
  await page.evaluate((sentence) => window.sayAloud(sentence), TRANSFER);
  await answered(page, /Transfer \$200/i);
  // A reload in the middle: the same call goes on, and what was said is there again.
  const before = await said(page).count();
  await page.reload();
  await page.locator('#call[aria-pressed="true"]').waitFor({ timeout: 15000 });
  await page.locator('#status', { hasText: /Listening|You speak/ }).waitFor({ timeout: 15000 });
  await answered(page, /Transfer \$200/i);
  check('a reload in the middle goes on with the call', (await said(page).count()) === before);
  // A line that is lost for a while.
  line.cut();
  await page.locator('#status', { hasText: 'Connection lost' }).waitFor({ timeout: 15000 });
  await shot(page, 'lost');
  await accessible(page, 'with the connection lost');
  await page.waitForTimeout(2500);
  line.mend();
  await page.locator('#status', { hasText: /Listening|You speak/ }).waitFor({ timeout: 15000 });
  check('a lost connection comes back', true);
  await page.waitForTimeout(1500);
  await page.evaluate((sentence) => window.sayAloud(sentence), 'yes please');
  await answered(page, /Done/);
  check('and what was begun before is done', true);
  await shot(page, 'after-trouble');
  await page.click('#call');
  await page.locator('#call[aria-pressed="false"]').waitFor({ timeout: 15000 });
  const wrong = page.errors.filter((text) => !/ERR_|WebSocket/.test(text));  // the cut line itself
  check(`no errors in the console: ${wrong}`, wrong.length === 0);
  await page.context().close();
  line.end();
}

function launch(...more) {
  return chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required', ...more],
  });
}

const { url, server } = await serve(sotto, workflow, '--recognizer', 'pocketsphinx');
const browser = await launch();
let failed = false;
try {
  await typed(browser, url);
  if (inRealTime('what is spoken to the page')) {
    const sentences = Object.fromEntries([BALANCE, TRANSFER, 'yes please'].map((sentence) => [sentence, recorded(sotto, workflow, out, sentence)]));
    await spoken(url, sentences);
    await troubled(browser, url, sentences);
  }
} catch (error) {
  failed = true;
  console.error(error);
  for (const context of browser.contexts()) for (const page of context.pages()) await shot(page, 'failed').catch(() => {});
} finally {
  await browser.close();
  server.kill('SIGTERM');
}
process.exit(failed ? 1 : 0);
