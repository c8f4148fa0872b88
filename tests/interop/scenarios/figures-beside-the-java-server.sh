# The same brokers register with the NameServer and with the Java one: how soon each drops a killed broker, and is whole again after a restart.
# Covers: broker 5.5.0, broker 4.9.7, java-nameserver 5.5.0
# Runtimes: every

scenario() {
    step "the NameServer starts" start_nameserver
    step "a Java NameServer starts beside it" start_java_nameserver java
    launch_broker 5.5.0 new
    launch_broker 4.9.7 old
    step "a 5.5.0 and a 4.9.7 broker register with both" await_routes new old
    step "both NameServers answer alike" await answer_alike
    step "the 4.9.7 broker is killed, and both drop it" kill_and_measure
    step "it starts again and registers with both" come_back
    step "both NameServers are killed and start again, and are whole again" restart_and_measure
    step "both NameServers answer alike" await answer_alike
}

# The topic SELF_TEST_TOPIC is on every broker.
await_routes() {
    asked=nameserver await route_names SELF_TEST_TOPIC "$@"
    asked=java await route_names SELF_TEST_TOPIC "$@"
}

come_back() {
    launch_broker 4.9.7 old
    await_routes new old
}

kill_and_measure() {
    local began=$EPOCHREALTIME
    kill_at_once old
    watch nameserver "$began" new
    watch java "$began" new
    print_figures "from kill -9 of a broker to the removal of its route"
}

restart_and_measure() {
    kill_at_once nameserver
    kill_at_once java
    launch_nameserver java java
    watch java "$EPOCHREALTIME" new old
    launch_nameserver "$nameserver" nameserver
    watch nameserver "$EPOCHREALTIME" new old
    print_figures "from the restart of a NameServer to whole routes"
}

# watch NAME BEGAN BROKER...: looks until the route of that NameServer names these brokers, and notes how long that took.
watch() {
    {
        until asked=$1 route_names SELF_TEST_TOPIC "${@:3}"; do sleep 0.01; done
        LC_ALL=C printf '%.2f s' "$(seconds_since "$2")" >"$run_folder/$1/seen"
    } 2>/dev/null &
    pid[watch-$1]=$!
}

print_figures() {
    local status
    await_end watch-nameserver
    await_end watch-java
    figure "$1" "$(<"$run_folder/nameserver/seen"), Java NameServer beside it $(<"$run_folder/java/seen")"
}

await_end() {
    local status
    exit_status "$1"
    ((status == 0)) || fail "$1 failed"
}

# The same members and values, in whatever order.
answer_alike() {
    local question words ours
    for question in "105 topic=SELF_TEST_TOPIC" 106 206 "224 cluster=DefaultCluster" "901 clusterName=DefaultCluster brokerName=new" 311; do
        read -ra words <<<"$question"
        ask "${words[@]}"
        ours=$(sorted_words)
        asked=java ask "${words[@]}"
        [[ $ours == "$(sorted_words)" ]] || return 1
    done
}

sorted_words() { tr ',{}[]' '\n' <<<"$printed" | sort; }
