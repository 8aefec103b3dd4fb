"use strict";
// Draws each <div class="plot"> from the JSON that lies in it.
for (const plot of document.querySelectorAll("div.plot")) {
  const { data, layout } = JSON.parse(plot.querySelector("script").textContent);
  plot.textContent = "";
  Plotly.newPlot(plot, data, { ...layout, width: undefined, autosize: true }, { responsive: true, displaylogo: false });
}
document.documentElement.dataset.drawn = String(document.querySelectorAll("div.plot").length);
