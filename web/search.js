// Search of documents for any page: an element that asks POST /v1/search and shows the answer with its source.
//
//   <script type="module" src="https://sotto.example/search.js"></script>
//   <sotto-search server="https://sotto.example" index="policies" placeholder="Ask about our fees"></sotto-search>
//
// `server`: by default where this file came from. `token`: of POST /v1/tokens, where the server wants one; a page never
// holds a key. A page elsewhere is allowed by `sotto serve --origin`. What is found is shown as text, never as HTML.
const here = new URL(import.meta.url).origin;

const style = new CSSStyleSheet();
style.replaceSync(`
  :host { display: block; font: inherit; }
  form { display: flex; gap: .5em; }
  input { flex: 1; font: inherit; padding: .5em; border: 1px solid #8888; border-radius: .3em; background: none; color: inherit; }
  button { font: inherit; padding: .5em 1em; border: 1px solid #8888; border-radius: .3em; background: none; color: inherit; cursor: pointer; }
  .answer { margin: .8em 0 .2em; font-weight: 600; }
  .source { opacity: .7; font-size: .9em; }
  details { margin-top: .6em; }
  li { margin: .4em 0; }
`);

function sourceOf(hit) {
  return [hit.document, ...(hit.page ? [`page ${hit.page}`] : []), ...(hit.headings.length ? [hit.headings.join(' > ')] : [])].join(', ');
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export class SottoSearch extends HTMLElement {
  #asked = 0;
  #before = '';

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [style];
    const form = element('form');
    form.setAttribute('role', 'search');
    const input = element('input');
    input.type = 'search';
    input.maxLength = 1000;
    input.placeholder = this.getAttribute('placeholder') ?? 'Ask a question';
    input.setAttribute('aria-label', input.placeholder);
    const found = element('div');
    found.setAttribute('aria-live', 'polite');
    form.append(input, element('button', this.getAttribute('button') ?? 'Ask'));
    root.append(form, found);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (input.value.trim()) this.#ask(input.value.trim(), found);
    });
  }

  async #ask(query, found) {
    const number = ++this.#asked;
    try {
      const answer = await this.search(query);
      if (number === this.#asked) this.#show(answer, found);
    } catch (error) {
      if (number === this.#asked) found.replaceChildren(element('p', `The search does not work right now (${error.message}).`));
    }
  }

  // What POST /v1/search answers. The question before goes along as context.
  async search(query) {
    const token = this.getAttribute('token');
    const body = { query, ...(this.#before ? { context: this.#before } : {}), ...(this.getAttribute('index') ? { index: this.getAttribute('index') } : {}) };
    const response = await fetch(new URL('/v1/search', this.getAttribute('server') ?? here), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    this.#before = query;
    return response.json();
  }

  #show(answer, found) {
    const parts = [];
    if (answer.answer === null) {
      parts.push(element('p', 'The documents do not answer that.'));
    } else {
      parts.push(element('p', answer.answer, 'answer'), element('p', sourceOf(answer.citations[0]), 'source'));
    }
    if (answer.hits.length) {
      const more = element('details');
      const list = element('ol');
      for (const hit of answer.hits) {
        const item = element('li', hit.quote);
        item.append(element('div', sourceOf(hit), 'source'));
        list.append(item);
      }
      more.append(element('summary', 'Where this may stand'), list);
      parts.push(more);
    }
    found.replaceChildren(...parts);
    this.dispatchEvent(new CustomEvent('sotto-answer', { detail: answer, bubbles: true, composed: true }));
  }
}

if (!customElements.get('sotto-search')) customElements.define('sotto-search', SottoSearch);
