// form[data-press]: what a list box chose is sent as if a button "do" of that value had been pressed.
for (const form of document.querySelectorAll('form[data-press]')) {
  form.addEventListener('press', (event) => {
    const button = Object.assign(document.createElement('button'), { name: 'do', value: event.detail, hidden: true });
    form.append(button);
    form.requestSubmit(button);
  });
}
