// a[data-page-dialog]: shows what matters of the page that it leads to ([data-dialog-body]) as a dialog over this one.
// Whatever does not work out leads there instead. [data-closes] closes; focus goes back to the link.
const load = async (link) => {
  const answer = await fetch(link.href, { headers: { Accept: 'text/html' }, redirect: 'error' });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return document.adoptNode(page.querySelector('[data-dialog-body]'));
};
const build = (body, link) => {
  const dialog = document.createElement('dialog');
  dialog.className = `dialog ${body.dataset.dialogBody}`;
  dialog.setAttribute('aria-labelledby', body.getAttribute('aria-labelledby'));
  const inner = document.createElement('div');
  inner.className = 'stack';
  inner.append(...body.childNodes);
  dialog.append(inner);
  // The page's first heading is the dialog's, below that of the page underneath.
  const heading = dialog.querySelector('h1');
  if (heading) {
    const lower = document.createElement('h2');
    lower.id = heading.id;
    lower.append(...heading.childNodes);
    heading.replaceWith(lower);
  }
  for (const form of dialog.querySelectorAll('form:not([action])')) form.action = link.href;
  for (const closer of dialog.querySelectorAll('[data-closes]')) {
    closer.addEventListener('click', (event) => { event.preventDefault(); dialog.close(); });
  }
  dialog.addEventListener('close', () => { dialog.remove(); link.focus(); });
  return dialog;
};
for (const link of document.querySelectorAll('a[data-page-dialog]')) {
  link.setAttribute('aria-haspopup', 'dialog');
  link.addEventListener('click', async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.hasAttribute('aria-busy')) return;
    link.setAttribute('aria-busy', 'true');
    try {
      const dialog = build(await load(link), link);
      document.body.append(dialog);
      dialog.showModal();
      dialog.querySelector('[type="radio"]:checked, textarea, input:not([type="hidden"]), button')?.focus();
    } catch {
      location.href = link.href;
    } finally {
      link.removeAttribute('aria-busy');
    }
  });
}
