"use strict";
// The runs list: tick all on the page, and say how many are ticked. Without it the boxes work one by one.

(() => {
  const form = document.getElementById("bulk");
  if (!form) return;
  const whole = document.getElementById("tick-page");
  const matching = document.getElementById("all-matching");
  const boxes = () => [...form.querySelectorAll("input[name='run']")];
  const say = () => {
    const all = boxes();
    const ticked = all.filter((box) => box.checked).length;
    whole.checked = ticked === all.length;
    whole.indeterminate = ticked > 0 && ticked < all.length;
    all.forEach((box) => { box.disabled = matching.checked; });
    whole.disabled = matching.checked;
    document.getElementById("ticked").textContent = matching.checked || !ticked ? "" : `${ticked} ticked`;
  };
  whole.hidden = false;
  whole.addEventListener("change", () => {
    boxes().forEach((box) => { box.checked = whole.checked; });
    say();
  });
  form.addEventListener("change", (event) => { if (event.target !== whole) say(); });
  // A page that the browser brings back keeps its ticks.
  window.addEventListener("pageshow", say);
  say();
})();
