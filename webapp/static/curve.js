"use strict";
// The learning curve, drawn from the numbers that the page carries; the table of epochs says the same without this.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function series(name, points, axis, line, symbol) {
  return {
    name, x: points.map((point) => point[0]), y: points.map((point) => point[1]), yaxis: axis, type: "scatter",
    mode: points.length > 60 ? "lines" : "lines+markers", line: { color: line, width: 2 }, marker: { symbol, size: 6 },
  };
}

// Where a later attempt, or a run that continues another, begins: a dotted line with its name.
function boundaries(marks) {
  const line = { color: colour("--quiet"), width: 1, dash: "dot" };
  return {
    shapes: marks.map(([x]) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line })),
    annotations: marks.map(([x, text]) => ({
      x, text, yref: "paper", y: 0, yanchor: "bottom", xanchor: "left", textangle: -90, showarrow: false,
      font: { size: 11, color: colour("--quiet") },
    })),
  };
}

function drawCurve() {
  const source = document.getElementById("chart-data");
  const data = source ? JSON.parse(source.textContent) : { unit: "epoch", valid: [], loss: [], marks: [] };
  const panel = document.getElementById("curve-panel");
  panel.hidden = data.valid.length + data.loss.length === 0;
  if (panel.hidden) return;
  const last = Math.max(...[...data.valid, ...data.loss].map((point) => point[0]));
  const axis = { gridcolor: colour("--line"), zeroline: false, linecolor: colour("--line"), automargin: true };
  const layout = {
    height: 320, margin: { l: 56, r: 56, t: 56, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 13, color: colour("--text") },
    xaxis: { ...axis, title: { text: data.unit }, rangemode: "nonnegative", tickformat: ",d", dtick: last <= 12 ? 1 : undefined },
    yaxis: { ...axis, title: { text: "NDCG@10, validation" }, rangemode: "tozero" },
    yaxis2: { ...axis, title: { text: "training loss" }, overlaying: "y", side: "right", showgrid: false, tickmode: "auto" },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, hovermode: "x unified", hoverlabel: { bgcolor: colour("--panel") },
    // What the reader has zoomed to, or hidden, stays as new points come.
    uirevision: "curve", ...boundaries(data.marks),
  };
  const lines = [
    series("NDCG@10, validation", data.valid, "y", colour("--series-1"), "circle"),
    series("training loss", data.loss, "y2", colour("--series-2"), "diamond"),
  ];
  Plotly.react("curve", lines, layout, { displayModeBar: false, responsive: true });
}

document.addEventListener("partchange", drawCurve);
document.addEventListener("themechange", drawCurve);
drawCurve();
