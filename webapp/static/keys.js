"use strict";
// Keyboard shortcuts; the help dialog lists them, and its links say where they lead. None works while one types.

const help = document.getElementById("help");
let going = 0;

function isTyping(target) {
  return target.isContentEditable || target.closest("input, select, textarea") !== null;
}

function rows() {
  return [...document.querySelectorAll("main a.whole, main a.line")];
}

function step(by) {
  const all = rows();
  if (all.length === 0) return;
  const here = all.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by));
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
}

function follow(selector) {
  const link = help.querySelector(selector);
  if (link) link.click();
  return link !== null;
}

function press(event) {
  if (event.key === "Escape" && event.target.id === "find") event.target.blur();
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const second = Date.now() - going < 1500;
  going = 0;
  const key = event.key;
  if (second && /^[a-z]$/.test(key) && follow(`[data-go="${key}"]`)) return;
  if (help.open) return;
  if (key === "/") {
    event.preventDefault();
    document.getElementById("find").focus();
  } else if (key === "?") help.showModal();
  else if (key === "g") going = Date.now();
  else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (/^[a-z]$/.test(key)) follow(`[data-key="${key}"]`);
}

if (help) {
  const open = document.getElementById("help-open");
  open.hidden = false;
  open.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", press);
}
