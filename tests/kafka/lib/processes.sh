# shellcheck shell=bash
# Part of tests/kafka/kafka: ports, the nodes' processes, the supervisor, and whether brokers serve.

# Sets the named variable to a free port below the ephemeral range. A lock claims the port. This process and the
# supervisor that it leaves behind hold the lock, so concurrent starts from any checkout never get the same port.
claim_port() {
    local -n claimed=$1
    local folder=/tmp/ottla-ports-$UID candidate fd
    mkdir -p "$folder"
    local attempt
    for ((attempt = 0; attempt < 500; attempt++)); do
        candidate=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        exec {fd}>"$folder/$candidate"
        if flock -n "$fd" && ! (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then
            # shellcheck disable=SC2034 # a reference to the caller's variable
            claimed=$candidate
            return 0
        fi
        exec {fd}>&-
    done
    die "no free port found"
}

# Prints "state starttime" of a process. Fails if it does not exist. Does not fork, because the supervisor calls it
# twice a second.
process_stat() {
    local line rest
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    rest=${line##*) }
    # shellcheck disable=SC2206 # split on purpose
    local fields=($rest)
    PROCESS_STATE=${fields[0]}
    PROCESS_START=${fields[19]}
    [[ $PROCESS_STATE != Z && $PROCESS_STATE != X ]]
}

# Prints the pid of a node if it is alive and still the process that we started (pids are reused).
node_pid() {
    local pid start
    { read -r pid start <"$1/pid"; } 2>/dev/null && [[ -n $pid ]] || return 1
    process_stat "$pid" && [[ $PROCESS_START == "$start" ]] || return 1
    NODE_PID=$pid
}

cluster_dir() {
    [[ $1 =~ ^[A-Za-z0-9._-]+$ && $1 != .* ]] || die "not a name of a cluster: '$1'"
    echo "$BUILD/clusters/$1"
}

supervisor_pid() {
    local pid start
    { read -r pid start <"$1/supervisor.pid"; } 2>/dev/null && [[ -n $pid ]] || return 1
    process_stat "$pid" && [[ $PROCESS_START == "$start" ]] || return 1
    SUPERVISOR_PID=$pid
}

running() {
    local dir
    dir=$(cluster_dir "$1")
    supervisor_pid "$dir" || die "cluster $1 is not running"
}

node_dir() {
    local dir
    dir=$(cluster_dir "$1")
    [[ -n ${2:-} && -d $dir/node-$2 ]] || die "cluster $1 has no node '${2:-}'"
    echo "$dir/node-$2"
}

# The supervisor: the parent of all nodes of one cluster. It starts nodes on commands from its FIFO, and ends them on
# command or when all owners are gone. If the supervisor itself is killed, the kernel kills the nodes.
supervise() {
    local dir=$1 linger=$2 lock=$3 command begun='' node last=$SECONDS
    process_stat $$
    exec 7<>"$dir/control"
    echo "$$ $PROCESS_START" >"$dir/supervisor.pid"
    while true; do
        # The timeout may come in the middle of a line. The part that was read is kept.
        if ! read -r -t 0.5 -u 7 command; then
            begun+=$command
        else
            command=$begun$command begun=''
            case $command in
            start\ *)
                node=${command#start }
                local arguments
                mapfile -t arguments <"$dir/node-$node/command"
                # The node must not inherit the FIFO. It does inherit the locks of the ports.
                setpriv --pdeathsig KILL -- "${arguments[@]}" </dev/null >>"$dir/node-$node/stdout.log" 2>&1 7>&- &
                PROCESS_START=0
                process_stat $! || true
                echo "$! $PROCESS_START" >"$dir/node-$node/pid"
                ;;
            stop) break ;;
            esac
        fi
        if [[ -d $dir/owners ]]; then
            if owners_alive "$dir"; then
                last=$SECONDS
            elif ((SECONDS - last >= linger)); then
                # An owner may be joining: `start --reuse` holds this lock meanwhile.
                exec 8>"$lock"
                flock 8
                owners_alive "$dir" || break
                exec 8>&-
            fi
        fi
    done
    local file pids=()
    for file in "$dir"/node-*; do
        node_pid "$file" && pids+=("$NODE_PID")
    done
    ((${#pids[@]})) && kill -KILL "${pids[@]}" 2>/dev/null
    wait || true
    rm -rf "$dir"/node-*/data
    rm -f "$dir/control" "$dir/supervisor.pid"
}

owners_alive() {
    local owner name
    for owner in "$1"/owners/*; do
        name=${owner##*/}
        process_stat "${name%%.*}" && [[ $PROCESS_START == "${name#*.}" ]] && return 0
    done
    return 1
}

add_owner() {
    process_stat "$2" || die "the owner, process $2, does not exist"
    mkdir -p "$1/owners"
    : >"$1/owners/$2.$PROCESS_START"
}

# Prints the ids of the brokers that the broker at a local port lists in its Metadata response (version 4).
known_brokers() {
    # shellcheck disable=SC2016 # for the inner bash
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/127.0.0.1/$1"
        # length 15, api 3, version 4, correlation 1, no client id, no topics, no creation
        printf "\0\0\0\017\0\003\0\004\0\0\0\001\377\377\0\0\0\0\0" >&3
        length=$(head -c 4 <&3 | od -An -tu4 --endian=big)
        head -c "$((length))" <&3 | od -An -v -w65536 -tu1' - "$1" 2>/dev/null | {
        local bytes at=8 count text
        read -r -a bytes || return 1
        ((${#bytes[@]} >= 12)) || return 1
        count=$((bytes[at + 2] << 8 | bytes[at + 3])) && at=$((at + 4))
        while ((count-- > 0)); do
            echo -n "$((bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3])) "
            text=$((bytes[at + 4] << 8 | bytes[at + 5]))
            at=$((at + 4 + 2 + text + 4))
            text=$((bytes[at] << 8 | bytes[at + 1]))
            ((text == 65535)) && text=0
            at=$((at + 2 + text))
        done
        echo
    }
}

# Waits until each of the given brokers serves and lists all of them.
wait_serving() {
    local dir=$1 seconds=$2 id other port listed ready
    shift 2
    local deadline=$((SECONDS + seconds))
    for id in "$@"; do
        port=$(<"$dir/node-$id/port")
        while true; do
            node_pid "$dir/node-$id" || { echo "broker $id has ended" && return 1; }
            if listed=" $(known_brokers "$port" || true)"; then
                ready=yes
                for other in "$@"; do
                    [[ $listed == *" $other "* ]] || ready=
                done
                [[ $ready ]] && break
            fi
            ((SECONDS < deadline)) || { echo "broker $id does not serve after $seconds s (it lists:$listed)" && return 1; }
            sleep 0.1
        done
    done
}

live_brokers() {
    local file
    for file in "$1"/node-[0-9]*; do
        node_pid "$file" && [[ $PROCESS_STATE != T ]] && echo "${file##*/node-}"
    done
    return 0
}
