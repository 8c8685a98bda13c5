// The rooms of the booking form: in which order they were chosen, a search, and only the free ones.
const form = document.querySelector('form[data-booking]');
const plain = (text) => text.toLowerCase().replaceAll('ł', 'l').normalize('NFD').replace(/\p{M}/gu, '');
// Kept here, because the form's content is swapped.
let wanted = '';
let onlyFree = false;

const filter = () => {
  const words = plain(wanted).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const site of form.querySelectorAll('[data-site]')) {
    let here = 0;
    for (const card of site.querySelectorAll('[data-room]')) {
      const box = card.querySelector('input');
      const state = card.querySelector('[data-state]').dataset.state;
      const fits = words.every((word) => card.dataset.room.includes(word)) && (!onlyFree || (state === 'ok' && !box.disabled));
      // What is chosen stays in sight.
      card.hidden = !fits && !box.checked;
      here += !card.hidden;
      found += fits;
    }
    site.hidden = !here;
  }
  form.querySelector('[data-no-room]').hidden = found > 0;
};
const start = () => {
  form.querySelector('[data-room-tools]').hidden = false;
  form.querySelector('[data-room-search]').value = wanted;
  form.querySelector('[data-only-free]').setAttribute('aria-pressed', String(onlyFree));
  filter();
};
form.addEventListener('input', (event) => {
  if (!event.target.matches('[data-room-search]')) return;
  wanted = event.target.value;
  filter();
});
form.addEventListener('click', (event) => {
  const chip = event.target.closest('[data-only-free]');
  if (!chip) return;
  onlyFree = !onlyFree;
  chip.setAttribute('aria-pressed', String(onlyFree));
  filter();
});
form.addEventListener('change', (event) => {
  if (event.target.name !== 'rooms') return;
  const order = form.querySelector('[data-room-order]');
  const ids = order.value.split(',').filter((id) => id && id !== event.target.value);
  if (event.target.checked) ids.push(event.target.value);
  order.value = ids.join(',');
}, true);
document.addEventListener('htmx:afterSettle', start);
start();
