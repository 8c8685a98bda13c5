// On [data-board], a pointer over a free stretch shows the half hour that a click will start; the click carries it along.
const board = document.querySelector('[data-board]');
const minutes = (text) => text.split(':').reduce((hours, rest) => Number(hours) * 60 + Number(rest));
const words = (at) => `${Math.floor(at / 60)}:${String(at % 60).padStart(2, '0')}`;

const stretch = (free) => {
  const from = minutes(free.dataset.from);
  // A stretch until midnight ends at 0:00.
  return [from, minutes(free.dataset.to) || 1440];
};
const startAt = (free, x) => {
  const box = free.getBoundingClientRect();
  const [from, to] = stretch(free);
  const at = from + ((x - box.left) / box.width) * (to - from);
  return Math.min(to - 15, Math.max(from, Math.floor(at / 30) * 30));
};

if (board) {
  const ghost = document.createElement('span');
  ghost.className = 'free__ghost';
  ghost.setAttribute('aria-hidden', 'true');
  const hide = () => ghost.remove();

  board.addEventListener('pointermove', (event) => {
    const free = event.pointerType === 'mouse' && event.target.closest('a.free');
    if (!free) { hide(); return; }
    const [from, to] = stretch(free);
    const at = startAt(free, event.clientX);
    const end = Math.min(to, (Math.floor(at / 30) + 1) * 30);
    if (ghost.parentElement !== free.parentElement) free.parentElement.append(ghost);
    ghost.style.setProperty('--g-left', `${((at - from) / (to - from)) * 100}%`);
    ghost.style.setProperty('--g-width', `${((end - at) / (to - from)) * 100}%`);
    ghost.style.display = 'flex';
    ghost.textContent = words(at);
  });
  board.addEventListener('pointerleave', hide);

  board.addEventListener('click', (event) => {
    const free = event.target.closest('a.free');
    if (!free) return;
    const [from, to] = stretch(free);
    // detail is 0 for Enter: the keyboard books from the beginning of the stretch.
    const at = event.detail ? startAt(free, event.clientX) : from;
    const url = new URL(free.href);
    url.searchParams.set('start', words(at));
    url.searchParams.set('end', words(Math.min(to, at + 60)));
    free.href = url.href;
  });
}
