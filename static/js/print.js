// [data-print]: a button that prints. [data-print-whole]: folded lists that paper shows in full.
// [data-printed]: says when, in the <time> within it.
const opened = new Set();
const two = (number) => String(number).padStart(2, '0');
addEventListener('beforeprint', () => {
  const now = new Date();
  for (const printed of document.querySelectorAll('[data-printed]')) {
    printed.hidden = false;
    printed.querySelector('time').textContent =
      `${two(now.getDate())}.${two(now.getMonth() + 1)}.${now.getFullYear()}, ${now.getHours()}:${two(now.getMinutes())}`;
  }
  for (const details of document.querySelectorAll('[data-print-whole]:not([open])')) {
    details.open = true;
    opened.add(details);
  }
});
addEventListener('afterprint', () => {
  for (const details of opened) details.open = false;
  opened.clear();
});
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}
