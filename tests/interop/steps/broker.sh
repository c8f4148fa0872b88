# Real brokers.
# shellcheck shell=bash disable=SC2154,SC2034

declare -A broker_address=() # broker -> host:port

# launch_broker VERSION NAME [KEY=VALUE|-DPROPERTY=VALUE...]: starts a master of DefaultCluster. Keys replace the ones below;
# what begins with -D is for the Java virtual machine. One that ended starts again with its port, files and keys.
launch_broker() {
    local version=$1 name=$2 home=$run_folder/$2 word keys=() properties=()
    for word in "${@:3}"; do
        if [[ $word == -D* ]]; then properties+=("$word"); else keys+=("$word"); fi
    done
    [[ -v broker_address[$name] ]] || place_broker "$name" "${keys[@]}"
    java_command "$version" "$name" 192 "${properties[@]}"
    launch "$name" "${java[@]}" org.apache.rocketmq.broker.BrokerStartup -c "$home/broker.conf"
}

# Gives it a home and an address: port 10911 for the first; two below and one above it are taken by it too.
place_broker() { # NAME [KEY=VALUE...]
    local home=$run_folder/$1 port=$((10911 + 10 * ${#broker_address[@]}))
    mkdir -p "$home"
    broker_address[$1]=$host:$port
    printf '%s\n' brokerClusterName=DefaultCluster "brokerName=$1" brokerId=0 "brokerIP1=$host" "brokerIP2=$host" \
        "listenPort=$port" "namesrvAddr=$nameserver_list" "storePathRootDir=$home/store" \
        "storePathCommitLog=$home/store/commitlog" mappedFileSizeCommitLog=16777216 mappedFileSizeConsumeQueue=60000 \
        diskMaxUsedSpaceRatio=95 waitTimeMillsInSendQueue=30000 "${@:2}" >"$home/broker.conf"
}

broker_boots() { await says "$1" "boot success"; }

start_broker() {
    launch_broker "$@"
    broker_boots "$2"
}

# both_brokers_boot [KEY=VALUE|-DPROPERTY=VALUE...]: the steps in which a 5.5.0 broker called new and a 4.9.7 one called old come.
both_brokers_boot() {
    launch_broker 5.5.0 new "$@"
    launch_broker 4.9.7 old "$@"
    step "a 5.5.0 broker boots" broker_boots new
    step "a 4.9.7 broker boots" broker_boots old
    step "clusterList shows the 5.5.0 broker" await cluster_has 5.5.0 new
    step "clusterList shows the 4.9.7 broker" await cluster_has 4.9.7 old
}

# The broker unregisters and then takes its time to end; nobody waits for that.
stop_broker() { terminate "$1"; }

# start_container VERSION NAME [KEY=VALUE...]: a container with one broker of that name, which has the keys.
start_container() {
    local home=$run_folder/container
    place_broker "$2" "${@:3}" "authConfigPath=$run_folder/$2/auth" # or it makes a folder called null where it is started
    mkdir -p "$home"
    printf '%s\n' "namesrvAddr=$nameserver_list" "brokerContainerIP=$host" "brokerConfigPaths=$run_folder/$2/broker.conf" >"$home/container.conf"
    java_command "container-$1" container 256
    launch container "${java[@]}" org.apache.rocketmq.container.BrokerContainerStartup -c "$home/container.conf"
    await says container "broker container.*boot success"
}
