# Order configurations as people write them: no client is harmed, and all of them send to the same queues.
# Covers: broker 5.5.0, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7, go-client-current 2.1.3-0.20251226070945-2173d070fd1b, proxy 5.5.0
# Runtimes: every

scenario() {
    local messages=$((messages / 10)) # so many for each value and client
    step "the NameServer starts with ordered topics" start_nameserver orderMessageEnable=true
    step "a broker boots" start_broker 5.5.0 broker-a
    step "clusterList shows it" await cluster_has 5.5.0 broker-a
    step "mqadmin creates a topic" create_topic Orders
    step "a proxy starts" start_proxy 5.5.0
    step "the value ends with a semicolon" clients_go_on "broker-a:4;" "broker-a:4"
    step "the value has blanks and empty parts" clients_go_on " broker-a : 4 ;; " "broker-a:4"
    step "the value names the broker twice" clients_go_on "broker-a:4;broker-a:+4" "broker-a:4"
    step "the value is none" clients_go_on "broker-a" ""
    step "the number is none" clients_go_on "broker-a:many" ""
    step "the value names another broker as well" order_is_served "broker-a:4;broker-x:4" "broker-a:4;broker-x:4"
    nameserver_is_java || step "the NameServer notes it" await says nameserver "no broker of the topic is named"
    step "the NameServer stops" stop_nameserver
}

# clients_go_on VALUE SERVED: whatever the value, clients of Java and Go, and one that asks a proxy, exchange their messages.
clients_go_on() {
    order_is_served "$1" "$2"
    java_client 5.5.0 Orders
    java_client 4.9.7 Orders
    current_go_client Orders
    java_client_through_proxy 5.5.0 Orders
}

# order_is_served VALUE SERVED: the value is set and read back as it is, and the route carries what is served.
order_is_served() {
    ask 100 namespace=ORDER_TOPIC_CONFIG key=Orders "value=$1"
    ask 101 namespace=ORDER_TOPIC_CONFIG key=Orders
    prints_text "\"value\":\"$1\"" || fail "the value is another one"
    ask 105 topic=Orders
    if [[ $2 ]]; then prints_text "\"orderTopicConf\":\"$2\""; else ! prints_text orderTopicConf; fi || fail "the route carries another one"
}
