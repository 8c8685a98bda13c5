// [data-opens="id"]: opens a dialog in place of following the link; a second click closes it.
// [data-opens-modal="id"] does the same above the page. [data-close] closes. Focus goes back to the opener.
const open = (dialog, opener, modal) => {
  if (dialog.open) { dialog.close(); return; }
  if (modal) dialog.showModal(); else dialog.show();
  dialog.addEventListener('close', () => opener.focus(), { once: true });
};
for (const opener of document.querySelectorAll('[data-opens], [data-opens-modal]')) {
  const modal = 'opensModal' in opener.dataset;
  const dialog = document.getElementById(modal ? opener.dataset.opensModal : opener.dataset.opens);
  if (!dialog) continue;
  opener.setAttribute('aria-haspopup', 'dialog');
  opener.hidden = false;
  opener.addEventListener('click', (event) => {
    event.preventDefault();
    open(dialog, opener, modal);
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !modal) dialog.close();
  });
  for (const button of dialog.querySelectorAll('[data-close]')) {
    button.addEventListener('click', () => dialog.close());
  }
}
