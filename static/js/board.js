// [data-board]: one Tab stop for the whole board and arrows within it, names of sites included, which fold their rooms;
// siblings of a session marked, the now-line moved each minute. Without this file every stretch is an ordinary link in the Tab order.
// What board-refresh.js draws anew it announces by the event `board:drawn`; nothing here remembers rows.
const board = document.querySelector('[data-board]');
const FOLD = '.board__sitename button';
const STOPS = `.free, .sess, .closure, ${FOLD}`;

const setUpRoving = () => {
  const stops = () => [...board.querySelectorAll(STOPS)];
  const columns = (stop) => {
    if (stop.matches(FOLD)) return [0, 0];
    const style = getComputedStyle(stop.parentElement);
    return [Number(style.getPropertyValue('--a')), Number(style.getPropertyValue('--z'))];
  };
  const shownRows = () => [...board.querySelectorAll('.board__row, .board__site')]
    .map((row) => [...row.querySelectorAll(STOPS)]).filter((row) => row.length && row[0].offsetParent !== null);
  const isRoom = (row) => !row[0].matches(FOLD);
  let current = null;
  let kept = null; // The column kept while moving up and down.

  const make = (stop) => {
    if (current && current !== stop) current.tabIndex = -1;
    current = stop;
    stop.tabIndex = 0;
  };
  const go = (stop) => {
    if (!stop) return;
    make(stop);
    stop.focus({ preventScroll: true });
    stop.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  const inRow = (row) => row.find((stop) => { const [a, z] = columns(stop); return a <= kept && kept < z; })
    ?? row.find((stop) => columns(stop)[0] > kept) ?? row.at(-1);

  board.addEventListener('keydown', (event) => {
    const stop = event.target.closest(STOPS);
    if (!stop || event.altKey || event.ctrlKey || event.metaKey) return;
    const shown = shownRows();
    const y = shown.findIndex((row) => row.includes(stop));
    const row = shown[y];
    if (!row) return;
    const x = row.indexOf(stop);
    const vertical = (by, among = shown) => {
      kept ??= columns(stop)[0];
      const from = among.includes(row) ? among.indexOf(row) : among.findIndex((other) => shown.indexOf(other) > y);
      return inRow(among[Math.max(0, Math.min(among.length - 1, from + by))] ?? row);
    };
    const page = (by) => vertical(by, shown.filter(isRoom));
    const moves = {
      ArrowRight: () => row[x + 1], ArrowLeft: () => row[x - 1], Home: () => row[0], End: () => row.at(-1),
      ArrowDown: () => vertical(1), ArrowUp: () => vertical(-1), PageDown: () => page(8), PageUp: () => page(-8),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    if (!/Up|Down/.test(event.key)) kept = null;
    go(moves[event.key]());
  });
  board.addEventListener('focusin', (event) => {
    const stop = event.target.closest(STOPS);
    if (stop) make(stop);
  });
  const start = () => {
    const all = stops();
    for (const stop of all) stop.tabIndex = -1;
    if (!current?.isConnected) current = null;
    const first = current ?? board.querySelector('.free') ?? all[0];
    if (first) make(first);
  };
  board.addEventListener('board:drawn', start);
  start();
};

// Pointing at or focusing a session in several rooms outlines its siblings and dims the rest.
const setUpTracing = () => {
  const trace = (stop) => {
    const id = stop?.dataset.session;
    const same = id ? [...board.querySelectorAll(`[data-session="${id}"]`)] : [];
    board.classList.toggle('is-tracing', same.length > 1);
    for (const other of board.querySelectorAll('.is-traced')) other.classList.remove('is-traced');
    if (same.length > 1) for (const one of same) one.classList.add('is-traced');
  };
  board.addEventListener('focusin', (event) => trace(event.target.closest('.sess')));
  board.addEventListener('focusout', () => trace(null));
  board.addEventListener('pointerover', (event) => {
    const session = event.target.closest('.sess');
    trace(session);
    // Where there is no room for the text, a pointer is told it.
    if (session && !session.title) session.title = ['.sess__t', '.sess__m'].map((part) => session.querySelector(part).textContent).join(', ');
  });
  board.addEventListener('pointerleave', () => trace(null));
};

const setUpFolding = () => {
  const start = () => {
    for (const name of board.querySelectorAll('[data-site]')) {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-expanded', 'true');
      const arrow = document.createElement('span');
      arrow.className = 'fold';
      arrow.setAttribute('aria-hidden', 'true');
      button.append(arrow, name.textContent);
      name.replaceWith(button);
    }
  };
  board.addEventListener('click', (event) => {
    const button = event.target.closest(FOLD);
    if (!button) return;
    const open = button.getAttribute('aria-expanded') === 'true';
    button.setAttribute('aria-expanded', String(!open));
    button.focus(); // Some browsers leave the focus on what a click has hidden.
    for (const row of button.closest('[role=rowgroup]').querySelectorAll('.board__row')) row.hidden = open;
  });
  board.addEventListener('board:drawn', start);
  start();
};

// The server places the line; from then on it moves by the time that has passed, whatever this machine's clock says.
const setUpNow = () => {
  let marks, clocks, first, started, began, shown;
  const number = (prefix) => Number([...marks[0].classList].find((name) => name.startsWith(prefix)).slice(prefix.length));
  const start = () => {
    marks = [...document.querySelectorAll('[data-now]')];
    clocks = [...document.querySelectorAll('[data-clock]')];
    if (!marks.length || !clocks.length) return;
    first = number('a-') * 5 + number('m-');
    const [hours, minutes] = clocks.at(-1).textContent.split(':').map(Number);
    started = hours * 60 + minutes;
    began = performance.now();
    shown = 0;
  };
  start();
  board.addEventListener('board:drawn', start);
  setInterval(() => {
    if (!marks.length || !clocks.length) return;
    const passed = Math.floor((performance.now() - began) / 60_000);
    if (passed === shown) return;
    for (const mark of marks) {
      mark.classList.replace(`a-${Math.floor((first + shown) / 5)}`, `a-${Math.floor((first + passed) / 5)}`);
      mark.classList.replace(`m-${(first + shown) % 5}`, `m-${(first + passed) % 5}`);
    }
    const clock = (started + passed) % 1440;
    for (const at of clocks) at.textContent = `${Math.floor(clock / 60)}:${String(clock % 60).padStart(2, '0')}`;
    shown = passed;
  }, 5_000);
};

const setUpPlace = () => {
  const measure = () => {
    board.style.setProperty('--board-sticky', `${board.querySelector('.board__top').offsetHeight}px`);
    board.style.setProperty('--board-top', `${board.getBoundingClientRect().top + scrollY + 76}px`);
  };
  measure();
  board.addEventListener('board:drawn', measure);
  const line = board.querySelector('.nowline');
  if (line && innerWidth < 768) board.scrollLeft = Math.max(0, line.offsetLeft - 90); // A phone starts an hour before now.
};

if (board) {
  setUpFolding();
  setUpRoving();
  setUpTracing();
  setUpNow();
  setUpPlace();
  document.addEventListener('keydown', (event) => {
    const keys = document.getElementById('keys');
    if (event.key === '?' && keys && !keys.open && !event.target.closest('input, textarea, select')) keys.showModal();
  });
}
