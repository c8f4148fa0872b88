# TLS and nothing else, with keys and certificates as RocketMQ's guide makes them: who has them works as before, and nobody else gets in.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7

nameserver_properties=("${guide_server[@]}")
mqadmin_properties=("${guide_client[@]}")

scenario() {
    local messages=$((messages / 20)) # it is about connections
    write_guide_file
    step "the NameServer starts with the Java one's flags" start_nameserver
    launch_broker 5.5.0 new "${guide_broker[@]}"
    launch_broker 4.9.7 old "${guide_broker[@]}"
    launch_broker 5.5.0 plain
    launch_broker 5.5.0 stranger -Dtls.enable=true
    step "a 5.5.0 broker boots" broker_boots new
    step "a 4.9.7 broker boots" broker_boots old
    step "one without TLS boots" broker_boots plain
    step "one without a certificate boots" broker_boots stranger
    step "clusterList shows the 5.5.0 broker" await cluster_has 5.5.0 new
    step "clusterList shows the 4.9.7 broker" await cluster_has 4.9.7 old
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to the 5.5.0 broker" await route_leads Orders new
    step "and to the 4.9.7 broker" await route_leads Orders old
    step "Java 5.5.0" java_client 5.5.0 Orders "${guide_client[@]}"
    step "Java 4.9.7" java_client 4.9.7 Orders "${guide_client[@]}"
    step "the one without TLS was turned away" await is_turned_away "plain text"
    step "and the one without a certificate" await is_turned_away "certificate"
    step "clusterList lacks the first" cluster_lacks plain
    step "clusterList lacks the second" cluster_lacks stranger
    step "the NameServer stops" stop_nameserver
}
