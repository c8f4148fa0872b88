# The verbs that scenarios are written in: components that start and stop, and what mqadmin sees of them.
# shellcheck disable=SC2154
# Uses of the caller: nameserver (a path, or java), messages and jobs.

shopt -s extglob

declare -A pid=()           # component -> process
declare -A broker_address=() # broker -> host:port
printed=                    # what the last mqadmin command printed
current_step=               # what is being done, for the failure report
run_folder=

# ---- running a scenario ----

# run_scenario NAME FIRST_PORT: the NameServer gets that port, brokers get ports above it.
run_scenario() {
    first_port=$2
    run_folder=$PWD/target/run/$1
    rm -rf "$run_folder"
    mkdir -p "$run_folder"
    # What scenarios print must not mingle: unless only one runs at a time, it is shown when they are done.
    ((jobs == 1)) || exec {screen}>&1 >"$run_folder/steps.log" 2>&1
    trap finish EXIT
    trap 'exit 130' INT TERM
    echo "scenario $1 ($([[ $nameserver == java ]] && echo "Java NameServer" || echo "${nameserver##*/}"))"
    start_console
    scenario
    current_step=
}

# step SENTENCE COMMAND...: does one thing of a scenario and prints how long it took.
step() {
    local began=$EPOCHREALTIME
    current_step=$1
    "${@:2}"
    LC_ALL=C printf '  %6.2f s  %s\n' "$(seconds_since "$began")" "$current_step"
}

seconds_since() { # $1: an earlier value of EPOCHREALTIME
    local began=${1/[.,]/} now=${EPOCHREALTIME/[.,]/}
    printf '%d.%06d' $(((now - began) / 1000000)) $(((now - began) % 1000000))
}

fail() {
    echo "            $*"
    exit 1
}

# await COMMAND...: repeats a question until the answer is yes.
await() {
    local give_up=$((SECONDS + ${await_seconds:-40}))
    until "$@"; do
        ((SECONDS < give_up)) || fail "not seen within ${await_seconds:-40} s: $*"
        sleep 0.1
    done
}

# Stops every process of the scenario, whatever became of it, and reports a failure.
finish() {
    local status=$? component
    trap - EXIT
    set +e
    if [[ -n $current_step ]] && ((status != 130)); then
        echo "    FAILED  $current_step"
        [[ -z $printed ]] || { echo "--- mqadmin printed last" && tail -n 15 <<<"$printed"; }
        for component in $(cd "$run_folder" && ls -d !(mqadmin|steps.log)); do
            echo "--- the end of $component's log"
            tail -qn 15 "$run_folder/$component"/{output,logs/rocketmqlogs/broker}.log 2>/dev/null | grep -v '|-'
        done
    fi
    ((${#pid[@]} == 0)) || kill -KILL "${pid[@]}" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$run_folder"/*/store
    ((jobs == 1)) || cat "$run_folder/steps.log" >&"$screen"
    exit "$status"
}

# ---- processes ----

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

# ---- the NameServer ----

nameserver_is_java() { [[ $nameserver == java ]]; }

# start_nameserver [KEY=VALUE...]
start_nameserver() {
    local home=$run_folder/nameserver
    mkdir -p "$home"
    nameserver_address=127.0.0.1:$first_port
    port_is_free "$first_port"
    printf '%s\n' "listenPort=$first_port" bindAddress=127.0.0.1 "kvConfigPath=$home/kvConfig.json" "$@" >"$home/nameserver.conf"
    if nameserver_is_java; then
        java_command 5.5.0 nameserver 192
        launch nameserver "${java[@]}" org.apache.rocketmq.namesrv.NamesrvStartup -c "$home/nameserver.conf"
    else
        launch nameserver "$nameserver" -c "$home/nameserver.conf"
    fi
    await says nameserver "boot success"
}

# A graceful stop; ours exits 0, the Java virtual machine 143.
stop_nameserver() {
    local status
    kill -TERM "${pid[nameserver]}"
    exit_status nameserver
    ((status == 0)) || { nameserver_is_java && ((status == 143)); } || fail "exit status $status"
}

# ---- brokers ----

# launch_broker VERSION NAME [KEY=VALUE...]: starts a master of DefaultCluster; keys given replace the ones below.
launch_broker() {
    local version=$1 name=$2 home=$run_folder/$2 port=$((first_port + 11 + 10 * ${#broker_address[@]})) used
    for used in $((port - 2)) "$port" $((port + 1)); do port_is_free "$used"; done
    mkdir -p "$home"
    broker_address[$name]=127.0.0.1:$port
    printf '%s\n' brokerClusterName=DefaultCluster "brokerName=$name" brokerId=0 brokerIP1=127.0.0.1 brokerIP2=127.0.0.1 \
        "listenPort=$port" "namesrvAddr=$nameserver_address" "storePathRootDir=$home/store" \
        "storePathCommitLog=$home/store/commitlog" mappedFileSizeCommitLog=16777216 mappedFileSizeConsumeQueue=60000 \
        diskMaxUsedSpaceRatio=95 "${@:3}" >"$home/broker.conf"
    java_command "$version" "$name" 192
    launch "$name" "${java[@]}" org.apache.rocketmq.broker.BrokerStartup -c "$home/broker.conf"
}

broker_boots() { await says "$1" "boot success"; }

start_broker() {
    launch_broker "$@"
    broker_boots "$2"
}

# The broker unregisters and then takes its time to end; nobody waits for that.
stop_broker() { kill -TERM "${pid[$1]}"; }

kill_broker() {
    local status
    kill -KILL "${pid[$1]}"
    exit_status "$1" 2>/dev/null
}

# broker_logged NAME TEXT: is it in the broker's own log?
broker_logged() { grep -qs -- "$2" "$run_folder/$1/logs/rocketmqlogs/broker.log"; }

# ---- what mqadmin does and sees ----

# One mqadmin of 5.5.0 that stays for the whole scenario; commands go in and output comes back over two pipes.
start_console() {
    mkdir -p "$run_folder/mqadmin"
    mkfifo "$run_folder/mqadmin"/{commands,answers}
    java_command 5.5.0 mqadmin 128
    launch mqadmin run_console
    exec {commands}>"$run_folder/mqadmin/commands" {answers}<"$run_folder/mqadmin/answers"
}

run_console() { exec "${java[@]}" AdminConsole <"$run_folder/mqadmin/commands" >"$run_folder/mqadmin/answers"; }

# mqadmin WORDS...: runs one command and sets `printed` to what it printed. Its exit status would say nothing.
mqadmin() {
    local line
    printed=
    echo "$* -n $nameserver_address" >&"$commands"
    while IFS= read -r -t 60 -u "$answers" line; do
        [[ $line != "<<end>>" ]] || { printf '$ mqadmin %s\n%s\n' "$*" "$printed" >>"$run_folder/mqadmin/output.log" && return; }
        printed+=$line$'\n'
    done
    fail "mqadmin $1 did not answer"
}

prints() { grep -Eq -- "$1" <<<"$printed"; } # prints PATTERN

# cluster_has VERSION BROKER: does clusterList show this master, at its address and with its version?
cluster_has() {
    mqadmin clusterList
    prints "^[^ ]+ +$2 +0 +${broker_address[$2]} +V${1//./_} "
}

# cluster_lacks BROKER
cluster_lacks() {
    mqadmin clusterList
    prints "^#Cluster Name " && ! prints " $1 "
}

# create_topic TOPIC: on every broker of the cluster, 4 queues each.
create_topic() {
    mqadmin updateTopic -c DefaultCluster -t "$1" -r 4 -w 4
    prints "^create topic to .* success" || fail "updateTopic did not succeed"
}

topic_is_listed() {
    mqadmin topicList
    prints "^$1\$"
}

# route_leads TOPIC BROKER: does the route name the broker's address, with 4 queues to read and write?
route_leads() {
    mqadmin topicRoute -l -t "$1"
    prints "^DefaultCluster +$2 +\{0=${broker_address[$2]}\} +4 +4 +6 *\$"
}

no_route() { # no_route TOPIC: response code 17, TOPIC_NOT_EXIST
    mqadmin topicRoute -t "$1"
    prints "CODE: 17  DESC: No topic route info in name server for the topic: $1\$"
}

# ---- clients ----

# java_client VERSION TOPIC: a producer and a consumer of that version; every message must arrive.
java_client() {
    local status result await_seconds=120
    java_command "$1" "client-$1" 128
    launch "client-$1" "${java[@]}" SendAndReceive "$nameserver_address" "$2" "$messages"
    exit_status "client-$1"
    result=$(grep '^RESULT' "$run_folder/client-$1/output.log") || fail "the client printed no result"
    current_step+=": ${result#RESULT }"
    ((status == 0)) || fail "exit status $status"
}
