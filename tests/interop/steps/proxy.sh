# A proxy in cluster mode, and clients that talk to it alone.
# shellcheck shell=bash disable=SC2154,SC2034

# start_proxy VERSION: it serves gRPC on port 8081 and remoting on port 8080.
start_proxy() {
    local home=$run_folder/proxy
    mkdir -p "$home/conf"
    printf '{"rocketMQClusterName":"DefaultCluster","namesrvAddr":"%s","proxyMode":"CLUSTER","grpcServerPort":8081,"remotingListenPort":8080}\n' \
        "$nameserver_list" >"$home/conf/rmq-proxy.json"
    java_command "proxy-$1" proxy 256
    RMQ_PROXY_HOME=$home launch proxy "${java[@]}" org.apache.rocketmq.proxy.ProxyStartup \
        -pc "$home/conf/rmq-proxy.json" -n "$nameserver_list" -pm CLUSTER
    await says proxy "rocketmq-proxy startup successfully"
}

# create_topic_for_proxy TOPIC BROKER: gRPC wants topics with a type, and brokers that can pop.
create_topic_for_proxy() {
    mqadmin updateTopic -b "${broker_address[$2]}" -t "$1" -r 4 -w 4 -a +message.type=NORMAL
    prints "^create topic to .* success" || fail "updateTopic did not succeed"
}

# create_group GROUP BROKER: a consumer over gRPC does not bring its group into being.
create_group() {
    mqadmin updateSubGroup -b "${broker_address[$2]}" -g "$1"
    prints "^create subscription group to .* success" || fail "updateSubGroup did not succeed"
}

python_grpc_client() { exchange python-grpc target/python/bin/python python/grpc_client.py "$host:8081" "$1" "$messages" "$2"; } # TOPIC GROUP
node_grpc_client() { exchange node-grpc node_program grpc.js "$host:8081" "$1" "$messages" "$2"; }                               # TOPIC GROUP
# VERSION TOPIC. The first look of such a consumer comes too early for the proxy, and the next one after 20 s unless it is told otherwise.
java_client_through_proxy() { java_client_of "$host:8080" "$@" -Drocketmq.client.rebalance.waitInterval=1000; }
