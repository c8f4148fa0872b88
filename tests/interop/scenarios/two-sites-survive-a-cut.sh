# Two data centres, each with a NameServer, a broker and a client: both go on when the link between them is cut, and are whole after it.
# Covers: broker 5.5.0, java-client 5.5.0, mqadmin 5.5.0

scenario() {
    both_sites_work start_nameserver
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
