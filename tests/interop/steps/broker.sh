# Real brokers.
# shellcheck shell=bash disable=SC2154,SC2034

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
