# Ordered topics: producers get the queues that the order configuration names, and messages arrive in their order.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7

scenario() {
    local new="new:0,new:1,new:2,new:3" old="old:0,old:1,old:2,old:3"
    step "the NameServer starts with ordered topics" start_nameserver orderMessageEnable=true
    launch_broker 5.5.0 new
    launch_broker 4.9.7 old
    step "a 5.5.0 broker registers" await cluster_has 5.5.0 new
    step "a 4.9.7 broker registers" await cluster_has 4.9.7 old
    step "mqadmin creates an ordered topic" create_ordered_topic Orders
    step "the route leads to both" await route_names Orders new old
    step "its order configuration names all queues" order_is Orders "new:4;old:4"
    step "so does a 5.5.0 producer" ordered_java_client 5.5.0 Orders "$new,$old"
    step "mqadmin configures fewer" mqadmin updateOrderConf -m put -t Orders -v "new:2;old:1"
    step "a 5.5.0 client has those alone" ordered_java_client 5.5.0 Orders "new:0,new:1,old:0"
    step "a 4.9.7 client has those alone" ordered_java_client 4.9.7 Orders "new:0,new:1,old:0"
    step "a broker is killed" kill_at_once old
    step "the route leads to the other alone" await route_names Orders new
    step "producers keep their queues" ordered_java_queues 5.5.0 Orders "new:0,new:1,old:0"
    step "mqadmin deletes the order configuration" mqadmin updateOrderConf -m delete -t Orders
    step "the queues are those of the route" ordered_java_client 5.5.0 Orders "$new"
    step "the NameServer stops" stop_nameserver
}

create_ordered_topic() {
    mqadmin updateTopic -c DefaultCluster -t "$1" -r 4 -w 4 -o true
    prints "set cluster orderConf. isOrder=true, orderConf=" || fail "no order configuration was set"
}

order_is() { # TOPIC ORDER
    mqadmin updateOrderConf -m get -t "$1"
    prints "get orderConf success. topic=\[$1\], orderConf=\[$2\]"
}
