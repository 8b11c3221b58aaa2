# shellcheck shell=bash
# Checks that the benchmarks run and that their reports are whole; no time is looked at, since a
# shared machine gives none worth looking at. Sourced, never run.

# Runs the short forms and looks into their JSON with sqlite3, which every build installs.
check_bench() {
  local report status=0
  report=$(mktemp)
  Tools/bench --quick --json "$report" || status=1
  # Nothing comes back where the JSON does not parse.
  if [[ $status == 0 ]] && ! missing_bench_cells "$report" 8; then status=1; fi
  # SQLite is the peer that needs no package beyond those of every build.
  Tools/peers --quick --engines fenceline,sqlite --value-sizes 8 --threads 1 --directory /dev/shm \
    --json "$report" || status=1
  if [[ $status == 0 ]] && ! missing_bench_cells "$report" 1; then status=1; fi
  rm -f "$report"
  # Arguments that make no sense are refused with the status for wrong usage.
  expect_refusal Tools/bench --count some || status=1
  expect_refusal Tools/bench --engines rocksdb || status=1
  expect_refusal Tools/bench --workloads store-strict || status=1
  expect_refusal Tools/bench --threads 0 || status=1
  expect_refusal Tools/peers --engines nosql || status=1
  return "$status"
}

# expect_refusal COMMAND...: the command's status is that for wrong usage.
expect_refusal() {
  local status=0
  "$@" >/dev/null 2>&1 || status=$?
  if [[ $status != 64 ]]; then
    say "$*: status $status instead of 64"
    return 1
  fi
}

# Prints each (series, engine, workload or number) that has no figures in the report $1, of which $2
# series are expected; fails if there is one, or if the report is no JSON.
missing_bench_cells() {
  local missing
  missing=$(
    sqlite3 :memory: <<SQL
.bail on
CREATE TABLE report AS SELECT json(CAST(readfile('$1') AS TEXT)) AS json;
CREATE TABLE series AS
  SELECT (value ->> 'directory') || ', ' || (value ->> 'valueLength') || ' B, '
      || (value ->> 'threads') || ' threads' AS name,
    value ->> 'isForced' AS forced, value AS json
  FROM report, json_each(report.json, '$.series');
CREATE TABLE engines AS
  SELECT value AS engine, value NOT IN ('floor', 'copies') AS is_store
  FROM report, json_each(report.json, '$.machine.plan.engines');
CREATE TABLE found AS
  SELECT series.name, engine.value ->> 'name' AS engine, workload.value ->> 'workload' AS what
  FROM series, json_each(series.json, '$.engines') engine,
    json_each(engine.value, '$.workloads') workload
  WHERE workload.value ->> 'operationsPerSecond' > 0 AND workload.value ->> 'p50' > 0
    AND workload.value ->> 'p99' > 0 AND workload.value ->> 'p99_9' > 0
  UNION SELECT series.name, engine.value ->> 'name', number.key
  FROM series, json_each(series.json, '$.engines') engine,
    json_each(engine.value, '$.numbers') number
  WHERE number.value > 0;
CREATE TABLE wanted AS
  SELECT name, engine, workload AS what FROM series, engines,
    (SELECT value AS workload FROM report, json_each(report.json, '$.machine.plan.workloads'))
  -- LMDB has no call that gives space back.
  WHERE is_store AND NOT (engine = 'lmdb' AND workload = 'settle')
  UNION SELECT name, engine, column1 FROM series, engines, (VALUES ('space-loaded'),
    ('space-overwritten'), ('memory-points'), ('memory-ordered'), ('memory-peak')) WHERE is_store
  UNION SELECT name, engine, 'random-read' FROM series, engines
    WHERE engine = 'floor'
  UNION SELECT name, engine, 'append-fdatasync' FROM series, engines
    WHERE engine = 'floor' AND NOT forced
  UNION SELECT name, engine, column1 FROM series, engines, (VALUES ('packed-core'),
    ('packed-pmem-drain'), ('packed-pmem-range'), ('packed-pmem-staged'), ('packed-pmem-each'),
    ('fenced-core'), ('fenced-core-trusting'), ('fenced-pmem')) WHERE engine = 'copies' AND forced;
SELECT 'missing: ' || name || ', ' || engine || ', ' || what
  FROM (SELECT * FROM wanted EXCEPT SELECT * FROM found);
-- Nineteen sizes at two places by ten ways, in one series.
SELECT 'missing: copies of all sizes' FROM engines
  WHERE engine = 'copies' AND '$(uname -m)' = 'x86_64' AND 380 > (
  SELECT count(*) FROM series, json_each(series.json, '$.engines') engine,
    json_each(engine.value, '$.copies') copy WHERE copy.value ->> 'nanoseconds' > 0);
SELECT 'missing: ' || ($2 - count(*)) || ' of $2 series' FROM series HAVING count(*) <> $2;
SELECT 'missing: the ratios of ' || name FROM series WHERE json_array_length(json, '$.ratios') < 10;
SQL
  ) || return
  [[ -z $missing ]] || say "$missing"
  [[ -z $missing ]]
}
