"use strict";
// A log that follows the run: it stays at its end as lines come, unless the reader has scrolled up.

const NEAR = 24;
let atEnd = true;

function followed() {
  return document.querySelector("#log-lines[data-follow]");
}

function isAtEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
}

function toEnd() {
  const box = followed();
  if (box && atEnd) box.scrollTop = box.scrollHeight;
}

function lookAt() {
  const box = followed();
  if (box) atEnd = isAtEnd(box);
}

document.addEventListener("htmx:beforeSwap", lookAt);
document.addEventListener("htmx:oobBeforeSwap", lookAt);
document.addEventListener("partchange", toEnd);
// Folded up it has no height, so that there is nothing to scroll.
document.addEventListener("toggle", (event) => { if (event.target.id === "log") { atEnd = true; toEnd(); } }, true);
toEnd();
