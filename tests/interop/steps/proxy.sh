# A proxy in cluster mode, and clients that talk to it alone.
# shellcheck shell=bash disable=SC2154,SC2034

# start_proxy VERSION [-DPROPERTY=VALUE...]: it serves gRPC on port 8081 and remoting on port 8080.
start_proxy() {
    local home=$run_folder/proxy
    mkdir -p "$home/conf"
    printf '{"rocketMQClusterName":"DefaultCluster","namesrvAddr":"%s","proxyMode":"CLUSTER","grpcServerPort":8081,"remotingListenPort":8080}\n' \
        "$nameserver_list" >"$home/conf/rmq-proxy.json"
    java_command "proxy-$1" proxy 256 "${@:2}"
    RMQ_PROXY_HOME=$home launch proxy "${java[@]}" org.apache.rocketmq.proxy.ProxyStartup \
        -pc "$home/conf/rmq-proxy.json" -n "$nameserver_list" -pm CLUSTER
    await says proxy "rocketmq-proxy startup successfully"
}

# create_typed_topic TOPIC: gRPC clients want to know what kind of messages a topic holds.
create_typed_topic() { create_topic "$1" DefaultCluster -a +message.type=NORMAL; }

# create_group GROUP: a consumer over gRPC does not bring its group into being. The proxy asks any broker of the cluster for it.
create_group() {
    mqadmin updateSubGroup -c DefaultCluster -g "$1"
    prints "^create subscription group to .* success" || fail "updateSubGroup did not succeed"
}

# Over gRPC: TOPIC GROUP.
python_client() { exchange python-grpc target/python/bin/python python/grpc_client.py "$host:8081" "$1" "$messages" "$2"; }
node_grpc_client() { exchange node-grpc "${node[@]}" node/grpc.js "$host:8081" "$1" "$messages" "$2"; }

# java_client_through_proxy VERSION TOPIC. The first look of such a consumer comes too early for the proxy, and the next one after 20 s unless it is told otherwise.
java_client_through_proxy() { java_client_of "$host:8080" "$@" -Drocketmq.client.rebalance.waitInterval=1000; }

# Connections to the NameServer that are open and never sent a byte: their ports here. A proxy keeps eight or nine, and uses two.
silent_connections() {
    ss --no-header --oneline --tcp --numeric --info state established "dport = :9876" | awk '!/bytes_sent/ { sub(".*:", "", $3); print $3 }'
}

there_are_silent_connections() {
    mapfile -t silent < <(silent_connections)
    ((${#silent[@]} >= 2))
}

# silent_connections_close: all of those that there were when somebody looked last.
silent_connections_close() { await none_is_open "${silent[@]}"; }

none_is_open() { ! silent_connections | grep -qFx "$(printf '%s\n' "$@")"; } # PORT...
