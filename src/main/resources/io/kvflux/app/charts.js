"use strict";
/** What the charts of all reports are made of. */
const kit = (() => {
  const place = document.getElementById("charts");
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const faint = name => colour(name) + "2e";

  const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const number = v => (v == null ? "" : Math.abs(v) >= 1000 ? whole.format(v) : plain.format(v));
  const compact = v => (v == null ? "" : short.format(v));
  const percent = v => (v == null ? "" : v.toFixed(1) + " %");
  const two = v => String(v).padStart(2, "0");

  function clock(seconds) {
    const s = Math.round(seconds);
    const minutes = Math.floor(s / 60);
    return minutes < 60 ? minutes + ":" + two(s % 60) : Math.floor(minutes / 60) + ":" + two(minutes % 60) + ":" + two(s % 60);
  }

  function duration(v) {
    if (v < 1) return plain.format(+(v * 1000).toPrecision(3)) + " ms";
    return plain.format(+v.toPrecision(3)) + " s";
  }

  const secondSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 864000];

  const axis = extra => Object.assign({
    stroke: colour("soft"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1, size: 5 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 16,
    labelGap: 2,
  }, extra);

  const line = (label, hue, value, extra) => Object.assign({
    label, stroke: colour(hue), width: 1.75, points: { show: false }, value: (u, v) => value(v), spanGaps: false,
  }, extra);

  const area = (label, hue, value, extra) => line(label, hue, value, Object.assign({ fill: faint(hue) }, extra));

  /** What makes charts over the same x: its values, what they are called, how they are written, and the steps of the axis. */
  const over = (xs, name, text, before, steps) => (title, note, label, scale, lines, values, extra) => {
    return {
      title, note, values: [xs, ...values],
      options: Object.assign({
        cursor: { sync: { key: "time" }, points: { size: 6 }, y: false },
        scales: { x: { time: false }, y: { range: scale } },
        axes: [
          axis({ label: name, size: 30, values: (u, ticks) => ticks.map(text), incrs: steps, space: 70 }),
          axis({ label, size: 52, values: (u, ticks) => ticks.map(compact) }),
        ],
        series: [{ label: " ", value: (u, v) => (v == null ? "" : before + " " + text(v)) }, ...lines],
      }, extra),
    };
  };

  const fromZero = (u, min, max) => [0, max > 0 ? max * 1.08 : 1];
  const hundred = () => [0, 100];
  const upToHundred = (u, min, max) => [0, Math.min(100, Math.max(10, max * 1.2))];

  const third = chart => Object.assign(chart, { third: true });

  let plots = [];

  function note(parent, text, kind) {
    const p = document.createElement("p");
    p.className = kind;
    p.textContent = text;
    parent.append(p);
  }

  const widthOf = section => {
    const style = getComputedStyle(section);
    return Math.max(200, section.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
  };
  const heightFor = width => Math.round(Math.min(280, Math.max(230, width * 0.5)));

  /** Draws the charts that a function makes, again when the colours change. */
  function show(charts, empty) {
    const draw = () => paint(charts(), empty);
    draw();
    new ResizeObserver(fit).observe(place);
    // Colours are painted, not styled, so that a change of theme, or paper, needs a new painting.
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    window.matchMedia("print").addEventListener("change", draw);
  }

  function paint(list, empty) {
    plots.forEach(plot => plot.uplot.destroy());
    place.replaceChildren();
    plots = list.map(chart => {
      const section = document.createElement("section");
      section.classList.toggle("third", !!chart.third);
      const title = document.createElement("h2");
      title.textContent = chart.title;
      section.append(title);
      note(section, chart.note, "note");
      place.append(section);
      const width = widthOf(section);
      return { section, uplot: new uPlot(Object.assign({ width, height: heightFor(width) }, chart.options), chart.values, section) };
    });
    note(place, list.length ? "Drag over a chart to look closer, double-click to go back." : empty, "note hint");
  }

  function fit() {
    plots.forEach(({ section, uplot }) => {
      const width = widthOf(section);
      if (width !== uplot.width) uplot.setSize({ width, height: heightFor(width) });
    });
  }

  return { colour, number, compact, percent, clock, duration, secondSteps, axis, line, area, over, fromZero, hundred, upToHundred, third, show };
})();
