# Access control, from observing to strict, in one server that is reconfigured: what each mode refuses, and what each peer makes of it.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 5.5.0, java-client 5.5.0, java-client 4.9.7, go-client 2.1.2, node-ali-ons 3.12.0

scenario() {
    ! nameserver_is_java || return 0 # it has no access control
    local messages=$((messages / 20)) # there are five clients
    step "the NameServer starts and observes" start_nameserver "${access_keys[@]}" accessControl=observe "auditPath=$run_folder/nameserver/audit.log"
    launch_broker 5.5.0 signed registerNameServerPeriod=10000 "${signing_broker[@]}"
    # A cluster of its own, because not every client reads the headers of such a broker.
    launch_broker 5.5.0 binary brokerClusterName=BinaryCluster registerNameServerPeriod=10000 "${signing_broker[@]}" -Drocketmq.serialize.type=ROCKETMQ
    launch_broker 4.9.7 old registerNameServerPeriod=10000
    step "a signing 5.5.0 broker boots" broker_boots signed
    step "one with binary headers boots" broker_boots binary
    step "a 4.9.7 broker boots" broker_boots old
    step "all of them are known" await everybody_is_known
    step "the log names the 4.9.7 broker" await was_told would_be_denied REGISTER_BROKER 'broker="old"'
    step "and neither of the others" nobody_else_would_be_refused
    step "mqadmin without keys creates a topic" create_topic Orders
    step "and makes every change" every_write_is_served
    step "which is on record as well" is_on_record '"type":"would_be_denied","command":"PUT_KV_CONFIG".*"reason":"no-user"'

    step "administrators have to sign" reconfigure accessControl=admin
    step "mqadmin without keys is refused" every_write_is_refused "username cannot be null\\."
    mqadmin_signs nobody "$ops_secret"
    step "with an unknown key" every_write_is_refused "User:nobody is not found\\."
    mqadmin_signs ops "$broker_secret"
    step "with a wrong secret" every_write_is_refused "check signature failed\\."
    step "and still reads" everybody_is_known
    mqadmin_signs brokers "$broker_secret"
    step "with the brokers' key" every_write_is_refused "User:brokers has no permission to access Cluster:\\* from 127.0.0.1, no matched policies\\."
    mqadmin_signs ops "$ops_secret"
    step "and served with the right one" every_write_is_served
    step "which is on record" is_on_record '"type":"kv_put","command":"PUT_KV_CONFIG".*"user":"ops","allowed_by":"signature"'
    step "Java 5.5.0 without keys" java_client 5.5.0 Orders
    step "Java 5.5.0 with a key" java_client 5.5.0 Orders "-Dsigner=ops:$ops_secret"
    step "Java 4.9.7 with a key that nobody knows" java_client 4.9.7 Orders -Dsigner=nobody:12345678
    export SIGNER=nobody:12345678
    step "Go with such a key" go_client Orders
    step "Node, ali-ons, with such a key" node_client ali-ons Orders
    export -n SIGNER

    step "brokers have to sign" reconfigure accessControl=strict
    step "the 4.9.7 broker is refused" await was_told denied REGISTER_BROKER 'reason="no-user".* broker="old"'
    step "mqadmin creates a topic in both clusters" create_bills
    step "the signing brokers are routed, the other is not" await route_names Bills signed binary
    step "neither was refused" nobody_else_is_refused
    step "the address of the 4.9.7 broker is exempt" reconfigure unsignedBrokerAddresses=127.0.0.1
    step "it is routed" await route_names Bills signed binary old
    step "the NameServer stops" stop_nameserver
    step "no secret is in its log" no_secret_was_told
}

create_bills() { create_topic Bills && create_topic Bills BinaryCluster; }

everybody_is_known() { cluster_has 5.5.0 signed && cluster_has 5.5.0 binary && cluster_has 4.9.7 old; }

nobody_else_would_be_refused() { was_not_told would_refuse REGISTER_BROKER 'broker="(signed|binary)"' || fail "another broker is named"; }

nobody_else_is_refused() { was_not_told refused REGISTER_BROKER 'broker="(signed|binary)"' || fail "a signing broker is refused"; }

no_secret_was_told() {
    ! grep -Eq -- "$ops_secret|$broker_secret" "$run_folder/nameserver"/{output,audit}.log || fail "a secret is in the log"
}
