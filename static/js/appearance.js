// [data-appearance]: theme and contrast change at once; the server keeps them in cookies and renders them from then on.
const form = document.querySelector('[data-appearance]');
if (form) {
  const root = document.documentElement;
  const keep = () => fetch(form.action, { method: 'POST', body: new FormData(form), redirect: 'manual' });
  form.addEventListener('change', (event) => {
    const { name, value } = event.target;
    if (value) root.dataset[name] = value; else delete root.dataset[name];
    keep().catch(() => {}); // Without a connection the choice still holds for this page.
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    form.closest('dialog').close();
  });
}
