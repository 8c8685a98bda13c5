// form[data-keep]: keeps the open form on the server, so that no closed tab and no crash loses what was typed: a while
// after the last key, and as the page is left. Looks and buttons keep it as well; `turn` names the opened page and
// counts its changes, so that what comes late never overwrites what was typed later.
const form = document.querySelector('form[data-keep]');
const AFTER_MS = 4000;
const opening = [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('');
let turn = 0;
let kept = 0;
let timer;

const keep = async () => {
  const sent = turn;
  try {
    const answer = await fetch(form.dataset.keep, { method: 'POST', body: new FormData(form) });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('draft-line');
    const line = document.getElementById('draft-line');
    line.querySelector('[data-saved]').textContent = fresh.querySelector('[data-saved]').textContent;
    line.toggleAttribute('data-kept', fresh.hasAttribute('data-kept'));
    kept = sent;
  } catch {
    // Not reached: the next key, or the end of the page, tries again.
  }
};
const mark = () => {
  turn += 1;
  form.querySelector('[data-turn]').value = `${opening}:${turn}`;
  clearTimeout(timer);
  timer = setTimeout(keep, AFTER_MS);
};
if (form) {
  for (const kind of ['input', 'change', 'typed']) form.addEventListener(kind, mark, true);
  const leave = () => {
    if (turn === kept) return;
    clearTimeout(timer);
    if (navigator.sendBeacon(form.dataset.keep, new FormData(form))) kept = turn;
  };
  addEventListener('pagehide', leave);
  // A draft that is opened again takes over what another form of the same person still holds.
  if (document.querySelector('[data-kept]')) addEventListener('load', () => form.dispatchEvent(new Event('look', { bubbles: true })));
  document.addEventListener('visibilitychange', () => { if (document.hidden) leave(); });
}
