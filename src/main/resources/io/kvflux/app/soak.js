(() => {
  const { number, percent, clock, duration, secondSteps, line, area, over, fromZero, upToHundred, third, show } = kit;
  const data = JSON.parse(document.getElementById("data").textContent);
  const mib = values => values.map(v => v / 1048576);
  const milli = values => values.map(v => (v > 0 ? v * 1000 : null));
  const share = values => values.map(v => v * 100);
  const size = v => (v == null ? "" : v.toFixed(2) + " MiB");
  const ms = v => (v == null ? "" : duration(v / 1000));
  const whenQuiet = over(data.quiet.x, "time", clock, "at", secondSteps);
  const always = over(data.run.x, "time", clock, "at", secondSteps);

  function quiet() {
    const q = data.quiet;
    return [
      whenQuiet("Heap at quiet points", "No sequence is there, and a full collection has just ended: what is left must stay level.",
        "MiB", fromZero, [area("heap", "blue", size)], [mib(q.HEAP_AFTER_GC)]),
      whenQuiet("Outside the heap at quiet points", "Native regions and mapped files of the library, arenas, buffers of the JVM.",
        "MiB", fromZero, [line("native", "purple", size), line("arenas", "green", size), line("buffers", "orange", size)],
        [mib(q.NATIVE), mib(q.ARENAS), mib(q.BUFFERS)]),
      third(whenQuiet("Resident memory", "Of the process, at quiet points.", "MiB", fromZero, [area("resident", "purple", size)],
        [mib(q.RESIDENT)])),
      third(whenQuiet("Files and threads", "Open, at quiet points.", "count", fromZero,
        [line("files", "orange", number), line("threads", "blue", number)], [q.FILES, q.THREADS])),
      third(whenQuiet("Ended clients kept", "Reachable after a full collection.", "clients", fromZero,
        [area("kept", "orange", number)], [q.CLIENTS_KEPT])),
    ];
  }

  function run() {
    const s = data.run;
    // Logarithmic: the first life, which is checked after every change, is a hundred times slower than the others.
    const scales = { x: { time: false }, y: { distr: 3 } };
    const times = (title, note, p50, p99) => third(always(title, note, "ms, logarithmic", undefined,
      [line("p99", "orange", ms), line("p50", "blue", ms)], [milli(p99), milli(p50)], { scales }));
    return [
      always("Tokens", "Generated per second.", "tokens / s", fromZero, [area("tokens", "purple", number)], [s.TOKENS]),
      always("Sequences and steps", "Ended, and completed, per second.", "per second", fromZero,
        [line("steps", "green", number), line("sequences", "blue", number)], [s.STEPS, s.SEQUENCES]),
      always("Queues", "Clients, sequences that hold blocks, sequences in the queue, tokens generated and not yet received.",
        "sequences, tokens", fromZero,
        [line("clients", "grey", number), area("running", "blue", number), line("waiting", "orange", number),
          line("tokens", "purple", number)],
        [s.CLIENTS, s.RUNNING, s.WAITING, s.BUFFERED]),
      always("Blocks", "Of the device, by state.", "blocks", fromZero,
        [line("cached", "green", number), line("held", "blue", number), line("free", "grey", number)], [s.CACHED, s.HELD, s.FREE]),
      always("Lower tiers", "Pages there, and transfers in flight.", "pages", fromZero,
        [line("host", "green", number), line("disk", "purple", number), line("transfers", "orange", number)],
        [s.ON_HOST, s.ON_DISK, s.TRANSFERS]),
      always("Collections", "Share of the time that the JVM collected garbage.", "% of time", upToHundred,
        [area("collecting", "orange", percent)], [share(s.GC_SHARE)]),
      times("Step", "From when it was handed out to its result.", s.STEP_P50, s.STEP_P99),
      times("Time to first token", "From submission.", s.FIRST_P50, s.FIRST_P99),
      times("Time to next token", "Stalls of clients included.", s.NEXT_P50, s.NEXT_P99),
    ];
  }

  show(() => [...(data.quiet.x.length > 1 ? quiet() : []), ...(data.run.x.length > 1 ? run() : [])],
    "There are no charts: the soak ended within its first seconds.");
})();
