# Brokers that only say every 30 s that they are there, an old and a new one: silent, they are gone after 120 s.
# Covers: broker 5.5.0, broker 4.9.7

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 new
    launch_broker 4.9.7 old
    step "a 5.5.0 broker registers" await group_is DefaultCluster new 0=new
    step "a 4.9.7 broker registers" await group_is DefaultCluster old 0=old
    step "both fall silent" both_fall_silent
    step "the 5.5.0 broker expires" await group_is DefaultCluster new
    step "the 4.9.7 broker expires" await group_is DefaultCluster old
    nameserver_is_java || step "the NameServer notes that both expired" both_expired
}

both_fall_silent() {
    silence new
    silence old
}

both_expired() {
    await says nameserver "broker expired.* broker=.new"
    await says nameserver "broker expired.* broker=.old"
}
