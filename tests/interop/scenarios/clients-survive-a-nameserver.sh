# Two NameServers, of which one dies, comes back, and then the other dies: clients go on and their users see nothing.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7, go-client 2.1.2, node-ali-ons 3.12.0

scenario() {
    step "two NameServers start" each start_nameserver nameserver second
    launch_broker 5.5.0 new registerNameServerPeriod=10000
    launch_broker 4.9.7 old registerNameServerPeriod=10000
    step "both know a 5.5.0 broker" both_know 5.5.0 new
    step "both know a 4.9.7 broker" both_know 4.9.7 old
    step "mqadmin creates a topic" create_topic Orders
    step "both lead to both" both_lead_to new old
    step "a 5.5.0 client goes to work" start_steady_client 5.5.0 newer "$nameserver_list" Orders
    step "a 4.9.7 client goes to work" start_steady_client 4.9.7 older "$nameserver_list" Orders
    step "the first NameServer is killed" kill_at_once nameserver
    step "the clients work on" each steady_client_works_on newer older
    step "a Java client that starts now sends and receives" java_client 4.9.7 Orders # a 5.5.0 client throws when it starts with the dead one
    step "so does one of Go" go_client Orders
    step "so does one of Node" node_client ali-ons Orders
    step "the first NameServer starts again" start_nameserver
    step "the brokers come back to it" both_know 5.5.0 new
    step "and their topic" both_lead_to new old
    step "the second NameServer is killed" kill_at_once second
    step "the clients work on" each steady_client_works_on newer older
    step "the 5.5.0 client has sent and received without an error" is_content newer
    step "so has the 4.9.7 client" is_content older
    step "the NameServer stops" stop_nameserver
}

both_know() { # VERSION BROKER
    await cluster_has "$1" "$2"
    asked=second await cluster_has "$1" "$2"
}

both_lead_to() {
    await route_names Orders "$@"
    asked=second await route_names Orders "$@"
}

# Sending never fails; a lookup that is under way when its NameServer dies may.
is_content() {
    stop_steady_client "$1"
    lookups_failed_at_most 2 "$1"
}
