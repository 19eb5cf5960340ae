// What the tests of this folder share: `sotto serve` on a free port, and checks that speak.
import { spawn } from 'node:child_process';

export function check(what, holds) {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok: ${what}`);
}

export async function serve(sotto, workflow, ...more) {
  const server = spawn(sotto, ['serve', '--workflow', workflow, '--port', '0', '--database', ':memory:', ...more],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (bytes) => {
      text += bytes;
      const found = text.match(/Sotto is at (\S+)/);
      if (found) resolve(found[1]);
    });
    server.on('exit', (code) => reject(new Error(`sotto serve ended with ${code}`)));
  });
  return { url, server };
}
