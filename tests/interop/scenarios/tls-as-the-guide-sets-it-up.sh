# TLS and nothing else, with keys and certificates as RocketMQ's guide makes them: who has them works as before, and nobody else gets in.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7

nameserver_properties=("${guide_server[@]}")
mqadmin_properties=("${guide_client[@]}")

scenario() {
    local messages=$((messages / 20)) # it is about connections
    write_guide_file
    step "the NameServer starts with the Java one's flags" start_nameserver
    launch_broker 5.5.0 plain
    launch_broker 5.5.0 stranger -Dtls.enable=true
    both_brokers_boot "${guide_broker[@]}"
    step "one without TLS boots" broker_boots plain
    step "one without a certificate boots" broker_boots stranger
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
