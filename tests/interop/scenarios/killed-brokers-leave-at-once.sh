# Brokers that die without a word: their connections are lost, and so are their routes, at once.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    both_brokers_boot
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to both" await route_names Orders new old
    step "the 4.9.7 broker is killed" kill_at_once old
    step "the route leads to the other alone" await route_names Orders new
    step "the 5.5.0 broker is killed" kill_at_once new
    step "the route disappears" await route_is_gone Orders
    step "the brokers leave clusterList" await cluster_lacks new
    nameserver_is_java || step "the NameServer notes two lost connections" await_notes "connection lost" new old
    step "the killed 4.9.7 broker starts again" start_broker 4.9.7 old
    step "the route leads to it" await route_names Orders old
    step "the NameServer stops" stop_nameserver
}
