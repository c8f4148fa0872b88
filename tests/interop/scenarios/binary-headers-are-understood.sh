# Brokers and a client that write binary headers instead of JSON.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 new -Drocketmq.serialize.type=ROCKETMQ
    launch_broker 4.9.7 old -Drocketmq.serialize.type=ROCKETMQ
    step "a 5.5.0 broker boots" broker_boots new
    step "a 4.9.7 broker boots" broker_boots old
    step "clusterList shows the 5.5.0 broker" await cluster_has 5.5.0 new
    step "clusterList shows the 4.9.7 broker" await cluster_has 4.9.7 old
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to both" await route_names Orders new old
    step "a Java client with binary headers sends and receives" java_client 5.5.0 Orders -Drocketmq.serialize.type=ROCKETMQ
    step "the 5.5.0 broker is told to stop" stop_broker new
    step "the route leads to the other alone" await route_names Orders old
}
