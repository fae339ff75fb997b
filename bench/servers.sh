# SPDX-License-Identifier: Apache-2.0
# The servers that script/bench starts and ends: one and what it needs at a time. Sourced; uses $work, $build and $aof.
servers=()
stop_servers() {
  local i
  for ((i = ${#servers[@]} - 1; i >= 0; i--)); do
    kill "${servers[i]}" 2>/dev/null || true
    wait "${servers[i]}" 2>/dev/null || true
  done
  servers=()
  rm -rf "$work/data"
}

# start_server PATTERN COMMAND…: sets server (its pid) and ready (its first line that matches PATTERN).
start_server() {
  local pattern=$1
  shift
  : >"$work/server.out"
  ((${#servers[@]})) || : >"$work/server.err"
  "$@" >>"$work/server.out" 2>>"$work/server.err" &
  server=$!
  servers+=("$server")
  for _ in $(seq 300); do
    ready=$(grep -m1 "$pattern" "$work/server.out" || true)
    [[ -z $ready ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "bench: not ready within 30 s: $*" >&2
  cat "$work/server.out" "$work/server.err" >&2
  exit 1
}

# start_redis: a Redis for one or several hikyd; sets redis (its pid) and store (its URL).
start_redis() {
  start_server '^ready ' bench/compare/serve redis "$work/data" "$aof"
  store=${ready#ready }
  redis=$(redis-cli -s "$work/data/redis.sock" info server | sed -n 's/^process_id:\([0-9]*\).*/\1/p')
}

# start_hikyd OPTIONS…: sets server (its pid), address and how (it sends).
start_hikyd() {
  start_server '^hikyd ready on ' "$build/hikyd" --listen 127.0.0.1:0 --rate-messages 0 --log-level warn "$@"
  address=$(sed -n 's|^hikyd ready on http://\([^ /]*\).*|\1|p' <<<"$ready")
  how=send
  [[ $ready != *io_uring* ]] || how=io_uring
}

# At level warn the daemon normally logs nothing: a line that it logs belongs beside the figures.
show_log() {
  [[ ! -s $work/server.err ]] || { echo "bench: hikyd said:" && head -5 "$work/server.err"; } >&2
}
