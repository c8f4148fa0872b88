# A 5.5.0 broker that sends a heartbeat every second stays; stopped in its tracks, sockets open, it is gone after its timeout, and back when it wakes.
# Covers: broker 5.5.0, mqadmin 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    step "a broker boots that is to be forgotten after 10 s of silence" \
        start_broker 5.5.0 lively enableSlaveActingMaster=true brokerNotActiveTimeoutMillis=10000 compatibleWithOldNameSrv=false
    step "clusterList shows the broker" await cluster_has 5.5.0 lively
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to the broker" await route_names Orders lively
    step "it never leaves in three times its timeout" stays 30 Orders lively
    step "the broker falls silent" silence lively
    step "the route disappears" await route_is_gone Orders
    step "the broker leaves clusterList" await cluster_lacks lively
    nameserver_is_java || step "the NameServer notes that it expired" await_notes "broker expired" lively
    step "the broker wakes" wake lively
    step "the route leads to it again" await route_names Orders lively
    step "the NameServer stops" stop_nameserver
}

# stays SECONDS TOPIC NAME: the route leads there whenever it is looked at.
stays() {
    local end=$((SECONDS + $1))
    while ((SECONDS < end)); do
        route_names "$2" "$3" || fail "the route is lost"
        sleep 0.2
    done
}
