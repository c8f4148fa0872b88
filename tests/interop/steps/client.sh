# Producers and consumers.
# shellcheck shell=bash disable=SC2154,SC2034

# java_client VERSION TOPIC [OPTION...]: a producer and a consumer of that version; every message must arrive.
java_client() {
    local status result await_seconds=120
    java_command "$1" "client-$1" 128 "${@:3}"
    launch "client-$1" "${java[@]}" SendAndReceive "$nameserver_list" "$2" "$messages"
    exit_status "client-$1"
    result=$(grep '^RESULT' "$run_folder/client-$1/output.log") || fail "the client printed no result"
    current_step+=": ${result#RESULT }"
    ((status == 0)) || fail "exit status $status"
}

# launch_consumer VERSION TOPIC: one that takes its time.
launch_consumer() {
    java_command "$1" consumer 128
    launch consumer "${java[@]}" SlowConsumer "$nameserver_list" "$2"
}

has_received() { says consumer "^RECEIVED $(($1 / 100 * 100))\$"; } # has_received NUMBER: so many hundreds of messages
