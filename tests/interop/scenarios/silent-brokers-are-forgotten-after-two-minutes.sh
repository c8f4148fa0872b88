# Brokers that only say every 30 s that they are there, an old and a new one: silent, they are gone after 120 s.
# Covers: broker 5.5.0, broker 4.9.7

scenario() {
    step "the NameServer starts" start_nameserver
    launch_broker 5.5.0 new
    launch_broker 4.9.7 old
    step "a 5.5.0 broker registers" await group_is DefaultCluster new 0=new
    step "a 4.9.7 broker registers" await group_is DefaultCluster old 0=old
    step "both fall silent" each silence new old
    step "the 5.5.0 broker is forgotten" await group_is DefaultCluster new
    step "the 4.9.7 broker is forgotten" await group_is DefaultCluster old
    # Whichever it finds first: that the broker's time is over, or that its connection has been idle for as long.
    nameserver_is_java || step "the NameServer notes that both are gone" await_notes "(broker expired|connection lost)" new old
}
