# `ctl` asks the Java NameServer and ours for the same, and finds the same in both.
# Covers: java-nameserver 5.5.0, broker 5.5.0

scenario() {
    ! nameserver_is_java || return 0 # it has no ctl
    step "the NameServer under test starts" start_nameserver
    step "the Java NameServer starts" start_java_nameserver java
    step "a broker starts" launch_broker 5.5.0 broker-a
    step "ctl waits until both have it" both wait --ready --brokers 1 --timeout 300s
    step "it shows the broker of both" both_print "0	${broker_address[broker-a]}	master" brokers
    step "it shows the topics of both" both_print TBW102 topics
    step "it shows a route of both" both_print "broker-a	8	8	RWX	DefaultCluster	0=${broker_address[broker-a]}" topic TBW102
    step "it shows the configuration of both" both_print needWaitForService config
    step "it finds no difference between them" await no_difference
}

ctl() { printed=$("$nameserver" ctl "$@" 2>&1); }

# both COMMAND...: each of the two is asked, and answers.
both() { ctl -n "${nameserver_address[nameserver]}" "$@" && ctl -n "${nameserver_address[java]}" "$@"; }

# both_print TEXT COMMAND...: each of the two is asked, and the text is in its answer.
both_print() {
    local asked
    for asked in nameserver java; do
        ctl -n "${nameserver_address[$asked]}" "${@:2}"
        prints_text "$1"
    done
}

no_difference() { ctl diff "${nameserver_address[nameserver]}" "${nameserver_address[java]}" --only brokers,clusters,topics; }
