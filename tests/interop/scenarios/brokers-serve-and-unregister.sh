# An old and a new broker of one cluster, from their first registration over changed topics to an orderly stop: every list follows.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0
# Runtimes: every

scenario() {
    step "the NameServer starts" start_nameserver
    both_brokers_boot
    step "the cluster information names both in one cluster" both_are_known
    step "mqadmin creates a topic" create_topic Orders
    step "the topic is in the list of all topics" await topic_is_listed Orders
    step "the topic is in the list of the cluster's topics" await cluster_topics_have DefaultCluster Orders
    step "the route leads to both" await route_names Orders new old
    step "with four queues to read and write each" both_have_queues 4
    step "a Java client sends and receives" java_client 5.5.0 Orders
    step "mqadmin gives the topic eight queues" mqadmin updateTopic -c DefaultCluster -t Orders -r 8 -w 8
    step "the route shows eight queues" await both_have_queues 8
    step "mqadmin deletes the topic" mqadmin deleteTopic -c DefaultCluster -t Orders
    step "the route disappears" await route_is_gone Orders
    step "the topic leaves the list of the cluster's topics" await cluster_topics_lack DefaultCluster Orders
    step "mqadmin creates another topic" create_topic Bills
    step "the 4.9.7 broker is told to stop" stop_broker old
    step "the route leads to the other alone" await route_names Bills new
    step "its group is empty" await group_is DefaultCluster old
    step "the 5.5.0 broker is told to stop" stop_broker new
    step "the route disappears" await route_is_gone Bills
    step "clusterList is empty" await cluster_lacks new
    nameserver_is_java || step "the NameServer notes that both unregistered" await_notes "broker unregistered" new old
    step "the NameServer stops" stop_nameserver
}

both_are_known() {
    await cluster_info_has DefaultCluster new 0=new
    await cluster_info_has DefaultCluster old 0=old
    await group_is DefaultCluster new 0=new
    await group_is DefaultCluster old 0=old
}

both_have_queues() { queues_are "${2:-Orders}" new 6 "$1" && queues_are "${2:-Orders}" old 6 "$1"; }
