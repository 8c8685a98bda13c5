// [data-toasts]: lets screen readers hear messages that came with the page, and gives each a button to close it.
const region = document.querySelector('[data-toasts]');
if (region) {
  const toasts = [...region.children];
  for (const toast of toasts) {
    const close = document.createElement('button');
    close.type = 'button';
    close.className = 'btn btn--sm btn--icon';
    close.setAttribute('aria-label', region.dataset.closeLabel);
    close.textContent = '×';
    close.addEventListener('click', () => toast.remove());
    toast.append(close);
  }
  // A live region is read out when it changes, not when it is there from the start.
  region.replaceChildren();
  setTimeout(() => region.replaceChildren(...toasts), 150);
}
