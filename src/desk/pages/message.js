(() => {
  const narrow = document.querySelector('.narrow'), letter = document.querySelector('.wide iframe');
  if (narrow && letter) {
    const frame = letter.cloneNode();
    frame.title = 'The letter as a telephone shows it';
    narrow.append(frame);
    narrow.hidden = false;
  }
  document.addEventListener('keydown', event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const rel = { ArrowLeft: 'prev', ArrowRight: 'next' }[event.key];
    const link = rel && document.querySelector('a[rel=' + rel + ']');
    if (link) location.href = link.href;
  });
})();
