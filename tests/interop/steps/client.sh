# Producers and consumers.
# shellcheck shell=bash disable=SC2154,SC2034

# java_client VERSION TOPIC: a producer and a consumer of that version; every message must arrive.
java_client() {
    local status result await_seconds=120
    java_command "$1" "client-$1" 128
    launch "client-$1" "${java[@]}" SendAndReceive "$nameserver_list" "$2" "$messages"
    exit_status "client-$1"
    result=$(grep '^RESULT' "$run_folder/client-$1/output.log") || fail "the client printed no result"
    current_step+=": ${result#RESULT }"
    ((status == 0)) || fail "exit status $status"
}
