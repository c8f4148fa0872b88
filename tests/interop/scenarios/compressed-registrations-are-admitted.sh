# Brokers that compress their registrations: the Java NameServer 5.5.0 never lets its own version in, ours does.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 new compressedRegister=true
    launch_broker 4.9.7 old compressedRegister=true
    step "a 5.5.0 broker boots" broker_boots new
    step "a 4.9.7 broker boots" broker_boots old
    step "clusterList shows the 4.9.7 broker" await cluster_has 4.9.7 old
    if nameserver_is_java; then
        step "the 5.5.0 broker is refused" await logged new "Failed to decode RegisterBrokerBody"
        step "clusterList does not show the 5.5.0 broker" cluster_lacks new
        return
    fi
    step "clusterList shows the 5.5.0 broker" await cluster_has 5.5.0 new
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to both" await route_names Orders new old
    step "both are told to stop" each stop_broker new old
    step "the route disappears" await route_is_gone Orders
    step "the NameServer notes that both unregistered" await_notes "broker unregistered" new old
}
