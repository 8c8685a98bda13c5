// [data-whatif]: a slider over the sizes of the pool says what the table beside it says of each. Without script the table
// stands open in its place.
const whatif = document.querySelector('[data-whatif]');
if (whatif) {
  const range = whatif.querySelector('input[type="range"]');
  const out = whatif.querySelector('[data-whatif-out]');
  const table = document.querySelector('[data-whatif-table]');
  const say = () => {
    const row = table.querySelector(`[data-size="${range.value}"]`);
    if (!row) return;
    const size = row.cells[0].firstChild.textContent.trim();
    out.replaceChildren(Object.assign(document.createElement('strong'), { textContent: size }), `: ${row.cells[1].textContent}`);
    range.setAttribute('aria-valuetext', out.textContent);
  };
  range.addEventListener('input', say);
  table.open = false;
  whatif.hidden = false;
  say();
}
