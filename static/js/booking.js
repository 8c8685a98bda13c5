// form[data-booking]: the booking form without full page loads. Every button works without this file: it would send
// the form and get the page again. With it, buttons other than "book" swap the form's content, and [data-live] asks
// for itself after each change (hx-trigger); here the rest is kept in step.
const form = document.querySelector('form[data-booking]');
const SAY_EVERY_MS = 5000;

// Buttons: all but the one that saves are answered in place. Caught before busy.js, which would lock the form.
const press = async (doing) => {
  // What is still on its way answers a form that is about to go.
  window.htmx.trigger('#live', 'htmx:abort');
  form.dispatchEvent(new Event('typed'));
  await window.htmx.ajax('POST', form.dataset.preview, { source: form, target: form, swap: 'innerHTML', values: { do: doing } });
  document.querySelectorAll('[data-summary], [data-race]').forEach((old) => old.remove());
  const verb = doing.split(' ')[0];
  if (['add', 'choose', 'remove', 'split', 'flip'].includes(verb)) document.getElementById('id_who').focus();
  if (verb === 'organizer') document.getElementById('lead-summary').focus();
  if (verb === 'lead') (document.querySelector('#id_lead[aria-invalid]') ?? document.getElementById('lead-summary')).focus();
  if (['time', 'room', 'drop', 'rebase'].includes(verb)) document.getElementById('availability').focus();
  if (verb === 'keep') {
    form.querySelector('[name=do][value=keep]').focus();
    form.querySelector('[data-checked]').lastElementChild.textContent = document.getElementById('draft-line').textContent;
  }
  if (['propose', 'leave'].includes(verb)) document.getElementById('dates').focus();
  if (['borrow', 'unborrow', 'emergency', 'noemergency'].includes(verb)) {
    (document.querySelector('#id_emergency_reason[aria-invalid]') ?? document.getElementById('availability')).focus();
  }
};
document.addEventListener('submit', (event) => {
  const button = event.submitter;
  if (event.target !== form || !window.htmx || button?.name !== 'do' || ['book', 'waitlist', 'template'].includes(button.value)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (button.value === 'check') form.dispatchEvent(new Event('look', { bubbles: true })); else press(button.value);
}, true);
form.addEventListener('press', (event) => press(event.detail));

// A reason changes nothing of what is free: no look is asked for, or its answer would take away the button beside the
// field while it is pressed. An answer to an earlier change leaves what is being typed there.
form.addEventListener('change', (event) => {
  if (event.target.matches('[data-quiet]')) event.stopImmediatePropagation();
}, true);
const reason = () => form.querySelector('[data-quiet]');
let typed;
document.addEventListener('htmx:beforeSwap', () => {
  const was = reason();
  typed = was && [was.value, was.selectionStart, was.selectionEnd];
});
document.addEventListener('htmx:afterSwap', () => {
  const is = reason();
  if (!is || !typed) return;
  [is.value] = typed;
  if (document.activeElement === is) is.setSelectionRange(typed[1], typed[2]);
});

// Times: the length stays when the start changes, „930” becomes 9:30, and a whole time is looked at while typing.
const minutes = (text) => {
  const match = /^([01]?\d|2[0-3])(?:[:.,h ]?([0-5]\d))?$/.exec(text.trim());
  return match && +match[1] * 60 + +(match[2] ?? 0);
};
const asClock = (total) => `${Math.floor(total / 60)}:${String(total % 60).padStart(2, '0')}`;
const field = (name) => document.getElementById(`id_${name}`);
let before = null;
form.addEventListener('focusin', (event) => {
  if (event.target.id === 'id_start') before = [minutes(event.target.value), minutes(field('end').value)];
});
form.addEventListener('change', (event) => {
  const { target } = event;
  if (target.id !== 'id_start' && target.id !== 'id_end') return;
  const now = minutes(target.value);
  if (now === null) return;
  target.value = asClock(now);
  if (target.id === 'id_end' || !before || before.includes(null)) return;
  const end = now + before[1] - before[0];
  if (before[1] > before[0] && end < 1440) field('end').value = asClock(end);
  before = [now, minutes(field('end').value)];
}, true);
form.addEventListener('input', (event) => {
  if (event.target.matches('#id_start, #id_end') && /^\d{1,2}[:.]\d\d$/.test(event.target.value)) {
    event.target.dispatchEvent(new Event('look', { bubbles: true }));
  }
  if (event.target.matches('[data-step-field]')) {
    event.target.closest('[data-step]').classList.toggle('is-done', Boolean(event.target.value.trim()));
  }
});

// A series: whoever writes an end means that kind of end.
form.addEventListener('input', (event) => {
  const ending = { id_until: 'until', id_count: 'count' }[event.target.id];
  if (ending) form.querySelector(`[name=ending][value=${ending}]`).checked = true;
});
// An answer to what stood in the form before the last change would take that change back.
form.addEventListener('change', () => window.htmx?.trigger(document.getElementById('live'), 'htmx:abort'), true);
// A series on the weekday of its day alone follows the day; what was unfolded stays so.
const followDay = () => {
  const note = document.getElementById('series-note');
  const of = document.getElementById('id_weekday_of');
  if (!note || !of || note.dataset.weekdayOf === of.value) return;
  of.value = note.dataset.weekdayOf;
  for (const box of form.querySelectorAll('[name=weekday]')) box.checked = note.dataset.weekdays.includes(box.value);
};
let isUnfolded = false;
form.addEventListener('toggle', (event) => { if (event.target.id === 'all-dates') isUnfolded = event.target.open; }, true);
// The fields for sites and what is brought to them follow the rooms. Where the same ones come they stay as they are;
// else what was typed since the question went over, and as no field tells of that any more, a look does.
const keepTyped = (detail) => {
  const fields = (root) => [...root.querySelectorAll('input')];
  const old = fields(detail.target);
  const fresh = new Map(fields(detail.fragment).map((input) => [input.id, input]));
  if (old.length === fresh.size && old.every((input) => fresh.has(input.id))) {
    detail.shouldSwap = false;
    return;
  }
  for (const input of old) {
    const next = fresh.get(input.id);
    if (!next || (next.value === input.value && next.checked === input.checked)) continue;
    next.value = input.value;
    next.checked = input.checked;
    setTimeout(() => form.dispatchEvent(new Event('look', { bubbles: true })));
  }
};
// Before it is put in its place, or what has the focus in there would lose it.
document.addEventListener('htmx:oobBeforeSwap', (event) => {
  const dates = event.detail.fragment?.querySelector('#all-dates');
  if (dates) dates.open = isUnfolded;
  if (event.detail.target.id === 'wishes-fields') keepTyped(event.detail);
});
document.addEventListener('htmx:afterSettle', () => {
  followDay();
  const dates = document.getElementById('all-dates');
  if (dates && isUnfolded) dates.open = true;
});

// After an answer: which fields are wrong, and the verdict for a screen reader, at most once in five seconds.
let saidAt = 0;
let waiting;
const say = () => {
  const verdict = form.querySelector('[data-verdict]');
  const region = form.querySelector('[data-checked]');
  if (!verdict || !region) return;
  saidAt = Date.now();
  region.firstElementChild.textContent = verdict.dataset.at;
  region.lastElementChild.textContent = `. ${verdict.innerHTML}`;
};
// What is put right leaves the summary above the form; what is new stands beside its field.
const shorten = () => {
  const list = document.querySelector('[data-problem-list]');
  const left = form.querySelector('[data-problems]');
  if (!list || !left) return;
  const texts = new Set([...left.content.children].map((item) => item.textContent));
  for (const item of [...list.children]) if (!texts.has(item.textContent)) item.remove();
  if (!list.children.length) list.closest('[data-summary]').remove();
};
const refresh = () => {
  for (const input of form.querySelectorAll('[data-told]')) {
    if (document.getElementById(`id_${input.dataset.told}_error`)) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  shorten();
  clearTimeout(waiting);
  waiting = setTimeout(say, Math.max(150, saidAt + SAY_EVERY_MS - Date.now()));
};
document.addEventListener('htmx:afterSettle', refresh);

// The server cannot be reached, or no longer knows who this is: say so, and keep everything.
const notice = (name, shown) => { document.querySelector(`[data-${name}]`).hidden = !shown; };
document.addEventListener('htmx:afterOnLoad', (event) => {
  notice('signed-out', event.detail.xhr.status === 401);
  notice('offline', false);
});
document.addEventListener('htmx:sendError', () => notice('offline', true));

// Leaving with something typed asks first, unless it is kept as a draft (draft.js); sending does not.
let isTyped = false;
form.addEventListener('input', () => { isTyped = true; });
form.addEventListener('submit', () => { isTyped = false; });
const isSafe = () => document.querySelector('[data-kept]') && document.querySelector('[data-offline]').hidden;
addEventListener('beforeunload', (event) => { if (isTyped && !isSafe()) event.preventDefault(); });

// What the open form holds is given up as it is closed; if this is lost, it ends by itself.
addEventListener('pagehide', () => {
  const held = new FormData();
  held.append('submission', form.querySelector('[name=submission]').value);
  navigator.sendBeacon(form.dataset.release, held);
});

// A lost race stands above the page; without script it stands in it.
const race = document.querySelector('[data-race]');
if (race) {
  race.close();
  race.classList.remove('dialog--inline');
  race.showModal();
  race.querySelector('button')?.focus();
  race.querySelector('[data-close-race]').addEventListener('click', (event) => {
    event.preventDefault();
    race.close();
  });
  race.addEventListener('close', () => document.querySelector('[data-summary]')?.focus());
}
