"use strict";
// The new-run page: problems appear without moving anything, links lead to folded settings, the form's address can be copied.

// What has not changed is not put in again: nothing is announced twice, and nothing flickers.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const target = event.detail.target;
  if (!target.closest("#new-run")) return;
  const arriving = event.detail.fragment.firstElementChild;
  if (arriving && arriving.innerHTML.trim() === (target.dataset.arrived ?? target.innerHTML.trim())) event.detail.shouldSwap = false;
  else if (arriving) target.dataset.arrived = arriving.innerHTML.trim();
});

function markWrong() {
  document.querySelectorAll("#settings .field").forEach((field) => {
    const wrong = field.querySelector(".problem") !== null;
    field.classList.toggle("wrong", wrong);
    const box = field.querySelector("input, select, textarea");
    if (wrong) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
  });
}

// A message above the box that somebody types in must not push it away.
let typedAt = null;
function isCheck(event) {
  return event.detail.pathInfo.requestPath.endsWith("/check");
}
document.addEventListener("htmx:beforeSwap", (event) => {
  const box = document.activeElement;
  typedAt = isCheck(event) && box && box.closest("#new-run") ? box.getBoundingClientRect().top : null;
});

function showCopy() {
  document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });
}

document.addEventListener("htmx:afterSettle", () => { markWrong(); showCopy(); });
document.addEventListener("htmx:oobAfterSwap", () => { markWrong(); showCopy(); });
document.addEventListener("htmx:afterRequest", (event) => {
  if (isCheck(event)) {
    markWrong();
    if (typedAt !== null) window.scrollBy(0, document.activeElement.getBoundingClientRect().top - typedAt);
    typedAt = null;
  }
  if (event.detail.target && event.detail.target.id === "seen") document.getElementById("stale").hidden = true;
});

document.addEventListener("input", (event) => {
  if (event.target.closest("#settings, #presets, #version") && document.getElementById("sequence")) {
    document.getElementById("stale").hidden = false;
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-field]");
  if (link) {
    const box = document.getElementById(link.getAttribute("href").slice(1));
    if (!box) return;
    event.preventDefault();
    const group = box.closest("details");
    if (group) group.open = true;
    box.focus();
    box.scrollIntoView({ block: "center" });
    return;
  }
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(document.getElementById(button.dataset.copy).href).then(() => {
    button.textContent = "Copied";
  }, () => {
    button.textContent = "Not copied: use the link";
  });
});

showCopy();
