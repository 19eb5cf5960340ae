// What the tests of this folder share: `sotto serve` on free ports, and checks that speak.
import { spawn } from 'node:child_process';

export function check(what, holds) {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok: ${what}`);
}

// `output`: everything it has written so far.
export async function serve(sotto, workflow, ...more) {
  const server = spawn(sotto, ['serve', '--workflow', workflow, '--port', '0', '--database', ':memory:', ...more],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  server.stderr.on('data', (bytes) => { text += bytes; process.stderr.write(bytes); });
  const url = await new Promise((resolve, reject) => {
    server.stdout.on('data', (bytes) => {
      text += bytes;
      const found = text.match(/Sotto is at (\S+)/);
      if (found) resolve(found[1]);
    });
    server.on('exit', (code) => reject(new Error(`sotto serve ended with ${code}`)));
  });
  return { url, server, output: () => text };
}

// A spoken conversation takes a machine that does little else. False: one line says what is left out.
export function inRealTime(what) {
  if (process.env.SOTTO_REAL_TIME !== '0') return true;
  console.log(`left out: ${what} (SOTTO_REAL_TIME=0)`);
  return false;
}

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export async function until(what, holds, ms = 30000) {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
  check(what, true);
}
