# A broker in each of two zones: a client of a zone sees and uses the broker of its zone alone; who names no zone sees both.
# Covers: broker 5.5.0, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 north -Drocketmq.zone=north -Drocketmq.zone.mode=true
    launch_broker 5.5.0 south -Drocketmq.zone=south -Drocketmq.zone.mode=true
    step "a broker of zone north boots" broker_boots north
    step "a broker of zone south boots" broker_boots south
    step "clusterList shows both" await_brokers 5.5.0 north south
    step "mqadmin creates a topic on both" create_topic Orders
    step "without a zone the route leads to both" await route_names Orders north south
    step "in zone north it leads to the one" zone_route_names north
    step "in zone south it leads to the other" zone_route_names south
    step "a client of zone north sends and receives" java_client 5.5.0 Orders -Drocketmq.zone=north -Drocketmq.zone.mode=true
    step "the broker of zone south got none of it" south_is_empty
}

zone_route_names() {
    ask 105 topic=Orders __ZONE_MODE=true "__ZONE_NAME=$1"
    [[ $(groups_printed) == "$1" && $(queues_printed) == "$1" ]]
}

south_is_empty() {
    mqadmin topicStatus -t Orders
    prints "^south +0 +0 +0 " && ! prints "^south +[0-9]+ +[0-9]+ +[1-9]" && prints "^north +[0-9]+ +[0-9]+ +[1-9]"
}
