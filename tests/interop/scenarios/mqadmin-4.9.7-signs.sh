# What mqadmin 4.9.7 makes of access control: refused with the words of a broker that refuses, and served with the right key.
# Covers: mqadmin 4.9.7

scenario() {
    ! nameserver_is_java || return 0 # it has no access control
    step "the NameServer starts" start_nameserver "${access_keys[@]}"
    step "mqadmin without keys is refused" every_write_is_refused "username cannot be null\\."
    mqadmin_signs rocketmq2 12345678
    step "with the key that RocketMQ ships" every_write_is_refused "User:rocketmq2 is not found\\."
    mqadmin_signs ops "$broker_secret"
    step "with a wrong secret" every_write_is_refused "check signature failed\\."
    mqadmin_signs ops "$ops_secret"
    step "and served with the right one" every_write_is_served
    step "the NameServer stops" stop_nameserver
}
