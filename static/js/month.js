// [data-calendar]: a link to a month opens it above the page; a day chosen there is followed, or with
// data-calendar="id of a field" written into that field. Arrows move by days and weeks, Home and End within the week,
// PageUp and PageDown by months; Esc closes. Without script the link leads to the month as a page.
const pad = (number) => String(number).padStart(2, '0');
const iso = (day) => `${day.getUTCFullYear()}-${pad(day.getUTCMonth() + 1)}-${pad(day.getUTCDate())}`;
const asDay = (text) => new Date(`${text}T00:00Z`);
const plusDays = (day, count) => new Date(day.getTime() + count * 86_400_000);
const plusMonths = (day, count) => {
  const first = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + count, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(day.getUTCDate(), last)));
};
const weekday = (day) => (day.getUTCDay() + 6) % 7;
const moves = {
  ArrowLeft: (day) => plusDays(day, -1), ArrowRight: (day) => plusDays(day, 1),
  ArrowUp: (day) => plusDays(day, -7), ArrowDown: (day) => plusDays(day, 7),
  Home: (day) => plusDays(day, -weekday(day)), End: (day) => plusDays(day, 6 - weekday(day)),
  PageUp: (day) => plusMonths(day, -1), PageDown: (day) => plusMonths(day, 1),
};

const setUp = (opener) => {
  const field = opener.dataset.calendar ? document.getElementById(opener.dataset.calendar) : null;
  const dialog = document.createElement('dialog');
  dialog.className = 'dialog month-dialog';
  dialog.setAttribute('aria-label', opener.getAttribute('aria-label'));
  let asked;

  const days = () => [...dialog.querySelectorAll('a[data-day]')];
  const mark = (chosen) => { for (const day of days()) day.tabIndex = day === chosen ? 0 : -1; };
  const show = async (href, focusOn) => {
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(href, { signal: asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const month = page.querySelector('[data-month]');
      // Signed out meanwhile, or no such month: the page itself says so.
      if (!month) { location.assign(href); return; }
      dialog.replaceChildren(document.adoptNode(month));
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(href);
      return;
    }
    const chosen = dialog.querySelector(`a[data-day="${focusOn}"]`) ?? dialog.querySelector('[data-chosen]') ?? days()[0];
    mark(chosen);
    if (!dialog.open) dialog.showModal();
    if (focusOn !== 'steps') chosen.focus();
  };
  const hrefOf = (day) => {
    const url = new URL(opener.href);
    url.pathname = url.pathname.replace(/\d{4}-\d{2}-\d{2}/, iso(day));
    return url.href;
  };

  opener.setAttribute('aria-haspopup', 'dialog');
  opener.hidden = false;
  opener.after(dialog);
  opener.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const box = opener.getBoundingClientRect();
    dialog.style.setProperty('--at-left', `${Math.max(16, Math.min(box.left, innerWidth - 400))}px`);
    dialog.style.setProperty('--at-top', `${Math.max(16, Math.min(box.bottom + 4, innerHeight - 400))}px`);
    show(opener.href);
  });
  dialog.addEventListener('close', () => {
    asked?.abort();
    dialog.replaceChildren();
    opener.focus();
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) { dialog.close(); return; }
    const step = event.target.closest('a[data-to]');
    if (step) {
      event.preventDefault();
      const rel = step.rel;
      show(step.href, 'steps').then(() => dialog.querySelector(`a[rel="${rel}"]`)?.focus());
      return;
    }
    const day = event.target.closest('a[data-day]');
    if (!day || !field) return;
    event.preventDefault();
    field.value = day.dataset.typed;
    dialog.close();
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  });
  dialog.addEventListener('keydown', (event) => {
    const from = event.target.closest('a[data-day]');
    if (!from || !(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const to = moves[event.key](asDay(from.dataset.day));
    const here = dialog.querySelector(`a[data-day="${iso(to)}"]:not(.is-other)`);
    if (here) { mark(here); here.focus(); } else show(hrefOf(to), iso(to));
  });
};

for (const opener of document.querySelectorAll('a[data-calendar]')) setUp(opener);
