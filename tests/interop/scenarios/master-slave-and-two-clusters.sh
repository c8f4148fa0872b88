# Two clusters beside each other, one of them a 4.9.7 master with its slave: each keeps to itself, and the slave serves when the master dies.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 4.9.7 master brokerClusterName=East brokerName=pair
    launch_broker 5.5.0 single brokerClusterName=West
    step "a master of cluster East boots" broker_boots master
    launch_broker 4.9.7 slave brokerClusterName=East brokerName=pair brokerId=1 brokerRole=SLAVE
    step "its slave boots" broker_boots slave
    step "a broker of cluster West boots" broker_boots single
    step "the cluster information shows both clusters" both_clusters_are_known
    step "clusterList shows the slave beside its master" await cluster_has 4.9.7 slave pair 1
    step "the group has both members" await group_is East pair 0=master 1=slave
    step "mqadmin creates a topic in each" create_topics
    step "each cluster lists its own topic alone" topics_are_apart
    step "the route leads to master and slave" await route_has_members Orders pair 0=master 1=slave
    step "a Java client sends and receives" java_client 5.5.0 Orders
    step "the slave, told of its master, copies what it has" await has_copied slave master Orders
    launch_consumer 5.5.0 Orders
    step "another consumer begins" await has_received 100
    step "the master is killed" kill_at_once master
    step "the route leads to the slave alone" await route_has_members Orders pair 1=slave
    step "the consumer gets every message, the rest from the slave" await has_received "$messages"
    step "the master starts again" start_broker 4.9.7 master
    step "the route leads to both again" await route_has_members Orders pair 0=master 1=slave
}

both_clusters_are_known() {
    await cluster_info_has East pair 0=master 1=slave
    await cluster_info_has West single 0=single
}

create_topics() {
    create_topic Orders East
    create_topic Bills West
}

topics_are_apart() {
    await cluster_topics_have East Orders
    await cluster_topics_have West Bills
    cluster_topics_lack East Bills
    cluster_topics_lack West Orders
}
