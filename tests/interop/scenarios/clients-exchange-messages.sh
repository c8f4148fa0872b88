# Clients of several languages and ages with an old and a new broker: what each of them sends it receives.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7, java-client 4.9.4, go-client 2.1.2, node-ali-ons 3.12.0, node-rocketmq 2.0.1
# Runtimes: every

scenario() {
    local messages=$((messages / 4)) # there are six clients
    step "the NameServer starts" start_nameserver
    both_brokers_boot
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to both" await route_names Orders new old
    step "Java 5.5.0" java_client 5.5.0 Orders
    step "Java 4.9.7" java_client 4.9.7 Orders
    step "Java 4.9.4" java_client 4.9.4 Orders
    step "Go" go_client Orders
    step "Node, ali-ons" node_client ali-ons Orders
    step "Node, rocketmq" node_client rocketmq Orders
    step "the NameServer stops" stop_nameserver
}
