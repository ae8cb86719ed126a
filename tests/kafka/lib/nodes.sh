# shellcheck shell=bash
# Part of tests/kafka/kafka: operations on one node of a running cluster.

signal_node() {
    local signal=$1 node waited=0
    running "$2"
    node=$(node_dir "$2" "${3:-}")
    node_pid "$node" || die "node $3 of $2 is not running"
    kill "-$signal" "$NODE_PID"
    [[ $signal != KILL ]] || : >"$node/pid.killed"
    case $signal in
    KILL | TERM)
        while node_pid "$node"; do
            ((waited++ < 1200)) || die "node $3 of $2 does not end"
            sleep 0.05
        done
        ;;
    esac
}

restart_node() {
    local name=$1 id=$2 dir node waited=0 failure before
    running "$name"
    node=$(node_dir "$name" "$id")
    dir=$(cluster_dir "$name")
    if node_pid "$node"; then
        kill -CONT "$NODE_PID"
        signal_node TERM "$name" "$id"
    fi
    if [[ -d $dir/node-zookeeper && $id =~ ^[0-9]+$ ]] && ! tail -n 5 "$node/server.log" | grep -q 'shut down completed'; then
        # ZooKeeper knows a killed broker until its session ends. Until then, another broker with the same id gives up.
        waited=$((6 - $(date +%s) + $(stat -c %Y "$node/pid.killed" "$node/server.log" 2>/dev/null | sort -n | tail -n 1)))
        ((waited <= 0)) || sleep "$waited"
        waited=0
    fi
    before=$(<"$node/pid")
    echo "start $id" >"$dir/control"
    until [[ $(<"$node/pid") != "$before" ]] && node_pid "$node"; do
        ((waited++ < 200)) || die "node $id of $name was not started"
        sleep 0.05
    done
    [[ ${3:-} != --no-wait ]] || return 0
    if [[ $id == kdc || $id == oidc ]]; then
        wait_listening "$dir" "$id" || die "$(tail -n 30 "$node/stdout.log")"
    fi
    [[ $id =~ ^[0-9]+$ ]] || return 0
    failure=$(wait_serving "$dir" 90 "$id") || { tail -n 30 "$node/server.log" >&2 && die "$failure"; }
}

status() {
    local dir=$1 file state
    supervisor_pid "$dir" && echo "running (supervisor $SUPERVISOR_PID)" || echo "not running"
    [[ ! -f $dir/env ]] || cat "$dir/env"
    for file in "$dir"/node-*; do
        [[ -d $file ]] || continue
        state=dead
        ! node_pid "$file" || { state=$NODE_PID && [[ $PROCESS_STATE != T ]] || state="$NODE_PID paused"; }
        echo "NODE ${file##*/node-} $state"
    done
}
