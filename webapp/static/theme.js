"use strict";
// Runs before the page is drawn, so that neither a chosen theme nor what is only for browsers without scripts flashes.
(() => {
  document.documentElement.classList.add("script");
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
