#!/usr/bin/env bash
# The main job on one machine, on real parts: a server, an agent, Debian's
# Prometheus and its node exporter, all on 127.0.0.1, with a first job and target
# that Prometheus is seen to scrape. Fetches and builds what it needs first.
# Everything is kept in ./.run, and a second run finds it again.
#
#   RUN_EXIT_AFTER_SCRAPE=1   end with 0 once the target is scraped and told
set -euo pipefail
cd "$(dirname "$0")/.."

SERVER_PORT=${SERVER_PORT:-7090}
AGENT_PORT=${AGENT_PORT:-7091}
PROMETHEUS_PORT=${PROMETHEUS_PORT:-9090}
EXPORTER_PORT=${EXPORTER_PORT:-9100}

run=.run
parts=.tools/debian/usr/bin
server_url=http://127.0.0.1:$SERVER_PORT
prometheus_url=http://127.0.0.1:$PROMETHEUS_PORT
exporter=127.0.0.1:$EXPORTER_PORT

fail() {
  echo "$1" >&2
  exit 1
}

# What was started, in order: names and process ids.
names=()
pids=()

# start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches this
# script alone; if even the script is killed, its parts are told to end.
start() {
  local name=$1
  shift
  echo "starting $name"
  setsid setpriv --pdeathsig TERM "$@" </dev/null >"$run/log/$name.log" 2>&1 9>&- &
  names+=("$name")
  pids+=($!)
}

alive() { kill -0 "$1" 2>/dev/null; }

