# Brokers and a client that write binary headers instead of JSON.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    both_brokers_boot -Drocketmq.serialize.type=ROCKETMQ
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to both" await route_names Orders new old
    step "a Java client with binary headers sends and receives" java_client 5.5.0 Orders -Drocketmq.serialize.type=ROCKETMQ
    step "the 5.5.0 broker is told to stop" stop_broker new
    step "the route leads to the other alone" await route_names Orders old
}
