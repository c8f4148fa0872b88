# A 5.5.0 broker that compresses its registrations: the Java NameServer of the same version never lets it in, ours does.
# Covers: broker 5.5.0, mqadmin 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    step "a broker boots" start_broker 5.5.0 broker-c compressedRegister=true
    if nameserver_is_java; then
        step "its registration is refused" await logged broker-c "Failed to decode RegisterBrokerBody"
        step "clusterList does not show the broker" cluster_lacks broker-c
        step "the NameServer stops" stop_nameserver
        return
    fi
    step "clusterList shows the broker" await cluster_has 5.5.0 broker-c
    step "mqadmin creates a topic" create_topic Orders
    step "topicRoute leads to the broker" await route_leads Orders broker-c
    step "the broker is told to stop" stop_broker broker-c
    step "the route disappears" await no_route Orders
    step "the NameServer notes that it unregistered" await says nameserver "broker unregistered.* broker=.broker-c"
    step "the NameServer stops" stop_nameserver
}
