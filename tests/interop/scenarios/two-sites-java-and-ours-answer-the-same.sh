# Two data centres, one with the Java NameServer and one with ours: both show the same brokers and routes, before a cut and after it.
# Covers: java-nameserver 5.5.0, broker 5.5.0, mqadmin 5.5.0

scenario() {
    both_sites_work start_java_nameserver
    step "they answer the same" same_answers one two
    step "the link is cut" cut_link
    step "each evicts the other site's broker and keeps its own" await_both knows_its_own_only "from cut to eviction"
    step "the link is healed" heal_link
    step "both tables are whole again" await_both is_whole "from heal to whole tables"
    step "they answer the same again" same_answers one two
}
