"use strict";
// Comfort on top of pages that work without it: theme switch, selects that submit, marks on changed settings, polling manners.

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function startTheme() {
  const button = document.getElementById("theme");
  const show = () => { button.querySelector("[data-word]").textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    show();
    document.dispatchEvent(new Event("themechange"));
  });
}

function markChanged(field) {
  const box = field.querySelector("input, select, textarea");
  const changed = box.value.trim() !== field.dataset.initial;
  field.classList.toggle("changed", changed);
  field.querySelector(".reset").hidden = !changed;
}

function markAll() {
  document.querySelectorAll("[data-initial]").forEach(markChanged);
}

document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-initial]");
  if (field) markChanged(field);
  if (event.target.name === "preset") {
    document.querySelectorAll(".card").forEach((card) => card.classList.toggle("chosen", card.contains(event.target)));
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  const reset = event.target.closest(".reset");
  if (!reset) return;
  const field = reset.closest("[data-initial]");
  const box = field.querySelector("input, select, textarea");
  box.value = field.dataset.initial;
  markChanged(field);
  box.focus();
});

document.addEventListener("submit", (event) => {
  const words = event.target.dataset.busy;
  if (!words || event.defaultPrevented) return;
  event.target.querySelectorAll("button.button").forEach((button) => {
    button.textContent = words;
    button.disabled = true;
  });
});

// A refreshed part keeps what the reader has unfolded, and how far a large table was scrolled.
const unfolded = new Map();
const scrolled = new Map();
function remember(event) {
  event.detail.target.querySelectorAll(".scroll[id]").forEach((box) => scrolled.set(box.id, [box.scrollLeft, box.scrollTop]));
  event.detail.target.querySelectorAll("details[id]").forEach((part) => unfolded.set(part.id, part.open));
}
function restore(event) {
  event.detail.target.querySelectorAll(".scroll[id]").forEach((box) => {
    [box.scrollLeft, box.scrollTop] = scrolled.get(box.id) || [0, 0];
    scrolled.delete(box.id);
  });
  event.detail.target.querySelectorAll("details[id]").forEach((part) => {
    if (unfolded.has(part.id)) part.open = unfolded.get(part.id);
    unfolded.delete(part.id);
  });
}
document.addEventListener("htmx:beforeSwap", remember);
document.addEventListener("htmx:oobBeforeSwap", remember);
document.addEventListener("htmx:afterSwap", restore);
document.addEventListener("htmx:oobAfterSwap", restore);
document.addEventListener("htmx:afterSettle", () => {
  markAll();
  document.dispatchEvent(new Event("partchange"));
});

// What scrolls can be reached and scrolled by the keyboard, under the name of its table or heading.
function nameOf(box) {
  const own = box.querySelector("caption") || box.closest("section, details, form")?.querySelector("h2, h3, summary");
  return (own?.textContent || document.querySelector("h1")?.textContent || "").trim().slice(0, 120);
}

function openToKeys() {
  document.querySelectorAll(".scroll, .tall, pre").forEach((box) => {
    const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (scrolls && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", nameOf(box));
    }
  });
}
addEventListener("resize", openToKeys);
document.addEventListener("partchange", openToKeys);
document.addEventListener("toggle", openToKeys, true);
// A part that is polled says what it shows already, so that the server may answer "nothing new" (webapp/polling.py).
document.addEventListener("htmx:configRequest", (event) => {
  const stamp = event.detail.elt.dataset.stamp;
  if (stamp && event.detail.verb === "get") event.detail.headers["X-Seen"] = stamp;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const stamp = event.detail.xhr.getResponseHeader("X-Stamp");
  if (stamp && event.detail.successful) event.detail.elt.dataset.stamp = stamp;
});

function setOffline(offline) {
  document.getElementById("offline").hidden = !offline;
}
document.addEventListener("htmx:sendError", () => setOffline(true));
document.addEventListener("htmx:responseError", () => setOffline(true));
document.addEventListener("htmx:afterOnLoad", () => setOffline(false));

startTheme();
markAll();
openToKeys();
