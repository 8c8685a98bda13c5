// [data-watch="address"]: asks now and then whether this page still shows what is so. It is read anew by itself; where
// something has been typed, what stands in the element says so instead and the typing stays.
const notice = document.querySelector('[data-watch]');
const EVERY_SECONDS = 20;
const IN_TROUBLE_SECONDS = 60;
const CHANGED = 205;
const OVER = 410;
const RESTORED = 'guest-page-anew';

const fields = () => [...document.querySelectorAll('main :is(textarea, input:not([type="hidden"]), select)')];
const isTyped = (field) => {
  if (field.matches('select')) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  if (field.matches('[type="checkbox"], [type="radio"]')) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
};

const readAnew = () => {
  if (fields().some(isTyped)) {
    notice.hidden = false;
    return;
  }
  // Without what was said once, such as that an answer is noted.
  const address = new URL(location.href);
  for (const name of ['zapisano', 'za-wczesnie', 'a']) address.searchParams.delete(name);
  try { sessionStorage.setItem(RESTORED, String(scrollY)); } catch { /* kept nowhere, then */ }
  location.replace(address);
};

let timer;
const ask = async () => {
  clearTimeout(timer);
  let pause = EVERY_SECONDS;
  if (document.visibilityState === 'visible' && notice.hidden) {
    try {
      const answer = await fetch(notice.dataset.watch, { cache: 'no-store', credentials: 'same-origin' });
      if (answer.status === CHANGED || answer.status === OVER) return readAnew();
      if (!answer.ok) pause = IN_TROUBLE_SECONDS;
    } catch {
      pause = IN_TROUBLE_SECONDS;
    }
  }
  timer = setTimeout(ask, pause * 1000);
};

if (notice) {
  try {
    const place = sessionStorage.getItem(RESTORED);
    sessionStorage.removeItem(RESTORED);
    if (place !== null && document.activeElement === document.body) scrollTo(0, Number(place));
  } catch { /* private windows may refuse */ }
  timer = setTimeout(ask, EVERY_SECONDS * 1000);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && ask());
  document.addEventListener('countdown:over', (event) => {
    event.preventDefault();
    ask();
  });
}
