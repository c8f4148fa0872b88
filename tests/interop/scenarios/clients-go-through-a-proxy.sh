# A proxy and its clients; its silent connections to the NameServer are closed when they have idled long enough, without a trace.
# Covers: broker 5.5.0, mqadmin 5.5.0, proxy 5.5.0, python-grpc 5.1.2, node-grpc 1.0.8, java-client 5.5.0
# Runtimes: every

scenario() {
    local messages=$((messages / 4)) # over gRPC each of them is a call, and another when it is received
    step "the NameServer starts, to close what idles for 10 s" start_nameserver serverChannelMaxIdleTimeSeconds=10
    step "a broker boots that sends heartbeats" start_broker 5.5.0 new enableSlaveActingMaster=true
    step "clusterList shows the broker" await cluster_has 5.5.0 new
    step "a proxy starts" start_proxy 5.5.0
    step "it has silent connections" await there_are_silent_connections
    step "mqadmin creates a topic of normal messages" create_typed_topic Bills
    step "mqadmin creates a consumer group for Python" create_group python
    step "mqadmin creates a consumer group for Node" create_group node
    step "Python over gRPC" python_client Bills python
    step "Node over gRPC" node_grpc_client Bills node
    step "Java over remoting" java_client_through_proxy 5.5.0 Bills
    step "the silent connections are closed" silent_connections_close
    step "the proxy opens others" await there_are_silent_connections
    step "they are closed" silent_connections_close
    step "clusterList still shows the broker" cluster_has 5.5.0 new
    nameserver_is_java || step "the NameServer notes none of it" nothing_but_registrations_is_logged
    step "the NameServer stops" stop_nameserver
}

# What is printed stands among what is logged, before or behind it.
nothing_but_registrations_is_logged() {
    ! sed '1,/INFO The Name Server boot success/d' "$run_folder/nameserver/output.log" |
        grep -Ev "INFO broker (registered|changed) |^The Name Server boot success"
}
