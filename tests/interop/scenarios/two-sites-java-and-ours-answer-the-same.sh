# Two data centres, one with the Java NameServer and one with ours: both show the same brokers and routes, before a cut and after it.
# Covers: java-nameserver 5.5.0, broker 5.5.0, mqadmin 5.5.0

scenario() {
    local quick="enableSlaveActingMaster=true registerNameServerPeriod=10000" # heartbeats every second, silence of 10 s is enough
    step "two sites are linked" open_sites
    step "the Java NameServer starts in site one" at_site one start_java_nameserver one
    step "the NameServer under test starts in site two" at_site two start_nameserver two
    step "a broker starts in site one" at_site one launch_broker 5.5.0 broker-one $quick
    step "a broker boots in site two" at_site two start_broker 5.5.0 broker-two $quick
    step "both NameServers show both brokers" await_both shows_both
    step "each broker gets a topic" create_topics
    step "both NameServers lead to both topics" await_both is_whole
    step "they answer the same" same_answers one two
    step "the link is cut" cut_link
    step "each evicts the other site's broker and keeps its own" await_both knows_its_own_only "from cut to eviction"
    step "the link is healed" heal_link
    step "both tables are whole again" await_both is_whole "from heal to whole tables"
    step "they answer the same again" same_answers one two
}
