// What the page asks the server: over REST for what is typed, with a key where one is needed.
let token = null;
let tokenEnds = 0;

export function rememberKey(key) { sessionStorage.setItem('sotto-key', key); token = null; }
export const hasKey = () => sessionStorage.getItem('sotto-key') !== null;

async function bearer() {
  const key = sessionStorage.getItem('sotto-key');
  if (!key) return '';
  if (token && Date.now() < tokenEnds) return token;
  const answer = await fetch('/v1/tokens', { method: 'POST', headers: { Authorization: `Bearer ${key}` } });
  if (!answer.ok) { sessionStorage.removeItem('sotto-key'); return ''; }
  const made = await answer.json();
  token = made.token;
  tokenEnds = Date.now() + (made.expires_in - 30) * 1000;
  return token;
}

export { bearer };

// The answer's JSON; an Error with the server's own sentence and `status` otherwise.
export async function ask(method, path, body) {
  const headers = {};
  const who = await bearer();
  if (who) headers.Authorization = `Bearer ${who}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 204) return null;
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  throw Object.assign(new Error(json.detail || `the server answered ${answer.status}`), { status: answer.status });
}
