# shellcheck shell=bash
# Part of tests/kafka/kafka: starting and stopping clusters.

uuid() {
    # Kafka's form of a UUID: 16 bytes in URL-safe base64. It contains no - and _, so that it never looks like an
    # option.
    head -c 16 /dev/urandom | base64 | tr '+/' 'Ab' | cut -c1-22
}

# Formats KRaft storage once per version and set of users: clusters differ only in the ids, and starting a JVM takes a
# second. The result is in FORMAT.
format_template() {
    local version=$1 home=$BUILD/kafka/$1 work users=()
    FORMAT=$home/format
    if [[ $SECURED ]]; then
        mapfile -t users < <(scram_users)
        FORMAT=$home/format-$(cksum <<<"${users[*]}" | cut -d ' ' -f 1)
    fi
    [[ -f $FORMAT/meta.properties ]] && return 0
    (
        flock 9
        [[ -f $FORMAT/meta.properties ]] && exit 0
        work=$FORMAT.new
        rm -rf "$work"
        mkdir -p "$work"
        printf '%s\n' process.roles=broker,controller node.id=1 controller.quorum.voters=1@127.0.0.1:9 \
            listeners=PLAINTEXT://127.0.0.1:8,CONTROLLER://127.0.0.1:9 controller.listener.names=CONTROLLER \
            log.dirs="$work/data" >"$work/server.properties"
        "$JAVA" "${TOOL_JVM[@]}" -cp "$(<"$home/classpath")" kafka.tools.StorageTool format -t "$(uuid)" \
            -c "$work/server.properties" "${users[@]}" >"$work/log" 2>&1 9>&- || { cat "$work/log" >&2 && exit 1; }
        rm -rf "$FORMAT"
        mv "$work/data" "$FORMAT"
        rm -rf "$work"
    ) 9>"$home/lock" || die "could not format storage for Kafka $version"
}

node_properties() {
    local number
    ((BROKERS >= 3)) && number=3 || number=1
    cat <<TEXT
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=1
auto.create.topics.enable=false
default.replication.factor=$number
min.insync.replicas=$((number == 3 ? 2 : 1))
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$number
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$number
transaction.state.log.min.isr=$((number == 3 ? 2 : 1))
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
replica.lag.time.max.ms=10000
# Retention by size, not by age, because test records may have any timestamp.
log.retention.ms=-1
log.retention.bytes=4294967296
log.retention.check.interval.ms=30000
log.segment.bytes=134217728
log.segment.delete.delay.ms=1000
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=4194304
TEXT
    if [[ $VERSION == 2.* ]]; then
        echo "zookeeper.session.timeout.ms=4000"
    else
        # A broker that was killed can register again only after its old session has ended.
        echo "broker.session.timeout.ms=4000"
        echo "broker.heartbeat.interval.ms=500"
    fi
}

# Kerberos and certificates need a name.
listener_host() {
    if [[ $SECURED && $1 != *=PLAINTEXT ]]; then echo localhost; else echo 127.0.0.1; fi
}

