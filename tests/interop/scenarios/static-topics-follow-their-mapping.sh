# A static topic spread over two brokers, moved to one of them, and used all the while; its mapping leaves with the broker.
# Covers: broker 5.5.0, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 first
    launch_broker 5.5.0 second
    step "a broker boots" broker_boots first
    step "another broker of the cluster boots" broker_boots second
    step "clusterList shows both" await_brokers 5.5.0 first second
    step "mqadmin creates a static topic of eight queues on both" mqadmin_does updateStaticTopic -c DefaultCluster -t Fixed -qn 8
    step "the route maps queues to the first" await route_maps first
    step "and to the second" await route_maps second
    step "a Java client sends and receives" java_client 5.5.0 Fixed
    step "mqadmin moves all queues to the second" mqadmin_does remappingStaticTopic -b second -t Fixed
    step "the route says that the first has no queue any more" await first_has_no_queue
    step "a Java client sends and receives" java_client 5.5.0 Fixed
    step "the first is killed" kill_at_once first
    step "the route leads to the second alone" await route_names Fixed second
    step "the route maps queues to the second" route_maps second
    nameserver_is_java || step "and mentions the first no more" lacks_mention_of_first
}

mqadmin_does() {
    mqadmin "$@"
    ! prints "Exception|not exist" || fail "mqadmin did not succeed"
}

route_maps() {
    ask 105 topic=Fixed
    prints_text "\"$1\":{\"bname\":\"$1\",\"currIdMap\":{" && prints_text '"topicQueueMappingByBroker"'
}

first_has_no_queue() {
    ask 105 topic=Fixed
    prints_text '"first":{"bname":"first","currIdMap":{},'
}

lacks_mention_of_first() {
    ask 105 topic=Fixed
    ! prints_text '"first"'
}
