// [data-copy]: copies its text, and says so in the button for a moment. Hidden where the clipboard can't be used.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  const label = button.querySelector('span');
  const words = label.textContent;
  label.setAttribute('aria-live', 'polite');
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = words; }, 4_000);
  });
}
