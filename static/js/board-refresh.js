// [data-live]: keeps the board as it is on the server. Asks every half minute while somebody looks, by the version that it
// has, so that an unchanged board costs next to nothing; draws anew only rows that differ, under the focus, the scroll
// position and what is folded. Without a connection the board can be read and not booked, and says how old it is.
// Stands before board.js: it has to see the rows as the server wrote them.
const board = document.querySelector('[data-board]');
const live = document.querySelector('[data-live]');
const EVERY_MS = 30_000;
const AGAIN_MS = 10_000; // Without a connection.
const AT_MOST_MS = 5_000;
const FOCUSABLE = '.free, .sess, .closure';

const parts = (root) => new Map([...root.querySelectorAll('.board__row, .board__site, .board__top, .nowlayer')].map((part) => [keyOf(part), part]));
const keyOf = (part) => part.id || (part.matches('.board__site') ? `site-${part.parentElement.dataset.block}` : part.classList[0]);
const written = (root) => new Map([...parts(root)].map(([key, part]) => [key, part.outerHTML]));

const setUp = () => {
  const status = live.querySelector('[data-live-status]');
  const words = new Intl.DateTimeFormat('en-GB', { hour: 'numeric', minute: '2-digit', timeZone: live.dataset.zone });
  const clock = (at) => words.format(at).replace(/^0/, '');
  const template = (name) => live.querySelector(`template[data-live-${name}]`).content.cloneNode(true);
  let version = document.body.dataset.version;
  let rows = written(board);
  let tools = toolsOf(document);
  let at = new Date(); // As of when the board is.
  let asked = performance.now();
  let running = false;
  let timer;

  const say = (text) => { status.textContent = text; };
  const notice = (name) => {
    if (live.dataset.state === name) return;
    live.querySelector('.notice')?.remove();
    live.dataset.state = name;
    for (const free of board.querySelectorAll('a.free')) lock(free, name !== '');
    board.classList.toggle('is-locked', name !== '');
    if (!name) return;
    const shown = template(name);
    for (const time of shown.querySelectorAll('[data-live-at]')) time.textContent = clock(at);
    live.append(shown);
  };
  const lock = (free, is) => { if (is) free.setAttribute('aria-disabled', 'true'); else free.removeAttribute('aria-disabled'); };

  const draw = (page) => {
    const fresh = page.querySelector('[data-board]');
    // Another page than a board: closed all day, or nothing fits the filters any more.
    if (!fresh) { location.reload(); return false; }
    const next = written(fresh);
    const isSame = [...next.keys()].join() === [...rows.keys()].join();
    const changed = isSame ? [...next].filter(([key, html]) => html !== rows.get(key)).map(([key]) => key) : null;
    const focus = focusOf();
    const scrolled = [board.scrollLeft, board.scrollTop];
    const folded = [...board.querySelectorAll('[data-block]:has([aria-expanded=false])')].map((block) => block.dataset.block);
    if (changed) replace(changed, parts(board), parts(fresh)); else board.querySelector('.board__grid').replaceWith(fresh.querySelector('.board__grid'));
    for (const name of ['class', 'data-density']) board.setAttribute(name, fresh.getAttribute(name));
    version = page.body.dataset.version;
    rows = next;
    drawTools(page);
    board.dispatchEvent(new CustomEvent('board:drawn'));
    if (!changed) for (const block of folded) fold(board.querySelector(`[data-block="${block}"]`));
    board.scrollTo(...scrolled);
    if (focus) findAgain(focus)?.focus({ preventScroll: true });
    return !changed || changed.some((key) => key.startsWith('room-'));
  };
  const fold = (block) => {
    block?.querySelector('.board__sitename button')?.setAttribute('aria-expanded', 'false');
    for (const row of block?.querySelectorAll('.board__row') ?? []) row.hidden = true;
  };
  const replace = (changed, old, fresh) => {
    for (const key of changed) {
      const [was, is] = [old.get(key), fresh.get(key)];
      if (key.startsWith('site-')) {
        // The name is a button by now, which may have the focus.
        for (const line of was.querySelectorAll('.thread')) line.remove();
        was.querySelector('[data-summary]').replaceWith(is.querySelector('[data-summary]'));
        was.append(...is.querySelectorAll('.thread'));
        continue;
      }
      is.hidden = was.hidden;
      was.replaceWith(is);
    }
  };

  // Where the focus is on the board, to find the same place when its row was drawn anew.
  const focusOf = () => {
    const stop = document.activeElement?.closest?.(FOCUSABLE);
    if (!stop || !board.contains(stop)) return null;
    return { stop, row: stop.closest('.board__row').id, href: stop.getAttribute('href'), line: lineOf(stop) };
  };
  const lineOf = (stop) => Number(/(?:^| )a-(\d+)/.exec(stop.parentElement.className)[1]);
  const findAgain = ({ stop, row, href, line }) => {
    if (stop.isConnected) return null;
    const stops = [...(document.getElementById(row)?.querySelectorAll(FOCUSABLE) ?? [])];
    return stops.find((other) => href && other.getAttribute('href') === href)
      ?? stops.findLast((other) => lineOf(other) <= line) ?? stops[0] ?? board.querySelector(FOCUSABLE);
  };

  // After midnight, or when a site gets its first room: other days, other filters.
  const drawTools = (page) => {
    const [old, fresh, next] = [toolsIn(document), toolsIn(page), toolsOf(page)];
    document.title = page.title;
    old.forEach((tool, n) => {
      if (next[n] === tools[n]) {
        const clocks = fresh[n].querySelectorAll('[data-clock]');
        tool.querySelectorAll('[data-clock]').forEach((time, k) => { time.textContent = clocks[k].textContent; });
      } else if (!tool.contains(document.activeElement)) {
        tool.replaceWith(fresh[n]);
        tools[n] = next[n];
      }
    });
  };

  const look = async () => {
    clearTimeout(timer);
    // Under an open window nothing moves.
    if (running || document.visibilityState !== 'visible' || document.querySelector('dialog[open]')) { plan(); return; }
    running = true;
    asked = performance.now();
    try {
      const headers = { 'X-Requested-With': 'fetch', ...(version && { 'If-None-Match': version }) };
      const answer = await fetch(location.pathname + location.search, { headers, cache: 'no-store', redirect: 'manual' });
      if (answer.type === 'opaqueredirect') { notice('signed-out'); return; }
      if (answer.status !== 304 && !answer.ok) throw new Error(String(answer.status));
      const page = answer.status === 200 && new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (document.querySelector('dialog[open]')) return; // Opened meanwhile.
      at = new Date(answer.headers.get('Date') ?? Date.now());
      const wasAway = Boolean(live.dataset.state);
      notice('');
      const isChanged = page && draw(page);
      if (wasAway) say(live.dataset.back.replace('%s', clock(at)));
      else if (isChanged) say(live.dataset.changed.replace('%s', clock(at)));
    } catch {
      notice('offline');
    } finally {
      running = false;
      plan();
    }
  };
  const plan = () => {
    clearTimeout(timer);
    if (document.visibilityState !== 'visible') return;
    const wait = live.dataset.state === 'offline' ? AGAIN_MS : EVERY_MS;
    timer = setTimeout(look, Math.max(AT_MOST_MS, wait - (performance.now() - asked)));
  };
  const lookSoon = () => {
    const wait = AT_MOST_MS - (performance.now() - asked);
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(0, wait));
  };

  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') lookSoon(); });
  addEventListener('pageshow', (event) => { if (event.persisted) lookSoon(); });
  addEventListener('online', lookSoon);
  addEventListener('offline', () => notice('offline'));
  // What can't be booked now can still be read and reached; before whoever else listens for clicks.
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.('a.free[aria-disabled=true]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say(live.querySelector('.notice')?.textContent.trim().replace(/\s+/g, ' ') ?? '');
  }, { capture: true });
  plan();
};

const toolsIn = (root) => [...root.querySelectorAll('.board-tools')];
// Times apart, which board.js moves.
const toolsOf = (root) => toolsIn(root).map((tool) => tool.outerHTML.replace(/(<span data-clock[^>]*>)[^<]*/g, '$1'));

if (board && live) setUp();
