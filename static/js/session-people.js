// [data-filters]: links that filter the lists [data-people] of the page; here they do it in place, as toggles.
const filters = document.querySelector('[data-filters]');
if (filters) {
  const chips = [...filters.querySelectorAll('[data-shows]')];
  const people = [...document.querySelectorAll('[data-people] > [data-answer]')];
  const rest = document.querySelector('.people__more');
  const press = (chip) => {
    const key = chip.dataset.shows;
    for (const other of chips) {
      other.removeAttribute('aria-current');
      other.setAttribute('aria-pressed', String(other === chip));
    }
    for (const person of people) person.hidden = Boolean(key) && person.dataset.answer !== key;
    // Who is folded away would not be found.
    if (rest && key) rest.open = true;
    const address = new URL(location.href);
    if (key) address.searchParams.set('osoby', key); else address.searchParams.delete('osoby');
    history.replaceState(history.state, '', address);
  };
  for (const chip of chips) {
    chip.setAttribute('role', 'button');
    chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-current') === 'true'));
    chip.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      press(chip);
    });
    chip.addEventListener('keydown', (event) => {
      if (event.key !== ' ') return;
      event.preventDefault();
      press(chip);
    });
  }
  filters.setAttribute('role', 'group');
}

// [data-copy-opened]: a fold that copies its text as it opens, and says so; without a clipboard it shows it all the same.
for (const fold of document.querySelectorAll('[data-copy-opened]')) {
  const said = fold.querySelector('[data-copied]');
  fold.addEventListener('toggle', async () => {
    said.textContent = '';
    if (!fold.open) return;
    fold.querySelector('input').select();
    if (!navigator.clipboard) return;
    await navigator.clipboard.writeText(fold.dataset.copyOpened);
    said.textContent = said.dataset.copied;
  });
}
