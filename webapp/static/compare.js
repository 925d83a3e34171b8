"use strict";
// Learning curves of several runs over each other, drawn from the numbers that the page carries; the table says the main ones without this.

const DASHES = ["solid", "dash", "dot", "dashdot"];
const COLOURS = 7;

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The same run has the same colour and dash in both charts: its place among all runs says which.
function lineOf(entry, order, marker) {
  const place = Math.max(0, order.indexOf(entry.run));
  // Of very many, dashes tell nobody apart any more, and only make noise.
  const many = order.length > COLOURS * DASHES.length;
  const dash = many ? "solid" : DASHES[Math.floor(place / COLOURS)];
  return {
    name: entry.name, x: entry.x, y: entry.y, type: "scatter", mode: many || entry.x.length > 40 ? "lines" : "lines+markers",
    line: { color: colourOf(`--compare-${(place % COLOURS) + 1}`), dash, width: many ? 1.2 : 2 },
    opacity: many ? 0.75 : 1, marker: { symbol: marker, size: 5 }, hovertemplate: "%{y:.4f} at %{x}<extra>%{fullData.name}</extra>",
  };
}

function layoutOf(data, title, legend) {
  const axis = { gridcolor: colourOf("--line"), zeroline: false, linecolor: colourOf("--line"), automargin: true };
  return {
    height: legend ? 320 + 8 * data.length : 360, margin: { l: 56, r: 16, t: 16, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 13, color: colourOf("--text") },
    xaxis: { ...axis, title: { text: title.across }, rangemode: "tozero" },
    yaxis: { ...axis, title: { text: title.up } },
    showlegend: legend, legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, hovermode: "closest",
    hoverlabel: { bgcolor: colourOf("--panel"), namelength: -1 },
  };
}

function drawOne(id, lines, title, data, marker) {
  const box = document.getElementById(id);
  box.hidden = lines.length === 0;
  if (box.hidden) return;
  const drawn = lines.map((entry) => lineOf(entry, data.order, marker));
  Plotly.react(box, drawn, layoutOf(lines, title, data.legend), { displayModeBar: false, responsive: true });
}

function drawCompared() {
  const source = document.getElementById("compare-chart-data");
  if (!source || !document.getElementById("compare-valid")) return;
  const data = JSON.parse(source.textContent);
  drawOne("compare-valid", data.valid, { across: data.across, up: "NDCG@10, validation" }, data, "circle");
  drawOne("compare-loss", data.loss, { across: data.across, up: "training loss" }, data, "diamond");
  document.querySelectorAll("[data-png]").forEach((button) => { button.hidden = document.getElementById(button.dataset.png).hidden; });
}

// A picture is read without the page around it: it gets the page's colour behind it, a legend, and the protocol as its title.
async function savePng(id) {
  const box = document.getElementById(id);
  const protocol = document.querySelector("#curves-part .protocol").innerText.split("\n");
  const lines = protocol.flatMap((line) => line.match(/.{1,150}(?:\s|$)/g) || [line]);
  const layout = {
    ...box.layout, width: 1200, height: 560 + 12 * Math.min(box.data.length, 40) + 16 * lines.length, autosize: false,
    showlegend: true, legend: { orientation: "h", y: -0.12, yanchor: "top" },
    paper_bgcolor: colourOf("--panel"), plot_bgcolor: colourOf("--panel"),
    title: { text: lines.map(plain).join("<br>"), font: { size: 12 }, x: 0.02, xanchor: "left", yref: "container", y: 0.98, yanchor: "top" },
    margin: { ...box.layout.margin, t: 32 + 16 * lines.length },
  };
  const link = document.createElement("a");
  link.href = await Plotly.toImage({ data: box.data, layout }, { format: "png", width: layout.width, height: layout.height, scale: 2 });
  link.download = `${id}.png`;
  link.click();
}

// Plotly reads some marks in its texts.
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

document.addEventListener("click", (event) => {
  if (event.target.matches("[data-png]")) savePng(event.target.dataset.png);
  if (event.target.matches("[data-copy]") && navigator.clipboard) {
    event.preventDefault();
    navigator.clipboard.writeText(event.target.href).then(() => { event.target.textContent = "link copied"; });
  }
});
document.addEventListener("partchange", drawCompared);
document.addEventListener("themechange", drawCompared);
drawCompared();
