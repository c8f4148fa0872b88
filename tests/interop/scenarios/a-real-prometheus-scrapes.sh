# A real Prometheus scrapes the NameServer under load, and evaluates every expression of the alerts and of the board.
# Covers: prometheus packaged
# Runtimes: every

scenario() {
    ! nameserver_is_java || return 0 # it has no metrics
    step "the NameServer starts with a second port" start_nameserver "adminListen=$host:5557"
    step "a broker boots" start_broker 5.5.0 broker-a
    step "the NameServer knows it" await route_names TBW102 broker-a
    step "clients ask for routes without a pause" asks_without_a_pause "${nameserver_address[nameserver]}" TBW102
    step "Prometheus starts" start_prometheus "$host:5557"
    await_seconds=45
    step "every expression is evaluated, and what has to have values has them" await expressions_are_good
    figure "expressions that a real Prometheus evaluated" "$printed"
}
