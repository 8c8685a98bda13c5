// [data-countdown="seconds"]: counts the last hours down by the time that passes here, whatever this machine's clock
// says, and loads the page again at the start and every quarter of an hour, when the door may have opened.
const timer = document.querySelector('[data-countdown]');
const RELOAD_SECONDS = 900;
if (timer) {
  const left = Number(timer.dataset.countdown);
  const began = performance.now();
  const DAY = 86_400;
  const tick = () => {
    const passed = (performance.now() - began) / 1000;
    const rest = left - passed;
    if (rest <= 0 || (passed > RELOAD_SECONDS && document.visibilityState === 'visible')) {
      clearInterval(beat);
      // Where something is being typed, the page decides for itself.
      if (document.dispatchEvent(new CustomEvent('countdown:over', { cancelable: true }))) location.reload();
      return;
    }
    if (left >= 2 * DAY) return;
    const minutes = Math.max(1, Math.ceil(rest / 60));
    const hours = Math.floor(minutes / 60);
    timer.textContent = [hours && `${hours} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(' ');
  };
  const beat = setInterval(tick, 15_000);
}
