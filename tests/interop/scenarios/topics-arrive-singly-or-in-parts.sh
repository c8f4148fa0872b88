# Brokers that register a new topic by itself, or their topics in several parts.
# Covers: broker 5.5.0, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 singly enableSingleTopicRegister=true forceRegister=false
    launch_broker 5.5.0 parts enableSplitRegistration=true splitRegistrationSize=4
    step "a broker boots that registers single topics" broker_boots singly
    step "a broker boots that registers four topics at a time" broker_boots parts
    step "clusterList shows both" await_brokers 5.5.0 singly parts
    step "the topics of all parts are there" all_parts_arrived
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to both" await route_names Orders singly parts
    step "mqadmin gives it eight queues" mqadmin updateTopic -c DefaultCluster -t Orders -r 8 -w 8
    step "the route shows eight queues of the one" await queues_are Orders singly 6 8
    step "and of the other" await queues_are Orders parts 6 8
    step "a Java client sends and receives" java_client 5.5.0 Orders
    step "after the next registration in parts every topic is still there" sleep 35
    step "the topics of all parts are there" all_parts_arrived
    step "the route leads to both" route_names Orders singly parts
}

# The fifteen topics that every 5.5.0 broker has are four parts.
all_parts_arrived() {
    local topic
    for topic in TBW102 SELF_TEST_TOPIC BenchmarkTest DefaultCluster OFFSET_MOVED_EVENT SCHEDULE_TOPIC_XXXX RMQ_SYS_TRANS_HALF_TOPIC rmq_sys_wheel_timer; do
        await route_names "$topic" singly parts
    done
}
