# NameServers: the one under test and, beside it or in its place, the Java one.
# shellcheck shell=bash disable=SC2154,SC2034

declare -A nameserver_address=() # NameServer -> host:port
nameserver_properties=()         # system properties, as -DKEY=VALUE, that NameServers of both kinds start with
nameserver_list=                 # all of them, as brokers and clients want it: joined by ";"

nameserver_is_java() { [[ $nameserver == java ]]; }

# start_nameserver [NAME] [KEY=VALUE...]: the one under test. One that was stopped starts again with its port, files and keys.
start_nameserver() { start_nameserver_of "$nameserver" "$@"; }

# start_java_nameserver [NAME] [KEY=VALUE...]: the released Java one.
start_java_nameserver() { start_nameserver_of java "$@"; }

start_nameserver_of() { # KIND [NAME] [KEY=VALUE...]
    local kind=$1 name=nameserver && shift
    (($# == 0)) || [[ $1 == *=* ]] || { name=$1 && shift; }
    [[ -v nameserver_address[$name] ]] || place_nameserver "$name" "$@"
    launch_nameserver "$kind" "$name"
    await listens "$name" "${nameserver_address[$name]}"
}

launch_nameserver() { # KIND NAME
    local configuration=$run_folder/$2/nameserver.conf
    if [[ $1 == java ]]; then
        java_command 5.5.0 "$2" 192 "${nameserver_properties[@]}"
        launch "$2" "${java[@]}" org.apache.rocketmq.namesrv.NamesrvStartup -c "$configuration"
    else
        JAVA_OPT=${nameserver_properties[*]} launch "$2" "$1" -c "$configuration"
    fi
}

# Gives it a home and an address: port 9876 for the first, one more for each that follows.
place_nameserver() { # NAME [KEY=VALUE...]
    local home=$run_folder/$1 port=$((9876 + ${#nameserver_address[@]}))
    mkdir -p "$home"
    printf '%s\n' "listenPort=$port" "bindAddress=$host" "kvConfigPath=$home/kvConfig.json" "${@:2}" >"$home/nameserver.conf"
    nameserver_address[$1]=$host:$port
    nameserver_list+=${nameserver_list:+;}$host:$port
}

# listens COMPONENT HOST:PORT: does it take connections? Fails when the process is gone.
listens() {
    ! ended "$1" || fail "$1 ended"
    "${enter[@]}" bash -c 'exec 3<>"/dev/tcp/${0/://}"' "$2" 2>/dev/null
}

# await_notes EVENT BROKER...: until the NameServer has logged that of each of them. The Java one has other words.
await_notes() {
    local broker
    for broker in "${@:2}"; do await says nameserver "$1.* broker=.$broker"; done
}

# stop_nameserver [NAME]: a graceful stop; ours exits 0, the Java virtual machine 143.
stop_nameserver() {
    local name=${1:-nameserver} status
    terminate "$name"
    exit_status "$name"
    ((status == 0 || status == 143)) || fail "exit status $status"
}
