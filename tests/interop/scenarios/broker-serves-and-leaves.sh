# A master broker as in any small installation: it registers, serves, and unregisters when it is told to stop.
# Covers: broker 5.5.0, mqadmin 5.5.0, java-client 5.5.0
# Runtimes: every

scenario() {
    step "the NameServer starts" start_nameserver
    step "a broker boots" start_broker 5.5.0 broker-a
    step "clusterList shows the broker" await cluster_has 5.5.0 broker-a
    step "mqadmin creates a topic" create_topic Orders
    step "topicList shows the topic" await topic_is_listed Orders
    step "topicRoute leads to the broker" await route_leads Orders broker-a
    step "a Java client sends and receives" java_client 5.5.0 Orders
    step "the broker is told to stop" stop_broker broker-a
    step "the route disappears" await no_route Orders
    step "the broker leaves clusterList" await cluster_lacks broker-a
    nameserver_is_java || step "the NameServer notes that it unregistered" await says nameserver "broker unregistered.* broker=.broker-a"
    step "the NameServer stops" stop_nameserver
}
