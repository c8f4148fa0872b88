# TLS with one switch and no file: the NameServer makes a certificate of its own, and whoever speaks TLS takes it, a proxy and Go too.
# Covers: broker 5.5.0, broker 4.9.7, mqadmin 4.9.7, java-client 5.5.0, java-client 4.9.7, java-client 4.9.4, go-client-current 2.1.3-0.20251226070945-2173d070fd1b, proxy 5.5.0, python-grpc 5.1.2

nameserver_properties=(-Dtls.server.mode=enforcing)
mqadmin_properties=(-Dtls.enable=true)

scenario() {
    local messages=$((messages / 20)) # it is about connections
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 new -Dtls.enable=true
    launch_broker 4.9.7 old brokerClusterName=OldCluster -Dtls.enable=true
    step "a 5.5.0 broker boots" broker_boots new
    step "a 4.9.7 broker boots" broker_boots old
    step "clusterList shows the 5.5.0 broker" await cluster_has 5.5.0 new
    step "clusterList shows the 4.9.7 broker" await cluster_has 4.9.7 old
    step "mqadmin creates a topic" create_topic Orders
    step "Java 5.5.0" java_client 5.5.0 Orders -Dtls.enable=true
    step "Java 4.9.7" java_client 4.9.7 Orders -Dtls.enable=true
    step "Java 4.9.4" java_client 4.9.4 Orders -Dtls.enable=true
    export TLS=true
    step "Go" current_go_client Orders
    export -n TLS
    step "a proxy starts" start_proxy 5.5.0 -Dtls.enable=true
    step "mqadmin creates a consumer group for Python" create_group python
    step "Python over gRPC" python_client Orders python
    step "the NameServer stops" stop_nameserver
}
