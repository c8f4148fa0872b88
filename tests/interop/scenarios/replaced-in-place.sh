# A running Java NameServer is replaced by ours on its port and with its files, and ours by it: brokers and clients bear it as they bear a restart.
# Covers: java-nameserver 5.5.0, broker 5.5.0, broker 4.9.7, java-client 5.5.0, mqadmin 5.5.0

scenario() {
    step "the Java NameServer starts" start_java_nameserver
    step "a 5.5.0 broker starts" launch_broker 5.5.0 broker-a registerNameServerPeriod=10000
    step "a 4.9.7 broker boots" start_broker 4.9.7 broker-b registerNameServerPeriod=10000
    step "clusterList shows both" await shows_both_brokers
    step "mqadmin creates a topic" create_topic Orders
    step "the routes are whole" await route_names Orders broker-a broker-b
    step "KV entries are made" set_order_configuration Orders "broker-a:4;broker-b:4"
    step "the configuration is changed, and Java rewrites its file" set_configuration orderMessageEnable true
    step "the configuration is noted" note_configuration
    replace "Java by Java" start_java_nameserver
    replace "Java by ours" start_nameserver
    step "it has the configuration of the Java one" configuration_is_as_noted
    step "it has the KV entries" order_configuration_is Orders "broker-a:4;broker-b:4"
    step "they are changed" set_order_configuration Orders "broker-a:2;broker-b:6"
    replace "ours by Java" start_java_nameserver
    step "it has the configuration that the first one had" configuration_is_as_noted
    step "it has the KV entries as ours left them" order_configuration_is Orders "broker-a:2;broker-b:6"
    step "nobody saw an error that a restart of the Java one does not cause" no_other_errors_than "Java by Java" "Java by ours" "ours by Java"
}

# replace NAME VERB: the running NameServer gives way to the one that VERB starts, while a client works.
replace() {
    local client=${1// /-}
    step "$1: a client goes to work" start_steady_client 5.5.0 "$client" "$nameserver_list" Orders
    local began=$EPOCHREALTIME
    step "$1: the running one is stopped" stop_nameserver
    step "$1: the other one starts" "$2"
    figure "from stop until it listens, $1" "$(LC_ALL=C printf %.2f "$(seconds_since "$began")") s"
    step "$1: the brokers come back by themselves" await route_names Orders broker-a broker-b
    figure "from stop to whole routes, $1" "$(LC_ALL=C printf %.2f "$(seconds_since "$began")") s"
    step "$1: every message of the client arrived" stop_steady_client "$client"
}

shows_both_brokers() { cluster_has 5.5.0 broker-a && cluster_has 4.9.7 broker-b; }


set_configuration() { # KEY VALUE
    mqadmin updateNamesrvConfig -k "$1" -v "$2"
    prints "^update name server config success" || fail "updateNamesrvConfig did not succeed"
}

note_configuration() {
    mqadmin getNamesrvConfig
    noted_configuration=$printed
    prints "^orderMessageEnable += +true" || fail "orderMessageEnable is not true"
}

configuration_is_as_noted() {
    mqadmin getNamesrvConfig
    diff <(echo "$noted_configuration") <(echo "$printed") || fail "another configuration"
}
