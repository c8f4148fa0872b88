# A broker that dies without a word: its connection is lost, and so are its routes, at once.
# Covers: broker 5.5.0, mqadmin 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    step "a broker boots" start_broker 5.5.0 broker-a
    step "clusterList shows the broker" await cluster_has 5.5.0 broker-a
    step "mqadmin creates a topic" create_topic Orders
    step "topicRoute leads to the broker" await route_leads Orders broker-a
    step "the broker is killed" kill_at_once broker-a
    step "the route disappears" await no_route Orders
    step "the broker leaves clusterList" await cluster_lacks broker-a
    nameserver_is_java || step "the NameServer notes a lost connection" await says nameserver "connection lost.* broker=.broker-a"
    step "the NameServer stops" stop_nameserver
}
