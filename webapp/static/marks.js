"use strict";
// Suggests the project's tags as soon as somebody is about to type one. Without it a tag is simply typed.

(() => {
  const input = document.getElementById("new-tag");
  if (!input) return;
  const list = document.getElementById("known-tags");
  input.addEventListener("focus", () => htmx.ajax("GET", list.dataset.from, { target: list, swap: "innerHTML" }), { once: true });
})();