# Writes the configuration and the command line of one node.
write_node() {
    local dir=$1 id=$2 role=$3 node=$1/node-$2 home=$BUILD/kafka/$VERSION main=kafka.Kafka properties
    local numeric=$id property
    [[ $id == controller ]] && numeric=$CONTROLLER_ID
    mkdir -p "$node/data"
    properties=$node/server.properties
    case $role in
    zookeeper)
        main=org.apache.zookeeper.server.quorum.QuorumPeerMain
        printf '%s\n' "dataDir=$node/data" "clientPort=$ZOOKEEPER_PORT" clientPortAddress=127.0.0.1 tickTime=1000 \
            admin.enableServer=false maxClientCnxns=0 >"$properties"
        ;;
    *)
        {
            node_properties
            printf '%s' "log.dirs=$node/data" "${LOG_DIRS[@]/#/,}" $'\n'
            local name listeners=PLAINTEXT://127.0.0.1:${PORT[$id]:-} advertised
            local protocols=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PLAINTEXT6:PLAINTEXT listener
            if [[ ${PORT6[$id]:-} ]]; then
                listeners+=",PLAINTEXT6://[::1]:${PORT6[$id]}"
            fi
            advertised=$listeners
            for listener in "${LISTENERS[@]}"; do
                name=${listener%%=*}
                listeners+=",$name://127.0.0.1:${EXTRA_PORT[$id/$name]:-}"
                advertised+=",$name://$(listener_host "$listener"):${EXTRA_PORT[$id/$name]:-}"
                protocols+=",$name:${listener#*=}"
            done
            if [[ $PROXIED ]]; then
                listeners+=",$PROXIED://127.0.0.1:${EXTRA_PORT[$id/$PROXIED]:-}"
                advertised+=",$PROXIED://127.0.0.1:${PROXY_PORT[$id]:-}"
                protocols+=",$PROXIED:PLAINTEXT"
            fi
            echo "inter.broker.listener.name=PLAINTEXT"
            case $role in
            controller) echo "listeners=CONTROLLER://127.0.0.1:${CONTROLLER_PORT[$id]}" ;;
            broker,controller) echo "listeners=$listeners,CONTROLLER://127.0.0.1:${CONTROLLER_PORT[$id]}" ;;
            *) echo "listeners=$listeners" ;;
            esac
            [[ $role == controller ]] || echo "advertised.listeners=$advertised"
            echo "listener.security.protocol.map=$protocols"
            if [[ $VERSION == 2.* ]]; then
                echo "broker.id=$numeric"
                echo "zookeeper.connect=127.0.0.1:$ZOOKEEPER_PORT"
            else
                echo "process.roles=$role"
                echo "node.id=$numeric"
                echo "controller.listener.names=CONTROLLER"
                echo "controller.quorum.voters=$VOTERS"
            fi
            for property in "${PROPERTIES[@]}"; do
                property=${property//'{dir}'/$node}
                echo "${property//'{id}'/$numeric}"
            done
        } >"$properties"
        if [[ $VERSION != 2.* ]]; then
            # The first records of the metadata: bootstrap.checkpoint, since Kafka 4.4 a snapshot of the metadata's log.
            cp -r "$FORMAT/." "$node/data/"
            local folder
            for folder in "$node/data" "${LOG_DIRS[@]}"; do
                printf '%s\n' version=1 "cluster.id=$CLUSTER_ID" "node.id=$numeric" >"$folder/meta.properties"
                ! grep -q directory.id "$FORMAT/meta.properties" ||
                    echo "directory.id=$(uuid)" >>"$folder/meta.properties"
            done
        fi
        [[ -z ${PORT[$id]:-} ]] || echo "${PORT[$id]}" >"$node/port"
        ;;
    esac
    local log=(-Dlog4j.configuration="file:$node/log4j.properties")
    if [[ $VERSION == 4.* ]]; then
        log4j2 INFO "$node/server.log" >"$node/log4j2.properties"
        log=(-Dlog4j2.configurationFile="$node/log4j2.properties")
    else
        log4j1 INFO "$node/server.log" >"$node/log4j.properties"
    fi
    local archive=()
    [[ ! -s $home/classes.jsa ]] || archive=("-XX:SharedArchiveFile=$home/classes.jsa")
    printf '%s\n' "$JAVA" "${archive[@]}" "-Xmx$HEAP" -Xms64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -XX:-UsePerfData -Djava.awt.headless=true "-Dottla.node=$node" "${log[@]}" "${JVM[@]}" \
        -cp "$(<"$home/classpath")" "$main" "$properties" >"$node/command"
}

# Sets NAME, DIR and the options from the arguments of `start`. Leaves the others in REST.
parse_start() {
    NAME=c$$ VERSION=$DEFAULT_VERSION BROKERS=1 SEPARATE='' HEAP=256m READY=90 OWNER='' LINGER=0 REUSE='' PROXIED=''
    SECURED='' PROPERTIES=() LOG_DIRS=() LISTENERS=() JVM=() REST=()
    while (($#)); do
        case $1 in
        --name) NAME=$2 && shift 2 ;;
        --version) VERSION=$2 && shift 2 ;;
        --brokers) BROKERS=$2 && shift 2 ;;
        --separate-controller) SEPARATE=yes && shift ;;
        --property) PROPERTIES+=("$2") && shift 2 ;;
        --log-dir) LOG_DIRS+=("$2") && shift 2 ;;
        --listener) LISTENERS+=("$2") && shift 2 ;;
        --proxied) PROXIED=$2 && shift 2 ;;
        --secured) SECURED=yes && LISTENERS=("${SECURED_LISTENERS[@]}" "${LISTENERS[@]}") && shift ;;
        --broker-heap) HEAP=$2 && shift 2 ;;
        --jvm) JVM+=("$2") && shift 2 ;;
        --ready-timeout) READY=$2 && shift 2 ;;
        --owner-pid) OWNER=$2 && shift 2 ;;
        --linger) LINGER=$2 && shift 2 ;;
        --reuse) REUSE=yes && shift ;;
        --) shift && REST=("$@") && break ;;
        *) die "start: unknown option $1" ;;
        esac
    done
    [[ $BROKERS =~ ^[1-9]$ ]] || die "start: --brokers is a number from 1 to 9"
    DIR=$(cluster_dir "$NAME")
}

