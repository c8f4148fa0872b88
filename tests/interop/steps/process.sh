# Processes of a scenario and what they write.
# shellcheck shell=bash disable=SC2154,SC2034

# launch COMPONENT COMMAND...: starts a process with a home folder and a log of its own.
launch() {
    local component=$1 home=$run_folder/$1
    mkdir -p "$home"
    ROCKETMQ_HOME=$home "${@:2}" >>"$home/output.log" 2>&1 &
    pid[$component]=$!
}

# java_command VERSION COMPONENT MEGABYTES: sets `java`, the command line up to the main class.
java_command() {
    java=(java "-Xms$3m" "-Xmx$3m" -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto
        --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED
        --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED
        --add-opens=java.base/java.util=ALL-UNNAMED
        "-Duser.home=$run_folder/$2" -Drocketmq.broker.diskSpaceWarningLevelRatio=0.99
        -cp "target/lib/$1/*:target/classes")
}

says() { # says COMPONENT TEXT: is it in its log? Fails when the process is gone.
    ! ended "$1" || fail "$1 ended"
    grep -qs -- "$2" "$run_folder/$1/output.log"
}

ended() { ! kill -0 "${pid[$1]}" 2>/dev/null; }

# exit_status COMPONENT: waits for its end and sets `status` to its exit status.
exit_status() {
    status=0
    await ended "$1"
    wait "${pid[$1]}" || status=$?
    unset "pid[$1]"
}

port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || fail "port $1 is taken; see --first-port"
}
