(() => {
  const fold = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const find = document.getElementById('find'), found = document.getElementById('found');
  if (!find) return;
  document.querySelector('search').hidden = false;
  const cards = [...document.querySelectorAll('article')].map(card => [card, fold(card.querySelector('.row').textContent)]);
  const chosen = {};
  const show = () => {
    const words = fold(find.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [card, text] of cards) {
      const fits = Object.entries(chosen).every(([field, value]) => value === undefined ||
        (field === 'look' ? card.dataset.look.split(' ').includes(value) : card.dataset[field] === value));
      card.hidden = !(fits && words.every(word => text.includes(word)));
      shown += !card.hidden;
    }
    found.textContent = shown === cards.length ? '' : shown + ' of ' + cards.length + ' shown';
  };
  const unfold = details => {
    const letter = details.open && details.querySelector('noscript');
    if (letter) letter.outerHTML = letter.textContent;
  };
  document.querySelectorAll('article > details').forEach(unfold);
  document.querySelector('main').addEventListener('toggle', event => unfold(event.target), true);
  find.addEventListener('input', show);
  for (const button of document.querySelectorAll('.filter button')) {
    button.addEventListener('click', () => {
      chosen[button.dataset.field] = button.dataset.value;
      for (const other of button.parentNode.children) other.setAttribute('aria-pressed', other === button);
      show();
    });
  }
  show();
})();