start_cluster() {
    [[ ! $SECURED ]] || need_for_secured
    fetch "$VERSION"
    [[ $VERSION == 2.* ]] || format_template "$VERSION"
    class_archive "$VERSION"
    mkdir -p "$BUILD/clusters"
    local lock=$BUILD/clusters/.$NAME.lock lock_fd
    while true; do
        exec {lock_fd}>"$lock"
        flock "$lock_fd"
        # `stop` removes the lock file, so this file may be one that nobody else will ever open.
        [[ ! $lock -ef /proc/self/fd/$lock_fd ]] || break
        exec {lock_fd}>&-
    done
    if supervisor_pid "$DIR" && [[ -f $DIR/env ]]; then
        [[ $REUSE ]] || die "cluster $NAME is running already"
        [[ -z $OWNER || ! -d $DIR/owners ]] || add_owner "$DIR" "$OWNER"
        exec {lock_fd}>&-
        cat "$DIR/env"
        return 0
    fi
    STARTING=yes
    rm -rf "$DIR"
    mkdir -p "$DIR"
    mkfifo "$DIR/control"
    [[ -z $OWNER ]] || add_owner "$DIR" "$OWNER"

    local id listener nodes=() brokers=()
    declare -gA PORT=() PORT6=() CONTROLLER_PORT=() EXTRA_PORT=() PROXY_PORT=()
    CLUSTER_ID=$(uuid) VOTERS='' ZOOKEEPER_PORT=''
    for ((id = 1; id <= BROKERS; id++)); do
        brokers+=("$id")
        claim_port "PORT[$id]"
        ! grep -qs '^0*1 ' /proc/net/if_inet6 || claim_port "PORT6[$id]"
        for listener in "${LISTENERS[@]}"; do
            claim_port "EXTRA_PORT[$id/${listener%%=*}]"
        done
        if [[ $PROXIED ]]; then
            claim_port "EXTRA_PORT[$id/$PROXIED]"
            claim_port "PROXY_PORT[$id]"
        fi
    done
    [[ ! $SECURED ]] || prepare_secured
    if [[ $VERSION == 2.* ]]; then
        claim_port ZOOKEEPER_PORT
        write_node "$DIR" zookeeper zookeeper
        nodes+=(zookeeper)
    elif [[ $SEPARATE ]]; then
        claim_port "CONTROLLER_PORT[controller]"
        VOTERS=$CONTROLLER_ID@127.0.0.1:${CONTROLLER_PORT[controller]}
        write_node "$DIR" controller controller
        nodes+=(controller)
    else
        for id in "${brokers[@]}"; do
            claim_port "CONTROLLER_PORT[$id]"
            VOTERS+=${VOTERS:+,}$id@127.0.0.1:${CONTROLLER_PORT[$id]}
        done
    fi
    local role=broker,controller
    [[ -z $SEPARATE && $VERSION != 2.* ]] || role=broker
    for id in "${brokers[@]}"; do
        write_node "$DIR" "$id" "$role"
        nodes+=("$id")
    done

    ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
    setsid "$SELF" supervise "$DIR" "$LINGER" "$lock" {lock_fd}>&- </dev/null >>"$DIR/supervisor.log" 2>&1 &
    local failure='' waited=0
    until supervisor_pid "$DIR"; do
        ((waited++ < 100)) || die "the supervisor of $NAME does not start: $(tail -n 5 "$DIR/supervisor.log")"
        sleep 0.05
    done
    [[ ! $SECURED ]] || failure=$(start_nodes kdc oidc && wait_listening "$DIR" kdc oidc) || true
    [[ $failure ]] ||
        { failure=$(start_nodes "${nodes[@]}") && failure=$(wait_serving "$DIR" "$READY" "${brokers[@]}"); } || true
    if [[ $SECURED && ! $failure ]]; then
        finish_secured >>"$DIR/secured/log" 2>&1 ||
            failure="its clients' part: $(tail -n 30 "$DIR/secured/log")"
    fi
    if [[ $failure ]]; then
        {
            echo "kafka: cluster $NAME ($VERSION) did not start: $failure"
            for id in ${SECURED:+kdc oidc} "${nodes[@]}"; do
                echo "--- $DIR/node-$id"
                tail -q -n 30 "$DIR/node-$id/server.log" "$DIR/node-$id/stdout.log" 2>/dev/null || true
            done
        } >&2
        exec {lock_fd}>&-
        stop_cluster "$NAME" keep
        return 1
    fi
    write_env "${brokers[@]}" >"$DIR/env.new"
    mv "$DIR/env.new" "$DIR/env"
    exec {lock_fd}>&-
    cat "$DIR/env"
}

