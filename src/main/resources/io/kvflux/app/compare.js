"use strict";
(() => {
  const variants = JSON.parse(document.getElementById("data").textContent);
  const place = document.getElementById("charts");
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const hues = ["blue", "orange", "green", "purple", "grey"];
  const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  const text = v => (v == null ? "" : number.format(v));

  const axis = label => ({
    label, stroke: colour("soft"), size: 48, labelSize: 16,
    grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1, size: 5 },
    font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
  });

  /** All variants over one x axis, which has the points of each. */
  function joined(of) {
    return uPlot.join(variants.map(of).map(([x, y]) => [x, y]));
  }

  function chart(title, note, xLabel, yLabel, of) {
    const values = joined(of);
    const section = document.createElement("section");
    const heading = document.createElement("h2");
    heading.textContent = title;
    const about = document.createElement("p");
    about.className = "note";
    about.textContent = note;
    section.append(heading, about);
    place.append(section);
    const plot = new uPlot({
      width: Math.max(240, section.clientWidth - 32), height: 280,
      scales: { x: { time: false }, y: { range: (u, min, max) => [0, max > 0 ? max * 1.05 : 1] } },
      axes: [axis(xLabel), axis(yLabel)],
      series: [{ label: xLabel, value: (u, v) => text(v) }, ...variants.map((variant, i) => ({
        label: variant.name, stroke: colour(hues[i % hues.length]), width: 1.75, spanGaps: true, points: { show: false },
        dash: i < hues.length ? [] : [6, 4], value: (u, v) => text(v),
      }))],
    }, values, section);
    new ResizeObserver(() => plot.setSize({ width: Math.max(240, section.clientWidth - 32), height: 280 })).observe(section);
  }

  /** A distribution may stay at one value for a while: x must rise. */
  function rising(cdf) {
    const x = [];
    const y = [];
    cdf.x.forEach((value, i) => {
      if (x.length > 0 && value <= x[x.length - 1]) {
        y[y.length - 1] = cdf.y[i];
      } else {
        x.push(value);
        y.push(cdf.y[i]);
      }
    });
    return [x, y];
  }

  if (variants.some(v => v.latency)) {
    chart("Time to last token", "From arrival.", "seconds", "% of requests", v => v.latency ? rising(v.latency) : [[], []]);
    chart("Time to first token", "From arrival.", "seconds", "% of requests", v => v.ttft ? rising(v.ttft) : [[], []]);
  }
  chart("Blocks held", "By sequences, of the usable ones.", "simulated seconds", "%", v => [v.seconds, v.held]);
  chart("Running", "Admitted sequences.", "simulated seconds", "sequences", v => [v.seconds, v.running]);
  chart("Waiting", "Preempted sequences too.", "simulated seconds", "sequences", v => [v.seconds, v.waiting]);
})();
