// [data-combobox]: suggestions for a text field (ARIA APG, combobox with list autocomplete, manual selection).
// Choosing one, or Return on what was typed, is left to the form: event "press", by the verbs [data-choose] and
// [data-add]. Without script it is a plain field.
const PAUSE_MS = 200;

const setUp = (box) => {
  const input = box.querySelector('input');
  const list = box.querySelector('[role="listbox"]');
  const status = box.querySelector('[data-count]');
  const { choose = 'choose', add = 'add' } = box.dataset;
  let timer;
  let request;
  let active = -1;
  const options = () => [...list.children];
  const mark = (index) => {
    active = index;
    options().forEach((option, at) => option.setAttribute('aria-selected', String(at === index)));
    const option = options()[index];
    if (option) input.setAttribute('aria-activedescendant', option.id); else input.removeAttribute('aria-activedescendant');
    option?.scrollIntoView({ block: 'nearest' });
  };
  const close = () => {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    mark(-1);
  };
  const open = () => {
    list.hidden = !list.children.length;
    input.setAttribute('aria-expanded', String(!list.hidden));
    mark(-1);
  };
  const press = (doing) => {
    close();
    box.dispatchEvent(new CustomEvent('press', { bubbles: true, detail: doing }));
  };
  const search = async () => {
    request?.abort();
    request = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.url}?${new URLSearchParams({ q: input.value })}`, { signal: request.signal });
      if (!answer.ok || answer.redirected) return;
      list.innerHTML = await answer.text();
      options().forEach((option, at) => { option.id = `${list.id}-${at}`; }); // A page may have several lists.
    } catch { return; } // Replaced by a newer search, or no connection: an address can still be typed.
    open();
    status.textContent = list.children.length ? `${list.getAttribute('aria-label')}: ${list.children.length}` : status.dataset.none;
  };

  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': list.id })) {
    input.setAttribute(name, value);
  }
  input.addEventListener('input', () => {
    clearTimeout(timer);
    if (input.value.trim().length < 2) close(); else timer = setTimeout(search, PAUSE_MS);
  });
  input.addEventListener('keydown', (event) => {
    const count = list.hidden ? 0 : list.children.length;
    if (event.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!count) return;
      event.preventDefault();
      // A slower answer no longer replaces the list in which somebody is choosing.
      clearTimeout(timer);
      request?.abort();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      mark(active < 0 && step < 0 ? count - 1 : (active + step + count) % count);
    } else if (event.key === 'Enter') {
      if (!input.value.trim() && active < 0) return;
      event.preventDefault();
      press(active >= 0 ? `${choose} ${options()[active].dataset.token}` : add);
    } else if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener('blur', close);
  // Before the blur that a click causes.
  list.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    const option = event.target.closest('[role="option"]');
    if (option) press(`${choose} ${option.dataset.token}`);
  });
  input.addEventListener('paste', (event) => {
    if (add !== 'add') return; // One person, not a list.
    const text = event.clipboardData.getData('text');
    if (!/[\n;]/.test(text.trim()) && text.split('@').length < 3) return;
    event.preventDefault();
    document.getElementById('id_addresses').value += `\n${text}`;
    press('add');
  });
};

const setUpAll = () => {
  for (const box of document.querySelectorAll('[data-combobox]:not([data-ready])')) {
    box.dataset.ready = '';
    setUp(box);
  }
};
document.addEventListener('htmx:afterSwap', setUpAll);
setUpAll();
