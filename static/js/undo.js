// [data-undo="seconds"]: counts down while a cancellation can be undone, by the time that passes here, whatever this
// machine's clock says. A screen reader hears of the last ten seconds and of the end, not of each second.
const notice = document.querySelector('[data-undo]');
const SOON = 10;
if (notice) {
  const ends = performance.now() + Number(notice.dataset.undo) * 1000;
  const left = notice.querySelector('[data-undo-left]');
  const status = notice.querySelector('[data-undo-status]');
  const form = notice.querySelector('form');
  const finish = () => {
    clearInterval(beat);
    // Pressed in the last second: the answer is on its way.
    if (form.dataset.sending) return;
    const hadFocus = form.contains(document.activeElement);
    form.remove();
    notice.querySelector('[data-undo-words]').textContent = notice.dataset.undoOver;
    status.textContent = notice.dataset.undoOver;
    if (hadFocus) notice.focus();
  };
  const tick = () => {
    const seconds = Math.ceil((ends - performance.now()) / 1000);
    if (seconds <= 0) { finish(); return; }
    left.textContent = `${seconds} s`;
    if (seconds <= SOON && !status.textContent) status.textContent = notice.dataset.undoSoon;
  };
  const beat = setInterval(tick, 250);
}
