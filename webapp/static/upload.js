"use strict";
// Sends the files of the upload form in parts: goes on after a lost connection and after a reload, and can be cancelled.

const uploadForm = document.getElementById("upload-form");
const uploadMemory = `upload:${location.pathname}`;
const waits = [1000, 2000, 4000, 8000];
let sending = null;

function part(id) {
  return document.getElementById(`upload-${id}`);
}

function headers(more) {
  return { "X-CSRFToken": uploadForm.querySelector("[name=csrfmiddlewaretoken]").value, ...more };
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(uploadMemory));
  } catch {
    return null;
  }
}

function chosenFiles() {
  return ["interactions", "items"]
    .map((role) => ({ role, file: uploadForm.elements[role].files[0] }))
    .filter((one) => one.file)
    .map(({ role, file }) => ({ role, file, name: file.name, size: file.size, changed: file.lastModified }));
}

function nameGiven() {
  return uploadForm.elements.name ? uploadForm.elements.name.value.trim() : "";
}

function sameFiles(known, files) {
  const key = (list) => JSON.stringify(list.map(({ role, name, size, changed }) => [role, name, size, changed]));
  return key(known) === key(files);
}

function complain(words) {
  part("problem").textContent = words;
  part("problem").hidden = !words;
  if (words) part("problem").scrollIntoView({ block: "nearest" });
}

function showSending(on) {
  part("progress").hidden = !on;
  part("cancel").hidden = !on;
  part("send").hidden = on;
  uploadForm.querySelectorAll("input:not([type=hidden])").forEach((box) => { box.disabled = on; });
}

function megabytes(bytes) {
  return (bytes / 1048576).toLocaleString("en", { maximumFractionDigits: 1 });
}

function showShare(sent, whole, note) {
  const share = whole ? Math.floor((100 * sent) / whole) : 0;
  part("progress").querySelector("progress").value = share;
  part("progress").querySelector("[data-words]").textContent =
    note || (whole < 1048576 ? `${share} % sent` : `${share} % sent: ${megabytes(sent)} of ${megabytes(whole)} MB`);
}

async function said(response) {
  const body = await response.json().catch(() => null);
  return body && body.error ? `${body.error.message} ${body.error.hint}` : `The server answered ${response.status}.`;
}

async function begin(files) {
  const body = {
    name: nameGiven(),
    dataset: uploadForm.dataset.dataset || null,
    files: files.map(({ role, name, size }) => ({ role, name, size })),
  };
  const response = await fetch(uploadForm.dataset.begin, {
    method: "POST", body: JSON.stringify(body), headers: headers({ "Content-Type": "application/json" }),
  });
  if (!response.ok) throw new Error(await said(response));
  return response.json();
}

// What was broken off, if it is about these files and still there; else a new upload.
async function open(files) {
  const known = remembered();
  if (known && known.name === nameGiven() && sameFiles(known.files, files)) {
    const response = await fetch(known.address);
    if (response.ok) return response.json();
  } else if (known) {
    await forget();
  }
  const state = await begin(files);
  const kept = files.map(({ role, name, size, changed }) => ({ role, name, size, changed }));
  localStorage.setItem(uploadMemory, JSON.stringify({
    address: `${uploadForm.dataset.begin}/${state.key}`, name: nameGiven(), files: kept,
  }));
  return state;
}

async function hash(blob) {
  // Only pages from a secure origin can.
  if (!globalThis.crypto || !crypto.subtle) return {};
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return { "X-Part-SHA256": [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
}

function put(address, blob, extra, onSent, signal) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PUT", address);
    for (const [name, value] of Object.entries(headers({ "Content-Type": "application/octet-stream", ...extra }))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => done(request);
    request.onerror = () => failed(new TypeError("lost"));
    request.onabort = () => failed(new DOMException("cancelled", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    request.send(blob);
  });
}

function pause(milliseconds, signal) {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", () => { clearTimeout(timer); done(); }, { once: true });
    signal.addEventListener("abort", () => { clearTimeout(timer); failed(new DOMException("cancelled", "AbortError")); });
  });
}

// One part, again and again until it is there: connections come back, and a part sent twice does no harm.
async function sendPart(address, blob, onSent, note, signal) {
  for (let round = 0; ; round += 1) {
    signal.throwIfAborted();
    try {
      const answer = await put(address, blob, await hash(blob), onSent, signal);
      if (answer.status < 300) return;
      if (answer.status < 500) throw new Error(problemOf(answer));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    note("The connection is lost; trying again. What was sent is kept.");
    await pause(waits[Math.min(round, waits.length - 1)], signal);
  }
}

function problemOf(answer) {
  try {
    const { message, hint } = JSON.parse(answer.responseText).error;
    return `${message} ${hint}`;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

async function sendAll(files, signal) {
  const state = await open(files);
  const whole = files.reduce((sum, one) => sum + one.size, 0);
  let sent = 0;
  for (const known of state.files) {
    const { file } = files.find((one) => one.role === known.role);
    for (let number = 0; number < known.parts; number += 1) {
      const blob = file.slice(number * state.part_bytes, (number + 1) * state.part_bytes);
      if (!known.stored.includes(number)) {
        const before = sent;
        const address = `${uploadForm.dataset.begin}/${state.key}/${known.role}/${number}`;
        const show = (loaded) => showShare(before + Math.min(loaded, blob.size), whole);
        await sendPart(address, blob, show, (words) => showShare(before, whole, words), signal);
      }
      sent += blob.size;
      showShare(sent, whole);
    }
  }
  signal.throwIfAborted();
  localStorage.removeItem(uploadMemory);
  location.assign(state.next);
}

async function forget() {
  const known = remembered();
  localStorage.removeItem(uploadMemory);
  part("resume").hidden = true;
  if (known) await fetch(known.address, { method: "DELETE", headers: headers() });
}

uploadForm.addEventListener("submit", async (event) => {
  const files = chosenFiles();
  // What lacks is said by the server, as without a script.
  if (!files.some((one) => one.role === "interactions") || files.some((one) => one.size === 0)) return;
  event.preventDefault();
  complain("");
  part("resume").hidden = true;
  sending = new AbortController();
  showSending(true);
  showShare(0, 1, "Beginning…");
  try {
    await sendAll(files, sending.signal);
  } catch (error) {
    showSending(false);
    if (error.name === "AbortError") {
      await forget();
      complain("The upload is cancelled; nothing of it is kept.");
    } else {
      complain(error instanceof TypeError ? "The server does not answer. Send the files again once it does." : error.message);
    }
  }
});

part("cancel").addEventListener("click", () => sending && sending.abort());
part("forget").addEventListener("click", forget);

// Where an upload was broken off by a reload, say so.
(async () => {
  const known = remembered();
  if (!known) return;
  const response = await fetch(`${known.address}`).catch(() => null);
  if (!response || !response.ok) {
    localStorage.removeItem(uploadMemory);
    return;
  }
  const state = await response.json();
  const there = state.files.reduce((sum, one) => sum + one.stored.length, 0);
  const all = state.files.reduce((sum, one) => sum + one.parts, 0);
  part("resume").querySelector("[data-what]").textContent =
    `${known.files.map((one) => one.name).join(", ")}; ${there} of ${all} parts are there`;
  if (uploadForm.elements.name && !nameGiven()) uploadForm.elements.name.value = known.name;
  part("resume").hidden = false;
})();