write_env() {
    local id listener bootstrap='' six='' behind=''
    echo "NAME=$NAME"
    echo "DIR=$DIR"
    echo "VERSION=$VERSION"
    for id in "$@"; do
        bootstrap+=${bootstrap:+,}127.0.0.1:${PORT[$id]}
        [[ -z ${PORT6[$id]:-} ]] || six+="${six:+,}[::1]:${PORT6[$id]}"
        echo "BROKER_$id=127.0.0.1:${PORT[$id]}"
    done
    echo "BOOTSTRAP=$bootstrap"
    [[ -z $six ]] || echo "BOOTSTRAP6=$six"
    for listener in "${LISTENERS[@]}"; do
        echo "BOOTSTRAP_${listener%%=*}=$(addresses_of "$listener")"
    done
    if [[ $PROXIED ]]; then
        bootstrap=''
        for id in "$@"; do
            bootstrap+=${bootstrap:+,}127.0.0.1:${PROXY_PORT[$id]}
            behind+=${behind:+,}127.0.0.1:${EXTRA_PORT[$id/$PROXIED]}
        done
        echo "BOOTSTRAP_$PROXIED=$bootstrap"
        echo "BEHIND_$PROXIED=$behind"
    fi
    [[ ! $SECURED ]] || secured_env
}

# Starts nodes. Prints nothing, or why it failed.
start_nodes() {
    local id waited=0
    for id in "$@"; do
        echo "start $id" >"$DIR/control"
    done
    for id in "$@"; do
        until [[ -s $DIR/node-$id/pid ]]; do
            ((waited++ < 200)) || { echo "node $id was not started" && return 1; }
            sleep 0.05
        done
    done
}

# The addresses at which clients reach an additional listener, NAME or NAME=PROTOCOL.
addresses_of() {
    local id host addresses=''
    host=$(listener_host "$1")
    for ((id = 1; id <= BROKERS; id++)); do
        addresses+=${addresses:+,}$host:${EXTRA_PORT[$id/${1%%=*}]}
    done
    echo "$addresses"
}

bootstrap_of() {
    local dir
    dir=$(cluster_dir "$1")
    [[ -f $dir/env ]] || die "cluster $1 is not running"
    sed -n 's/^BOOTSTRAP=//p' "$dir/env"
}

stop_cluster() {
    local name=$1 keep=${2:-} dir waited=0 file
    dir=$(cluster_dir "$name")
    [[ -d $dir ]] || return 0
    if supervisor_pid "$dir"; then
        # Opening the FIFO for both directions never blocks.
        [[ ! -p $dir/control ]] || echo stop 1<>"$dir/control"
        while supervisor_pid "$dir"; do
            if ((waited++ >= 200)); then
                # The kernel kills the nodes with the supervisor.
                kill -KILL "$SUPERVISOR_PID" 2>/dev/null || true
                sleep 0.2
                break
            fi
            sleep 0.05
        done
    fi
    for file in "$dir"/node-*; do
        ! node_pid "$file" || kill -KILL "$NODE_PID" 2>/dev/null || true
    done
    rm -f "$dir/env"
    if [[ $keep ]]; then
        rm -rf "$dir"/node-*/data
    else
        rm -rf "$dir" "$BUILD/clusters/.$name.lock"
    fi
}

# An interrupted start leaves nothing behind, but does not touch a cluster that was already running.
interrupted_start() {
    [[ -f $DIR/env || ! ${STARTING:-} ]] || stop_cluster "$NAME" keep
}

stop_all() {
    local dir
    for dir in "$BUILD"/clusters/*/; do
        [[ ! -d $dir ]] || stop_cluster "$(basename "$dir")" "${1:-}"
    done
}

run_in_cluster() {
    local name=$1 status=0
    shift
    parse_start --name "$name" --owner-pid $$ "$@"
    ((${#REST[@]})) || die "run: nothing to run after --"
    trap 'stop_cluster "$NAME" keep' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start_cluster >/dev/null
    BOOTSTRAP=$(bootstrap_of "$NAME") OTTLA_TEST_CLUSTER=$NAME "${REST[@]}" || status=$?
    trap - EXIT
    if ((status)); then
        stop_cluster "$NAME" keep
        echo "kafka: the command ended with $status; the brokers' logs are in $DIR" >&2
    else
        stop_cluster "$NAME"
    fi
    return "$status"
}
