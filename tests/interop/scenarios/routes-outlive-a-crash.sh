# A NameServer is killed and starts again under Go clients, which take "no such topic" for an answer: with warm start no query fails.
# Covers: java-nameserver 5.5.0, broker 5.5.0, mqadmin 5.5.0, go-client 2.1.2

scenario() {
    step "a NameServer starts" start_nameserver
    step "one starts that saves no routes" start_nameserver cold warmStart=false
    step "a Java one starts" start_java_nameserver java
    step "a broker boots" start_broker 5.5.0 broker-a
    step "the broker is registered" await cluster_has 5.5.0 broker-a
    step "mqadmin creates a topic" create_topic Orders
    step "all three lead to it" all_lead_to broker-a
    nameserver_is_java || step "its route is saved" await is_saved Orders
    crash nameserver "$nameserver" "with warm start"
    nameserver_is_java || step "no query failed" none_failed nameserver
    crash cold "$nameserver" "without warm start"
    crash java java "Java"
    step "the NameServer stops" stop_nameserver
}

all_lead_to() { # BROKER
    local name
    for name in nameserver cold java; do leads_to "$name" "$1"; done
}

leads_to() { asked=$1 await route_names Orders "$2"; } # NAMESERVER BROKER

is_saved() { grep -qs "$1" "$run_folder/nameserver/routes-9876.snapshot"; } # TOPIC

# crash NAMESERVER KIND WHAT: clients ask while it is killed and started again, until the broker has registered anew.
crash() {
    step "$3: clients ask for the route" start_asking "$1"
    step "$3: it is killed" kill_at_once "$1"
    step "$3: it is down for a second" sleep 1
    step "$3: it starts again" start_nameserver_of "$2" "$1"
    step "$3: the broker has registered" leads_to "$1" broker-a
    step "$3: a registration period passes" sleep 31
    step "$3: so many queries failed" stop_asking "$1"
    figure "route queries of Go clients after a crash, $3" "$result"
}

start_asking() { # NAMESERVER
    launch "clients-of-$1" target/go/routes "${nameserver_address[$1]}" Orders
    await says "clients-of-$1" STARTED
    sleep 1
}

stop_asking() { # NAMESERVER: sets `result`
    local status
    terminate "clients-of-$1"
    exit_status "clients-of-$1"
    ((status == 0)) || fail "exit status $status"
    result=$(sed -n 's/^RESULT //p' "$run_folder/clients-of-$1/output.log")
    [[ $result ]] || fail "the clients printed no result"
    current_step+=": $result"
}

none_failed() { # NAMESERVER
    grep -q '^RESULT asked=[1-9][0-9]* failed=0 ' "$run_folder/clients-of-$1/output.log" || fail "route queries failed"
}
