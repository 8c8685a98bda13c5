// [data-print]: a button that prints. [data-print-whole]: folded lists that paper shows in full.
const opened = new Set();
addEventListener('beforeprint', () => {
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
