# Two data centres, each with a NameServer, a broker and a client: both go on when the link between them is cut, and are whole after it.
# Covers: broker 5.5.0, java-client 5.5.0, mqadmin 5.5.0

scenario() {
    local quick="enableSlaveActingMaster=true registerNameServerPeriod=10000" # heartbeats every second, silence of 10 s is enough
    step "two sites are linked" open_sites
    step "a NameServer starts in site one" at_site one start_nameserver one
    step "a NameServer starts in site two" at_site two start_nameserver two
    step "a broker starts in site one" at_site one launch_broker 5.5.0 broker-one $quick
    step "a broker boots in site two" at_site two start_broker 5.5.0 broker-two $quick
    step "both NameServers show both brokers" await_both shows_both
    step "each broker gets a topic" create_topics
    step "both NameServers lead to both topics" await_both is_whole
    step "a client in site one works with the broker of site two" at_site one java_client 5.5.0 Orders-two
    step "a client in site two works with the broker of site one" at_site two java_client 5.5.0 Orders-one
    step "a client goes to work in site one" at_site one start_steady_client 5.5.0 client-one "${nameserver_address[one]}" Orders-one
    step "a client goes to work in site two" at_site two start_steady_client 5.5.0 client-two "${nameserver_address[two]}" Orders-two
    step "the link is cut" cut_link
    step "each NameServer evicts the other site's broker and keeps its own" await_both knows_its_own_only "from cut to eviction"
    step "the client in site one goes on" steady_client_works_on client-one
    step "the client in site two goes on" steady_client_works_on client-two
    step "the link is healed" heal_link
    step "both tables are whole again" await_both is_whole "from heal to whole tables"
    step "the client in site one noticed nothing" stop_unaware client-one
    step "the client in site two noticed nothing" stop_unaware client-two
    step "a client in site one works with the broker of site two again" at_site one java_client 5.5.0 Orders-two
}