# stop_all: in reverse order, ten seconds each at most.
stop_all() {
  local i tries
  trap '' INT TERM HUP
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    if alive "${pids[i]}"; then
      echo "stopping ${names[i]}"
      kill -TERM "${pids[i]}" 2>/dev/null || true
      for ((tries = 0; tries < 100; tries++)); do
        alive "${pids[i]}" || break
        sleep 0.1
      done
      if alive "${pids[i]}"; then
        echo "killing ${names[i]}: it did not stop within 10 seconds"
        kill -KILL "${pids[i]}" 2>/dev/null || true
      fi
    fi
  done
  if [ ${#pids[@]} != 0 ]; then
    echo "all stopped; the data is in $run"
  fi
}

# check_children: ends the script if one of its parts has ended.
check_children() {
  local i
  for i in "${!pids[@]}"; do
    if ! alive "${pids[i]}"; then
      echo "${names[i]} has ended by itself; the last lines of $run/log/${names[i]}.log:" >&2
      tail -n 15 "$run/log/${names[i]}.log" >&2
      exit 1
    fi
  done
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    check_children
    [ "$SECONDS" -lt "$deadline" ] || fail "$what: not within the time allowed; the logs are in $run/log"
    sleep 0.2
  done
}

ready() { curl -fsS --max-time 2 "$1/-/ready"; }

cli() { PROMFLEET_URL=$server_url PROMFLEET_TOKEN_FILE=$run/admin-token bin/promfleet "$@"; }

# items: the records of a list, one a line, whether it comes bare or in a page.
items() { jq -c '(.items? // .)[]'; }

check_ports() {
  local i j ports=("$SERVER_PORT" "$AGENT_PORT" "$PROMETHEUS_PORT" "$EXPORTER_PORT")
  local vars=(SERVER_PORT AGENT_PORT PROMETHEUS_PORT EXPORTER_PORT)
  for i in "${!ports[@]}"; do
    if ! [[ ${ports[i]} =~ ^[1-9][0-9]{0,4}$ ]] || ((ports[i] > 65535)); then
      fail "${vars[i]}=${ports[i]} is not a port; choose one from 1 to 65535: make run ${vars[i]}=PORT"
    fi
    for ((j = 0; j < i; j++)); do
      [ "${ports[i]}" != "${ports[j]}" ] ||
        fail "${vars[i]} and ${vars[j]} are both ${ports[i]}; choose another: make run ${vars[i]}=PORT"
    done
    if (exec 3<>"/dev/tcp/127.0.0.1/${ports[i]}") 2>/dev/null; then
      fail "port ${ports[i]} is busy; choose another: make run ${vars[i]}=PORT"
    fi
  done
}

start_server() {
  start server bin/promfleet server --storage.path "$run/server" --web.listen-address "127.0.0.1:$SERVER_PORT"
  await 60 "the server is ready" ready "$server_url"
  if [ ! -s $run/admin-token ]; then
    bin/promfleet admin token create --role admin --name run --storage.path "$run/server" >"$run/admin-token.new"
    mv "$run/admin-token.new" "$run/admin-token"
  fi
  # Told once, at the first start. Until the next one it stands in the log, which
  # nobody else may read; the token beside it may do as much.
  password=$(sed -n 's/^user admin was created; the password, shown this once: //p' "$run/log/server.log")
}

start_prometheus() {
  mkdir -p "$run/prometheus"
  if [ ! -e $run/prometheus/prometheus.yml ]; then
    printf 'global:\n  scrape_interval: 5s\n' >"$run/prometheus/prometheus.yml"
  fi
  start prometheus "$parts/prometheus" --web.enable-lifecycle \
    --config.file "$run/prometheus/prometheus.yml" \
    --storage.tsdb.path "$run/prometheus/data" \
    --web.listen-address "127.0.0.1:$PROMETHEUS_PORT"
  await 60 "Prometheus is ready" ready "$prometheus_url"
}

# our_node: the uuid of the node that this run's agent registered.
our_node() {
  uuid=$(cli node list -o json | items | jq -r --arg addr "$prometheus_url" 'select((.addr | rtrimstr("/")) == $addr) | .uuid' | head -n 1)
  [ -n "$uuid" ]
}

start_agent() {
  local join=()
  if ! registered; then
    cli join-token create --name run -o json | jq -er .secret >"$run/join-token"
    join=(--join.token-file "$run/join-token")
  fi
  start agent bin/promfleet agent --server.url "$server_url" "${join[@]}" --data.path "$run/agent" \
    --prometheus.url "$prometheus_url" --prometheus.config-file "$run/prometheus/prometheus.yml" \
    --prometheus.targets-dir "$run/prometheus/targets.d" --web.listen-address "127.0.0.1:$AGENT_PORT"
  await 60 "the agent has registered its Prometheus" our_node
  rm -f "$run/join-token"
}

# registered: the agent has a credential of its own.
registered() { [ -s $run/agent/credential ]; }

# create_target: the first job and target, if they are not there.
create_target() {
  job=$(cli job list -o json | items | jq -r --arg node "$uuid" 'select(.node == $node and .key == "node") | .id' | head -n 1)
  if [ -z "$job" ]; then
    echo "creating the job node"
    job=$(cli job create --node "$uuid" --key node --remark "hosts, by their node exporters" -o json | jq -er .id)
  fi
  target=$(cli target list --job "$job" -o json | items | jq -r --arg addr "$exporter" 'select(.addr == $addr) | .id' | head -n 1)
  created=
  if [ -z "$target" ]; then
    echo "creating the target $exporter"
    created=$(date +%s.%N)
    target=$(cli target create --job "$job" --addr "$exporter" --name "this host" -o json | jq -er .id)
  fi
}

# ask EXPRESSION: Prometheus's own answer.
ask() {
  curl -fsS --max-time 5 --get --data-urlencode "query=$1" "$prometheus_url/api/v1/query"
}

# fresh SELECTOR [CONDITION]: without what Prometheus remembers of an earlier run.
fresh() { echo "$1 ${2:-} and timestamp($1) > $started"; }

scraped() {
  ask "$(fresh "up{job=\"node\",instance=\"$exporter\"}" '== 1')" | jq -e '.data.result | length > 0'
}

# seconds FROM TO: with two digits.
seconds() { awk -v a="$1" -v b="$2" 'BEGIN{printf "%.2f s", b - a}'; }

tell() {
  local first written took
  if [ -n "$created" ]; then
    first=$(ask "up{job=\"node\",instance=\"$exporter\"}[10m]" | jq -r '.data.result[0].values[0][0]')
    written=$(find $run/prometheus/targets.d/node -name '*.json' -printf '%T@\n' | sort -n | tail -n 1)
    took="$(seconds "$created" "$first") from its creation to the first scrape ($(seconds "$created" "$written") until its file was written, the rest is Prometheus's own)"
  else
    took="the target was there already"
  fi
  local login="password $password (shown this once)"
  if [ -z "$password" ]; then
    login="another password: bin/promfleet admin user set-password admin --storage.path $run/server <<<NEW"
  fi
  cat <<TEXT

Prometheus scrapes, as it says itself:
$(ask "$(fresh up)" | jq -r '.data.result[] | "  up{job=\"\(.metric.job)\", instance=\"\(.metric.instance)\"} \(.value[1])"')
  $took

  web UI      $server_url        API docs: $server_url/docs
  Prometheus  $prometheus_url
  you         user admin; $login
              scripts: the token in $run/admin-token, role admin
  node        $uuid

The next target, by command line:
  PROMFLEET_URL=$server_url PROMFLEET_TOKEN_FILE=$run/admin-token \\
    bin/promfleet target create --job $job --addr HOST:PORT --name NAME
or by curl:
  curl -H "Authorization: Bearer \$(cat $run/admin-token)" -H 'Content-Type: application/json' \\
    -d '{"job": $job, "addr": "HOST:PORT", "name": "NAME"}' $server_url/api/v1/targets

Data is in $run, logs are in $run/log. Ctrl-C ends all of it; the next make run finds the data again.
TEXT
}

# All of it is in $run, whatever this shell is set up for.
unset PROMFLEET_STORAGE_URL PROMFLEET_TOKEN
umask 077
mkdir -p "$run/log"
exec 9>"$run/lock"
flock -n 9 || fail "another make run uses $run; end it first"
check_ports
scripts/tools.sh run-commands debian-parts
make --no-print-directory build

trap stop_all EXIT
# Ctrl-C is how one leaves: no error.
trap 'exit 0' INT
trap 'exit 143' TERM HUP

started=$(date +%s)
start_server
start_prometheus
# Without the collectors that want Debian's set-up, and complain every 5 seconds.
start exporter "$parts/prometheus-node-exporter" --web.listen-address="$exporter" \
  --no-collector.textfile --no-collector.systemd
start_agent
create_target
await 120 "Prometheus has scraped $exporter" scraped
tell

if [ "${RUN_EXIT_AFTER_SCRAPE:-}" = 1 ]; then
  exit 0
fi
# Until a signal comes (see the traps) or one of the parts ends.
while true; do
  wait -n || true
  check_children
done
