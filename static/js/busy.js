// form[data-busy]: the pressed button turns busy, and a second press does nothing. [data-focus-first] gets the focus,
// unless somebody already works on the page: on a slow machine this file runs long after the page is seen.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('form[data-busy]') || event.defaultPrevented) return;
  if (form.dataset.sending) { event.preventDefault(); return; }
  form.dataset.sending = 'yes';
  const button = event.submitter ?? form.querySelector('[type="submit"]');
  button?.setAttribute('aria-busy', 'true');
});
// Coming back with the browser's own button finds the form ready again.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-busy]')) {
    delete form.dataset.sending;
    form.querySelector('[aria-busy]')?.removeAttribute('aria-busy');
  }
});
if (document.activeElement === document.body) document.querySelector('[data-focus-first]')?.focus();
