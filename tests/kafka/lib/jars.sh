# shellcheck shell=bash
# Part of tests/kafka/kafka: Kafka's jars, our tools, their JVMs and logging configurations.

logging_dependencies() {
    case $1 in
    4.*)
        dependency org.apache.logging.log4j log4j-api 2.25.4
        dependency org.apache.logging.log4j log4j-core 2.25.4
        dependency org.apache.logging.log4j log4j-slf4j-impl 2.25.4
        ;;
    *) dependency org.slf4j slf4j-reload4j 1.7.36 ;;
    esac
}

dependency() {
    echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"
}

fetch() {
    local version=$1 home=$BUILD/kafka/$1
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "not a version of Kafka: $version"
    [[ -f $home/stamp && $(<"$home/stamp") == "$RECIPE" ]] && return 0
    mkdir -p "$home"
    (
        flock 9
        [[ -f $home/stamp && $(<"$home/stamp") == "$RECIPE" ]] && exit 0
        command -v mvn >/dev/null || die "Maven (mvn) is needed to fetch Kafka $version"
        rm -rf "$home/libs" "$home/pom" "$home/classes.jsa"
        mkdir -p "$home/pom"
        {
            echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
            echo '<groupId>ottla</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>'
            dependency org.apache.kafka kafka_2.13 "$version"
            dependency org.apache.kafka kafka-tools "$version"
            logging_dependencies "$version"
            echo '</dependencies></project>'
        } >"$home/pom/pom.xml"
        (cd "$home/pom" && mvn -B -q -ntp dependency:copy-dependencies -DincludeScope=runtime \
            -DoutputDirectory="$home/libs") >"$home/fetch.log" 2>&1 9>&- ||
            { tail -n 30 "$home/fetch.log" >&2 && die "could not fetch Kafka $version"; }
        # A second slf4j binding would print a warning at every start.
        rm -f "$home"/libs/slf4j-log4j12-*.jar
        [[ $version == 4.* ]] || rm -f "$home"/libs/log4j-1.*.jar
        printf '%s\n' "$home"/libs/*.jar | paste -sd: >"$home/classpath"
        echo "$RECIPE" >"$home/stamp"
    ) 9>"$home/lock" || exit 1
}

# Admin and the generators use the API of the newest clients. ReadBack is compiled against every version.
tool_sources() {
    if [[ $1 == "$DEFAULT_VERSION" ]]; then
        printf '%s\n' "$HERE"/java/*.java
    else
        printf '%s\n' "$HERE"/java/{Checksum,ReadBack}.java
    fi
}

tools() {
    local version=$1 home=$BUILD/kafka/$1 sources stamp
    fetch "$version"
    mapfile -t sources < <(tool_sources "$version")
    stamp=$(cat "${sources[@]}" "${BASH_SOURCE[0]}" | cksum)
    [[ -f $home/tools/stamp && $(<"$home/tools/stamp") == "$stamp" ]] && return 0
    (
        flock 9
        [[ -f $home/tools/stamp && $(<"$home/tools/stamp") == "$stamp" ]] && exit 0
        rm -rf "$home/tools.new"
        "$JAVAC" -proc:none -nowarn -J-XX:TieredStopAtLevel=1 -d "$home/tools.new" -cp "$(<"$home/classpath")" \
            "${sources[@]}" 9>&-
        echo "$stamp" >"$home/tools.new/stamp"
        # Only errors are logged, because brokers come and go. There is one file for each generation of log4j.
        log4j1 ERROR console >"$home/tools.new/log4j.properties"
        log4j2 ERROR console >"$home/tools.new/log4j2.properties"
        rm -rf "$home/tools"
        mv "$home/tools.new" "$home/tools"
    ) 9>"$home/lock" || exit 1
}

run_java() {
    local version=$1
    shift
    tools "$version"
    local home=$BUILD/kafka/$version archive=()
    [[ ! -s $home/classes.jsa ]] || archive=("-XX:SharedArchiveFile=$home/classes.jsa")
    # The archive requires the class path with which it was made to come first.
    "$JAVA" "${TOOL_JVM[@]}" "${archive[@]}" -cp "$(<"$home/classpath"):$home/tools" "$@"
}

# An archive of the classes that a broker loads, made once per version by running a broker. It halves the start time of
# later JVMs. Where Java cannot make one, everything works without it, only slower.
class_archive() {
    local version=$1 home=$BUILD/kafka/$1 name=archive-$1-$$
    [[ ! -e $home/classes.jsa && ! ${OTTLA_KAFKA_ARCHIVING:-} ]] || return 0
    (
        flock 9
        [[ ! -e $home/classes.jsa ]] || exit 0
        rm -f "$home/classes.new"
        export OTTLA_KAFKA_ARCHIVING=yes
        {
            if "$SELF" start --name "$name" --version "$version" --owner-pid $$ \
                --jvm "-XX:ArchiveClassesAtExit=$home/classes.new"; then
                "$SELF" topic "$name" create archived || true
                "$SELF" term "$name" 1 || true
            fi
            "$SELF" stop "$name" || true
        } >"$home/archive.log" 2>&1 9>&-
        # The empty file prevents another attempt.
        [[ -s $home/classes.new ]] || : >"$home/classes.new"
        mv "$home/classes.new" "$home/classes.jsa"
    ) 9>"$home/archive.lock"
}

log4j1() {
    local level=$1 target=$2
    echo "log4j.rootLogger=$level, A"
    if [[ $target == console ]]; then
        echo 'log4j.appender.A=org.apache.log4j.ConsoleAppender'
        echo 'log4j.appender.A.target=System.err'
    else
        echo 'log4j.appender.A=org.apache.log4j.FileAppender'
        echo "log4j.appender.A.File=$target"
    fi
    echo 'log4j.appender.A.layout=org.apache.log4j.PatternLayout'
    echo 'log4j.appender.A.layout.ConversionPattern=[%d] %p %m (%c)%n'
}

log4j2() {
    local level=$1 target=$2
    echo 'status=error'
    if [[ $target == console ]]; then
        echo 'appender.a.type=Console'
        echo 'appender.a.target=SYSTEM_ERR'
    else
        echo 'appender.a.type=File'
        echo "appender.a.fileName=$target"
    fi
    echo 'appender.a.name=A'
    echo 'appender.a.layout.type=PatternLayout'
    echo 'appender.a.layout.pattern=[%d] %p %m (%c)%n'
    echo "rootLogger.level=$level"
    echo 'rootLogger.appenderRef.a.ref=A'
}
