"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
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

  const xLabel = data.cacheOnly ? "requests" : "simulated time";
  const xText = data.cacheOnly ? number : clock;
  const xSteps = data.cacheOnly ? undefined
    : [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 864000];

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

  function timeChart(title, note, label, scale, lines, values, extra) {
    return {
      title, note, values: [data.series.x, ...values],
      options: Object.assign({
        cursor: { sync: { key: "time" }, points: { size: 6 }, y: false },
        scales: { x: { time: false }, y: { range: scale } },
        axes: [
          axis({ label: xLabel, size: 30, values: (u, ticks) => ticks.map(xText), incrs: xSteps, space: 70 }),
          axis({ label, size: 52, values: (u, ticks) => ticks.map(compact) }),
        ],
        series: [{ label: " ", value: (u, v) => (v == null ? "" : (data.cacheOnly ? "after " : "at ") + xText(v)) }, ...lines],
      }, extra),
    };
  }

  const fromZero = (u, min, max) => [0, max > 0 ? max * 1.08 : 1];
  const hundred = () => [0, 100];
  const upToHundred = (u, min, max) => [0, Math.min(100, Math.max(10, max * 1.2))];

  function marks(cdf) {
    return u => {
      const context = u.ctx;
      const pixel = window.devicePixelRatio || 1;
      context.save();
      context.strokeStyle = colour("soft");
      context.font = 12 * pixel + "px system-ui, sans-serif";
      const right = u.bbox.left + u.bbox.width;
      const bottom = u.bbox.top + u.bbox.height;
      const seen = [["p50", cdf.p50, 50, 0.62], ["p90", cdf.p90, 90, 0.78], ["p99", cdf.p99, 99, 0.94]]
        .map(([name, value, share, height]) => ({
          text: name + " " + duration(value), x: u.valToPos(value, "x", true), top: u.valToPos(share, "y", true),
          y: u.bbox.top + u.bbox.height * height,
        }))
        .filter(mark => mark.x >= u.bbox.left && mark.x <= right);
      context.textAlign = "left";
      context.setLineDash([4 * pixel, 3 * pixel]);
      seen.forEach(mark => {
        context.beginPath();
        context.moveTo(mark.x, mark.top);
        context.lineTo(mark.x, bottom);
        context.stroke();
      });
      // Labels last, so that no line crosses one.
      seen.forEach(mark => {
        const width = context.measureText(mark.text).width;
        const gap = 5 * pixel;
        const x = mark.x + gap + width + gap < right ? mark.x + gap : mark.x - gap - width;
        context.fillStyle = colour("card");
        context.fillRect(x - 2 * pixel, mark.y - 12 * pixel, width + 4 * pixel, 16 * pixel);
        context.fillStyle = colour("text");
        context.fillText(mark.text, x, mark.y);
      });
      context.restore();
    };
  }

  /** A logarithmic axis where a linear one would press nine tenths of the values into a corner. */
  function cdfChart(title, note, cdf) {
    const low = Math.max(cdf.x[0], cdf.x[cdf.x.length - 1] / 1e6);
    const wide = cdf.x[0] > 0 && cdf.x[cdf.x.length - 1] > 20 * cdf.p50;
    const xs = cdf.x.map(v => Math.max(v, low));
    return {
      title, note, third: true, values: [xs, cdf.y],
      options: {
        cursor: { points: { size: 6 }, y: false },
        scales: { x: { time: false, distr: wide ? 3 : 1 }, y: { range: hundred } },
        axes: [
          axis({ label: wide ? "seconds, logarithmic" : "seconds", size: 30, space: 60,
            values: (u, ticks) => ticks.map(v => (v == null ? "" : compact(v))) }),
          axis({ label: "% of requests", size: 46 }),
        ],
        series: [{ label: " ", value: (u, v) => (v == null ? "" : "within " + duration(v)) }, area("requests", "purple", percent)],
        hooks: { draw: [marks(cdf)] },
      },
    };
  }

  function hitChart(s) {
    const unit = data.cacheOnly ? " requests" : " s";
    return timeChart("Hit ratio", "Full prompt pages found in the cache.", "% of pages", upToHundred,
      [area("last " + s.window + unit, "green", percent), line("so far", "blue", percent)],
      [s.hitsInWindow, s.hitsSoFar]);
  }

  const usable = () => line("usable", "grey", number, { dash: [6, 4], width: 1.25 });
  const toUsable = s => [0, Math.max(s.total * 1.05, 1)];

  function cachedChart(s) {
    return timeChart("Blocks", "Of " + number(s.total) + " usable ones: kept in the cache.", "blocks", () => toUsable(s),
      [area("cached", "green", number), usable()], [s.cached, s.x.map(() => s.total)]);
  }

  function blocksChart(s) {
    const both = s.held.map((v, i) => v + s.cached[i]);
    return timeChart("Blocks", "Of " + number(s.total) + " usable ones: held by sequences, and above that kept in the cache.",
      "blocks", () => toUsable(s),
      [area("cached", "green", number, { value: (u, v, i, at) => number(at == null ? null : s.cached[at]) }),
        area("held", "blue", number),
        usable()],
      [both, s.held, s.x.map(() => s.total)]);
  }

  const third = chart => Object.assign(chart, { third: true });

  function charts() {
    const list = [];
    const s = data.series;
    if (s && data.cacheOnly) list.push(cachedChart(s));
    if (s && !data.cacheOnly) {
      list.push(timeChart("Sequences", "Running: admitted and holding blocks. Waiting: preempted ones too.", "sequences", fromZero,
        [area("running", "blue", number), line("waiting", "orange", number)], [s.running, s.waiting]));
      list.push(blocksChart(s));
      list.push(timeChart("Output tokens", "Generated per second.", "tokens / s", fromZero,
        [area("output", "purple", number)], [s.outputRate]));
      list.push(timeChart("Prompt tokens", "Computed per second; hits are not computed, recomputed ones are.", "tokens / s", fromZero,
        [area("prompt", "orange", number)], [s.promptRate]));
    }
    if (s) list.push(hitChart(s));
    if (s && !data.cacheOnly) {
      list.push(timeChart("Preemptions", "Sequences that gave up their blocks, counted from the start.", "preemptions",
        (u, min, max) => [0, Math.max(max, 4) * 1.08], [area("so far", "orange", number)], [s.preemptions]));
    }
    if (s && data.drafts) {
      list.push(third(timeChart("Drafts", "Granted and accepted per second.", "drafts / s", fromZero,
        [area("granted", "orange", number), line("accepted", "green", number)], [s.grantedRate, s.acceptedRate])));
      list.push(third(timeChart("Acceptance", "Drafts accepted, of those verified.", "% of drafts", hundred,
        [line("accepted", "green", percent)], [s.acceptance])));
      list.push(third(timeChart("Available blocks", "Of " + number(s.total) + " usable ones: free or cached.", "blocks", fromZero,
        [area("available", "blue", number)], [s.available])));
    }
    if (data.ttft) list.push(cdfChart("Time to first token", "From arrival.", data.ttft));
    if (data.tpot) list.push(cdfChart("Time per further token", "Mean of each request.", data.tpot));
    if (data.latency) list.push(cdfChart("Time to last token", "From arrival.", data.latency));
    return list;
  }

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

  function draw() {
    plots.forEach(plot => plot.uplot.destroy());
    place.replaceChildren();
    const list = charts();
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
    note(place, list.length ? "Drag over a chart to look closer, double-click to go back." : data.cacheOnly
      ? "There are no charts: no request was looked at." : "There are no charts: the run ended within its first simulated second.",
      "note hint");
  }

  function fit() {
    plots.forEach(({ section, uplot }) => {
      const width = widthOf(section);
      if (width !== uplot.width) uplot.setSize({ width, height: heightFor(width) });
    });
  }

  draw();
  new ResizeObserver(fit).observe(place);
  // Colours are painted, not styled, so that a change of theme, or paper, needs a new painting.
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  window.matchMedia("print").addEventListener("change", draw);
})();
