// One cursor over all loss charts: the legends tell the values of the round under the pointer, and the last ones when it leaves.
"use strict";
const { rounds, series } = JSON.parse(document.getElementById("history").textContent);
const charts = [...document.querySelectorAll("svg[data-last]")];
const outputs = [...document.querySelectorAll("output[data-series]")].map((node) => ({ node, last: node.textContent }));

const text = (value) => value === null || value === undefined ? "–"
  : (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(4))).replace("-", "−");

const nearest = (round) => rounds.reduce((best, r, i) => Math.abs(r - round) < Math.abs(rounds[best] - round) ? i : best, 0);

function show(i) {
  for (const chart of charts) {
    const { left, right, last } = chart.dataset;
    const cursor = chart.querySelector(".cursor");
    cursor.toggleAttribute("hidden", i === null);
    if (i !== null) cursor.setAttribute("transform", `translate(${+left + rounds[i] / +last * (right - left)} 0)`);
    chart.querySelector(".name").textContent = i === null ? "round" : `round ${rounds[i].toLocaleString("en")}`;
  }
  for (const { node, last } of outputs) node.textContent = i === null ? last : text(series[node.dataset.series][i]);
}

for (const chart of charts) {
  chart.addEventListener("pointermove", (event) => {
    const { left, right, last } = chart.dataset;
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
    show(nearest((x - left) / (right - left) * last));
  });
  chart.addEventListener("pointerleave", () => show(null));
}
