// Choosing rows: how many, all of the page at once, and a range with Shift. The bulk bar itself needs no script.

for (const listing of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".listing"))) {
  const boxes = /** @type {HTMLInputElement[]} */ ([...listing.querySelectorAll("tbody .choice input")]);
  const all = /** @type {HTMLInputElement | null} */ (listing.querySelector("[data-choose-all]"));
  const many = /** @type {HTMLElement | null} */ (listing.querySelector("[data-many]"));
  const number = new Intl.NumberFormat(document.documentElement.lang);
  let last = -1;

  const tell = () => {
    const count = boxes.filter((box) => box.checked).length;
    if (many) many.textContent = (many.dataset.many ?? "").replace("{count}", number.format(count));
    if (all) {
      all.checked = count === boxes.length;
      all.indeterminate = count > 0 && count < boxes.length;
    }
  };

  listing.addEventListener("click", (event) => {
    const at = boxes.indexOf(/** @type {HTMLInputElement} */ (event.target));
    if (at < 0) return;
    if (event.shiftKey && last >= 0) {
      for (let place = Math.min(at, last); place <= Math.max(at, last); place += 1) boxes[place].checked = boxes[at].checked;
    }
    last = at;
    tell();
  });
  if (all && boxes.length > 0) {
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
  }
  tell();
}
