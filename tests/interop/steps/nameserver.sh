# The NameServer under test: ours or the Java one.
# shellcheck shell=bash disable=SC2154,SC2034

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
