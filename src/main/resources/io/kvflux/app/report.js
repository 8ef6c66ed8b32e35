(() => {
  const { colour, number, compact, percent, clock, duration, secondSteps, axis, line, area, over, fromZero, hundred, upToHundred, third, show } = kit;
  const data = JSON.parse(document.getElementById("data").textContent);
  const timeChart = data.cacheOnly
    ? over(data.series?.x, "requests", number, "after")
    : over(data.series?.x, "simulated time", clock, "at", secondSteps);

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

  show(charts, data.cacheOnly
    ? "There are no charts: no request was looked at."
    : "There are no charts: the run ended within its first simulated second.");
})();
