# Processes of a scenario and what they write.
# shellcheck shell=bash disable=SC2154,SC2034

declare -A launched=() # component -> 1, for every process that ever was

# Where components are started: on the loopback address of the scenario's namespace, unless a step is taken elsewhere.
host=127.0.0.1
enter=() # words before a command that make it run there

# launch COMPONENT COMMAND...: starts a process with a home folder and a log of its own.
launch() {
    local component=$1 home=$run_folder/$1
    mkdir -p "$home"
    [[ ! -f $home/output.log ]] || cat "$home/output.log" >>"$home/output-before.log" # of the process that it replaces
    ROCKETMQ_HOME=$home "${enter[@]}" "${@:2}" >"$home/output.log" 2>&1 &
    pid[$component]=$!
    launched[$component]=1
}

# java_command JARS COMPONENT MEGABYTES [OPTION...]: sets `java`, the command line up to the main class; JARS is a folder of target/lib.
java_command() {
    local file
    mkdir -p "$run_folder/$2/conf"
    for file in broker namesrv tools; do cp conf/logback.xml "$run_folder/$2/conf/logback_$file.xml"; done # 4.x ends without its own
    java=(java "-Xms$3m" "-Xmx$3m" -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto
        --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED
        --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED
        --add-opens=java.base/java.util=ALL-UNNAMED
        -XX:-UsePerfData "-Djava.io.tmpdir=$TMPDIR" "-Duser.home=$run_folder/$2"
        -Drocketmq.broker.diskSpaceWarningLevelRatio=0.99 "${@:4}"
        -cp "target/lib/$1/*:target/classes")
}

says() { # says COMPONENT PATTERN: is it in what this process printed? Fails when the process is gone.
    ! ended "$1" || fail "$1 ended"
    grep -Eqs -- "$2" "$run_folder/$1/output.log"
}

logged() { grep -Eqs -- "$2" "$run_folder/$1/logs/rocketmqlogs/broker.log"; } # logged COMPONENT PATTERN: in the log of a broker

ended() { ! kill -0 "${pid[$1]}" 2>/dev/null; }

# exit_status COMPONENT: waits for its end and sets `status` to its exit status.
exit_status() {
    status=0
    await ended "$1"
    wait "${pid[$1]}" || status=$?
    unset "pid[$1]"
}

terminate() { kill -TERM "${pid[$1]}"; } # what a service manager does
silence() { kill -STOP "${pid[$1]}"; }   # it says nothing any more, and its sockets stay open
wake() { kill -CONT "${pid[$1]}"; }

kill_at_once() {
    local status
    kill -KILL "${pid[$1]}"
    exit_status "$1" 2>/dev/null
}
