// [data-quick]: quick booking. A free stretch of the board opens it instead of leading to the booking form; what it says
// comes from the server, again after each change. Where that fails, the way without script is taken.
// Beside the board it stands without closing off the page; on a phone it is a sheet above it.
const dialog = document.querySelector('[data-quick]');
const BOOKED = 'narada.booked';
const UNDONE = 'narada.undone';
const WAIT_MS = 300; // Until then nothing shows that something is asked for.
const LOOK_MS = 250;
const narrow = matchMedia('(max-width: 47.99rem)');

const setUp = () => {
  const body = dialog.querySelector('[data-quick-body]');
  const status = dialog.querySelector('[data-quick-status]');
  const form = () => body.querySelector('[data-quick-form]');
  const field = (name) => form()?.elements.namedItem(name);
  const template = (name) => dialog.querySelector(`template[data-quick-${name}]`).content.cloneNode(true);
  const fromStretch = (free) => Object.fromEntries(['room', 'day', 'start'].map((name) => [name, new URL(free.href).searchParams.get(name)]));
  const minutes = (text) => {
    const match = /^\s*([01]?\d|2[0-3])(?:[:.]?([0-5]\d))?\s*$/.exec(text);
    return match && Number(match[1]) * 60 + Number(match[2] ?? 0);
  };
  const clock = (total) => `${Math.floor(total / 60)}:${String(total % 60).padStart(2, '0')}`;
  let stretch = null; // The link that opened it; `place` finds it again when the board was drawn anew.
  let key = null;
  let shift = 0; // How far from its left edge, pixels.
  let request = null;
  let timer;
  let kept = ''; // A title typed and not booked waits for the next stretch.

  const find = () => {
    if (stretch?.isConnected || !key) return stretch;
    const same = (free) => free.dataset.from === key.from && fromStretch(free).room === key.room;
    stretch = [...document.querySelectorAll('[data-board] a.free')].find(same) ?? null;
    return stretch;
  };
  const place = () => {
    if (!dialog.open || narrow.matches) return;
    const box = find()?.getBoundingClientRect();
    if (!box) return;
    const [width, height] = [dialog.offsetWidth, dialog.offsetHeight];
    const below = box.bottom + height + 14 < innerHeight;
    dialog.style.setProperty('--q-left', `${Math.max(8, Math.min(document.documentElement.clientWidth - width - 8, box.left + shift - 40))}px`);
    dialog.style.setProperty('--q-top', `${below ? box.bottom + 6 : Math.max(8, Math.min(box.top - height - 6, innerHeight - height - 8))}px`);
  };
  const show = () => {
    if (dialog.open) return;
    if (narrow.matches) dialog.showModal(); else dialog.show();
  };
  // Puts an answer in place; what is typed, where the cursor stands and what has the focus stay.
  const draw = (html) => {
    const active = dialog.contains(document.activeElement) ? document.activeElement : null;
    const id = active?.id;
    const cursor = active?.matches('input:not([type=radio])') ? [active.selectionStart, active.selectionEnd] : null;
    const title = form() ? field('title').value : kept;
    body.innerHTML = html;
    field('title').value = title;
    place();
    const again = id && document.getElementById(id);
    if (!again) return;
    again.focus();
    if (cursor) again.setSelectionRange(...cursor);
    if (document.activeElement !== again) field('title').focus(); // It is disabled now.
  };

  const ask = (url, choices = {}) => {
    request?.abort();
    request = new AbortController();
    return fetch(url, { ...choices, headers: { 'X-Requested-With': 'fetch' }, signal: request.signal });
  };
  const lookAt = async (asked) => {
    const answer = await ask(`${dialog.dataset.show}?${new URLSearchParams({ ...asked, back: location.search })}`);
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    draw(await answer.text());
  };
  const look = async () => {
    const asked = { room: field('rooms').value, day: field('day').value, start: field('start').value, length: field('length').value, submission: field('submission').value };
    try {
      await lookAt(asked);
      status.textContent = form().dataset.verdict;
    } catch (error) {
      if (error.name !== 'AbortError') sayOffline();
    }
  };
  const sayOffline = () => {
    body.querySelector('[data-quick-problem]')?.remove();
    form().lastElementChild.before(template('offline'));
    form().querySelector('[aria-busy]')?.removeAttribute('aria-busy');
    place();
  };
  const lookSoon = () => {
    // The booking form gets the end as well, also before the answer is here.
    const [at, length] = [minutes(field('start').value), Number(field('length').value)];
    if (at !== null) field('end').value = clock(Math.min(1440, at + length));
    clearTimeout(timer);
    timer = setTimeout(look, LOOK_MS);
  };

  const open = async (free, x) => {
    stretch?.removeAttribute('aria-expanded');
    stretch = free;
    key = { from: free.dataset.from, room: fromStretch(free).room };
    shift = x === null ? 40 : x - free.getBoundingClientRect().left;
    if (form()) kept = field('title').value;
    body.replaceChildren();
    status.textContent = '';
    free.setAttribute('aria-expanded', 'true');
    const waiting = setTimeout(() => { body.append(template('waiting')); show(); place(); }, WAIT_MS);
    try {
      await lookAt(fromStretch(free));
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(free.href);
      return;
    } finally {
      clearTimeout(waiting);
    }
    show();
    place();
    field('title').focus();
  };
  const close = () => { if (dialog.open) dialog.close(); };

  const book = async (button) => {
    if (form().dataset.sending) return;
    form().dataset.sending = 'yes';
    button.setAttribute('aria-busy', 'true');
    clearTimeout(timer);
    try {
      const answer = await ask(form().action, { method: 'POST', body: new FormData(form()) });
      if (answer.status === 201) {
        const { address, session } = await answer.json();
        sessionStorage.setItem(BOOKED, session);
        location.assign(address);
        return;
      }
      if (answer.status !== 422) {
        // Signed out, or signed in again elsewhere: the booking form keeps what was typed.
        document.getElementById('quick-more').click();
        return;
      }
      draw(await answer.text());
      (body.querySelector('[aria-invalid="true"]') ?? body.querySelector('[data-quick-problem]') ?? field('title')).focus();
    } catch (error) {
      delete form().dataset.sending;
      if (error.name !== 'AbortError') sayOffline();
      button.focus();
    }
  };

  document.addEventListener('click', (event) => {
    const free = event.target.closest('[data-board] a.free');
    if (!free || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(free, event.detail ? event.clientX : null);
  });
  document.addEventListener('focusin', (event) => {
    if (event.target.matches('[data-board] a.free')) event.target.setAttribute('aria-haspopup', 'dialog');
  });
  document.addEventListener('pointerdown', (event) => {
    if (dialog.open && !dialog.contains(event.target) && !event.target.closest('[data-board] a.free')) close();
    if (event.target === dialog && narrow.matches && event.clientY < dialog.getBoundingClientRect().top) close();
  });
  for (const name of ['scroll', 'resize']) addEventListener(name, place, { capture: true, passive: true });

  // Come back to by the browser's own button, the board is as it was left, with a popover that was sent.
  addEventListener('pageshow', (event) => { if (event.persisted) close(); });

  dialog.addEventListener('submit', (event) => {
    if (event.submitter?.id === 'quick-more') return;
    event.preventDefault();
    book(event.submitter ?? document.getElementById('quick-submit'));
  });
  dialog.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.matches('[data-close]')) close();
    if (button.dataset.step) {
      step(Number(button.dataset.step));
      button.focus();
    }
    if (button.dataset.start) {
      for (const name of ['day', 'start']) field(name).value = button.dataset[name];
      const length = document.getElementById(`quick-length-${button.dataset.length}`);
      length.disabled = false;
      length.checked = true;
      field('title').focus();
      lookSoon();
    }
  });
  const step = (by) => {
    const input = field('start');
    const at = minutes(input.value);
    if (at === null) return;
    // To the next quarter of an hour, within the day.
    const quarter = by > 0 ? Math.floor(at / 15) * 15 : Math.ceil(at / 15) * 15;
    input.value = clock(Math.max(0, Math.min(1425, quarter + by)));
    lookSoon();
  };
  dialog.addEventListener('change', (event) => { if (event.target.matches('[name=start], [name=length]')) lookSoon(); });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') { event.preventDefault(); close(); return; }
    if (event.target.matches('[name=start]') && ['ArrowUp', 'ArrowDown'].includes(event.key)) {
      event.preventDefault();
      step(event.key === 'ArrowUp' ? 15 : -15);
    }
    if (event.key !== 'Tab' || dialog.matches(':modal')) return;
    // Beside the board Tab goes round: what follows in the document is at its end, far from here.
    const stops = [...body.querySelectorAll('button, input:not([type=hidden], [type=radio]), input[type=radio]:checked:not(:disabled)')];
    const [first, last] = [stops.at(0), stops.at(-1)];
    if (document.activeElement !== (event.shiftKey ? first : last)) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  });
  dialog.addEventListener('close', () => {
    request?.abort();
    clearTimeout(timer);
    if (form()) kept = field('title').value;
    const free = find();
    free?.removeAttribute('aria-expanded');
    // Whoever clicked elsewhere meant that.
    if (!document.activeElement || document.activeElement === document.body || dialog.contains(document.activeElement)) free?.focus();
    body.replaceChildren();
  });
};

// Back on the board, the new session has the focus; once it is taken back, the stretch that is free again.
const columnsOf = (cell) => ['a', 'z'].map((side) => Number(new RegExp(`(?:^| )${side}-(\\d+)`).exec(cell.className)?.[1]));
const freed = ({ row, column }) => [...document.querySelectorAll(`#${CSS.escape(row)} .cell:has(> a.free)`)].find((cell) => {
  const [first, last] = columnsOf(cell);
  return first <= column && column < last;
})?.firstElementChild;
const comeBack = () => {
  const [booked, undone] = [BOOKED, UNDONE].map((key) => {
    const value = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return value;
  });
  const session = booked && document.querySelector(`[data-session="${CSS.escape(booked)}"]`);
  const place = session || (undone && freed(JSON.parse(undone)));
  place?.focus();
  place?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  if (!session) return;
  document.addEventListener('submit', (event) => {
    const cell = event.target.closest('.toast__acts') && session.closest('.cell');
    if (cell) sessionStorage.setItem(UNDONE, JSON.stringify({ row: cell.closest('.board__row').id, column: columnsOf(cell)[0] }));
  });
};

if (dialog) {
  setUp();
  comeBack();
}
