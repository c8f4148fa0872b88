# A broker in a container signs nothing, whatever its file says: strict rules keep it out, and an exempt address lets it in.
# Covers: broker-container 5.5.0, mqadmin 5.5.0
# Runtimes: every

scenario() {
    ! nameserver_is_java || return 0 # it has no access control
    step "the NameServer starts, and brokers have to sign" start_nameserver "${access_keys[@]}" accessControl=strict
    step "a container starts with a broker" start_container 5.5.0 inner registerNameServerPeriod=10000 "${signing_broker[@]}"
    step "its broker is refused" await was_told denied REGISTER_BROKER 'reason="no-user".* broker="inner"'
    step "clusterList lacks it" cluster_lacks inner
    step "its address is exempt" reconfigure unsignedBrokerAddresses=127.0.0.1
    step "clusterList shows it" await cluster_has 5.5.0 inner
    step "the NameServer stops" stop_nameserver
}
