#!/usr/bin/env bash
# Measures what the project aims at, and runs single benchmarks and concurrency tests. They are compiled with the tests and
# are in no jar.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: perf/run.sh [aims] [--core N] [--processes N]
       perf/run.sh jmh [--core N] FILTER [JMH options]
       perf/run.sh jcstress [NAME] [jcstress options]

  aims      runs every benchmark that has an aim, half an hour of them, and prints what was
            measured beside the aims; also in target/perf/aims, with JMH's JSON files.
            --core N pins them to a core, by default the last one (Linux); --processes N runs
            each in so many processes, 5 by default, and takes medians. Replay R needs the
            conversation trace in the folder that KVFLUX_TRACES names, or in ../shared/traces.
  jmh       runs the benchmarks whose name matches FILTER, with the GC profiler;
            results also go to target/perf/jmh.json. --core N pins them to one core (Linux).
  jcstress  runs the concurrency tests whose name matches NAME (all by default);
            a report goes to target/perf/jcstress. "-m quick" takes a minute or two.

Examples: perf/run.sh
          perf/run.sh jmh --core 0 TokenEvent
          perf/run.sh jcstress -m quick
HELP
}

die() {
  echo "perf/run.sh: $*" >&2
  exit 2
}

require_number() {
  [[ $2 =~ ^[0-9]{1,9}$ ]] || die "$1 needs a number, got '$2'"
}

pin_to() {
  command -v taskset >/dev/null || die "--core needs taskset, which is not here"
  taskset -c "$1" true 2>/dev/null || die "--core: there is no core $1 here"
  pin=(taskset -c "$1")
}

compile() {
  mkdir -p target/perf
  mvn --batch-mode --quiet test-compile dependency:build-classpath -Dmdep.outputFile=target/perf/classpath
  classpath=$root/target/test-classes:$root/target/classes:$(cat target/perf/classpath)
}

# What mapping files needs: docs/memory.md. The JVMs that JMH starts get the same.
jmh() {
  local results=$1
  shift
  ${pin[@]+"${pin[@]}"} java --add-opens=java.base/java.lang.reflect=ALL-UNNAMED \
    --add-exports=java.base/sun.nio.ch=ALL-UNNAMED -cp "$classpath" \
    org.openjdk.jmh.Main -prof gc -rf json -rff "$results" "$@"
}

aims() {
  local processes=5 core=
  while [ $# -gt 0 ]; do
    case $1 in
      --core | --processes)
        require_number "$1" "${2:-}"
        [ "$1" = --core ] && core=$2 || processes=$2
        shift 2
        ;;
      *) die "expected --core or --processes, got '$1' (perf/run.sh --help)" ;;
    esac
  done
  [ "$processes" -gt 0 ] || die "--processes must be at least 1"
  if [ -n "$core" ]; then
    pin_to "$core"
  elif command -v taskset >/dev/null; then
    pin_to "$(taskset -cp $$ | sed 's/.*[^0-9]//')" # the last that we may use
  fi
  compile
  local folder=target/perf/aims
  rm -rf "$folder"
  mkdir -p "$folder"
  if [ -f "${KVFLUX_TRACES:-../shared/traces}/mooncake-conversation.jsonl" ]; then
    jmh "$folder/replay.json" 'ReplayRBenchmark' -f "$processes"
  else
    echo "perf/run.sh: the conversation trace is not there, so Replay R is not run (perf/run.sh --help)" >&2
  fi
  jmh "$folder/steps.json" 'StepBenchmark.decode|StepLatency' -f "$processes"
  jmh "$folder/lists.json" 'FreeListBenchmark' -f "$processes"
  jmh "$folder/events.json" 'TokenEventBenchmark' -f "$processes" -wi 3
  jmh "$folder/copies.json" 'PageCopyBenchmark' -f "$processes" -p place=scattered
  jmh "$folder/growth.json" 'PoolGrowthBenchmark|StepGrowthBenchmark' -f 1
  echo
  {
    echo "$(uname -sm), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1), $(java -version 2>&1 | sed -n 2p), $(date -u +%F), ${pin[*]:-not pinned}"
    echo
    java -cp "$classpath" io.kvflux.AimsTable "$folder"
  } | tee "$folder/table.md"
}

cd "$(dirname "$0")/.."
root=$PWD
pin=()
what=${1:-aims}
[ $# -eq 0 ] || shift

case $what in
  -h | --help)
    usage
    ;;
  aims)
    aims "$@"
    ;;
  --core | --processes)
    aims "$what" "$@"
    ;;
  jmh)
    if [ "${1:-}" = --core ]; then
      require_number --core "${2:-}"
      pin_to "$2"
      shift 2
    fi
    [ $# -gt 0 ] || die "jmh needs a filter, such as TokenEvent (perf/run.sh --help)"
    compile
    jmh target/perf/jmh.json "$@"
    ;;
  jcstress)
    compile
    if [ $# -gt 0 ] && [[ $1 != -* ]]; then
      set -- -t "$@"
    fi
    mkdir -p target/perf/jcstress
    cd target/perf/jcstress
    exec java -cp "$classpath" org.openjdk.jcstress.Main -r . "$@"
    ;;
  *)
    die "expected aims, jmh or jcstress, got '$what' (perf/run.sh --help)"
    ;;
esac
