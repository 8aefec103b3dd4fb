"use strict";
(() => {
  const PRINT_WIDTH = 860; // the style sheet shrinks it to the width of A4
  const plots = [...document.querySelectorAll(".plot")];
  for (const plot of plots) {
    const content = JSON.parse(document.getElementById(`${plot.id}-data`).textContent);
    Plotly.newPlot(plot, content.data, content.layout, {
      responsive: true,
      displaylogo: false,
      showSendToCloud: false,
      plotlyServerURL: "",
      modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
      toImageButtonOptions: { filename: plot.id, scale: 2 },
    });
  }
  // paper is narrower than the screen: draw again for it, and unfold how things were measured
  window.addEventListener("beforeprint", () => {
    for (const plot of plots) Plotly.relayout(plot, { width: PRINT_WIDTH, autosize: false });
    for (const details of document.querySelectorAll("details.method")) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const plot of plots) Plotly.relayout(plot, { width: null, autosize: true });
  });
  document.documentElement.dataset.drawn = String(plots.length);
})();
