// [data-allocation]: while shares are typed, the bar, the reserve and the tag beside the heading say what they add up to.
// Without script they show what was saved, and saving checks the sum.
const bar = document.querySelector('[data-allocation]');
if (bar) {
  const form = bar.closest('form');
  const inputs = [...form.querySelectorAll('[data-share]')];
  const state = form.querySelector('[data-allocation-state]');
  const owned = Number(bar.dataset.owned);
  const keptOut = Number(bar.dataset.keptOut);
  const seatsOf = (input) => (/^\d+$/.test(input.value.trim()) ? Number(input.value) : 0);
  const draw = () => {
    const shared = inputs.reduce((sum, input) => sum + seatsOf(input), 0);
    const reserve = owned - keptOut - shared;
    const seats = new Map(inputs.map((input) => [`share-${input.dataset.share}`, seatsOf(input)]));
    seats.set('reserve', Math.max(0, reserve));
    const whole = Math.max(owned, shared + keptOut) || 1;
    const words = [];
    let x = 0;
    bar.querySelectorAll('[data-part]').forEach((part) => {
      const label = part.querySelector('[data-seats]');
      const count = seats.get(part.dataset.part) ?? Number(label.textContent);
      const width = (100 * count) / whole;
      const rect = part.querySelector('rect');
      rect.setAttribute('x', `${x}%`);
      rect.setAttribute('width', `${width}%`);
      part.querySelector('text').setAttribute('x', `${x + width / 2}%`);
      label.textContent = count ? String(count) : '';
      part.querySelector('[data-label]').textContent = width >= Number(part.dataset.needs) ? `${part.dataset.name} ` : '';
      if (count) words.push(`${part.dataset.name}: ${count}`);
      x += width;
    });
    bar.setAttribute('aria-label', words.join(', '));
    form.querySelector('[data-reserve]').textContent = String(reserve);
    const template = form.querySelector(reserve < 0 ? '[data-allocation-over]' : '[data-allocation-ok]');
    const tag = template.content.cloneNode(true);
    tag.querySelector('b').replaceWith(String(reserve < 0 ? -reserve : shared));
    state.replaceChildren(tag);
  };
  form.addEventListener('input', (event) => { if (inputs.includes(event.target)) draw(); });
  // The fields have their old values only after this event.
  form.addEventListener('reset', () => setTimeout(draw));
  // What the browser has put back into the fields after going back.
  if (inputs.some((input) => input.value !== input.defaultValue)) draw();
}
