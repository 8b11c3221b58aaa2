# shellcheck shell=bash
# Checks that the benchmark runs and that its report is whole; no time is looked at, since a shared
# machine gives none worth looking at. Sourced, never run.

# Runs the short form and looks into its JSON with sqlite3, which every build installs.
check_bench() {
  local report status=0
  report=$(mktemp)
  Tools/bench --quick --json "$report" || status=1
  # Nothing comes back where the JSON does not parse.
  if [[ $status == 0 ]] && ! missing_bench_cells "$report"; then status=1; fi
  rm -f "$report"
  # Arguments that make no sense are refused with the status for wrong usage.
  local refused=0
  Tools/bench --count some 2>/dev/null || refused=$?
  if [[ $refused != 64 ]]; then
    say "Tools/bench --count some: status $refused instead of 64"
    status=1
  fi
  return "$status"
}

# Prints each (directory, length, engine, workload) that has no figures in the report $1; fails if
# there is one, or if the report is no JSON.
missing_bench_cells() {
  local missing
  missing=$(
    sqlite3 :memory: <<SQL
.bail on
CREATE TABLE report AS SELECT json(CAST(readfile('$1') AS TEXT)) AS json;
CREATE TABLE series AS
  SELECT value ->> 'directory' AS directory, value ->> 'valueLength' AS length,
    value ->> 'isForced' AS forced, value AS json
  FROM report, json_each(report.json, '$.series');
CREATE TABLE found AS
  SELECT directory, length, engine.value ->> 'name' AS engine,
    workload.value ->> 'workload' AS workload
  FROM series, json_each(series.json, '$.engines') engine,
    json_each(engine.value, '$.workloads') workload
  WHERE workload.value ->> 'operationsPerSecond' > 0 AND workload.value ->> 'p50' > 0
    AND workload.value ->> 'p99' > 0 AND workload.value ->> 'p99_9' > 0;
CREATE TABLE wanted AS
  SELECT directory, length, engine, workload FROM series,
    (SELECT 'fenceline' AS engine UNION SELECT 'lmdb'),
    (SELECT value AS workload FROM report, json_each(report.json, '$.machine.plan.workloads'))
  UNION SELECT directory, length, 'floor', 'random-read' FROM series
  UNION SELECT directory, length, 'floor', 'append-fdatasync' FROM series WHERE NOT forced;
SELECT 'missing: ' || concat_cell FROM (
  SELECT directory || ', ' || length || ' B, ' || engine || ', ' || workload AS concat_cell
  FROM (SELECT * FROM wanted EXCEPT SELECT * FROM found));
SELECT 'missing: ' || (4 - count(*)) || ' of 4 series' FROM series HAVING count(*) <> 4;
SELECT 'missing: the ratios of ' || directory FROM series WHERE json_array_length(json, '$.ratios') < 10;
SQL
  ) || return
  [[ -z $missing ]] || say "$missing"
  [[ -z $missing ]]
}
