# Clients that send, consume and look up routes without a pause, and what they notice.
# shellcheck shell=bash disable=SC2154,SC2034

# start_steady_client VERSION NAME NAMESERVERS TOPIC
start_steady_client() {
    java_command "$1" "$2" 128
    launch "$2" "${java[@]}" SteadyClient "$3" "$4"
    await says "$2" STARTED
}

# steady_client_works_on NAME: from now on it receives sixty messages and gets forty answers.
steady_client_works_on() {
    local lines received
    lines=$(grep -c '^PROGRESS ' "$run_folder/$1/output.log" || true)
    received=$(sed -n 's/^PROGRESS //p' "$run_folder/$1/output.log" | tail -n 1)
    await has_progressed "$1" $((lines + 3)) $((${received:-0} + 60)) # the first line may be of answers before
}

has_progressed() { # NAME LINES MESSAGES
    ! ended "$1" || fail "$1 ended"
    grep '^PROGRESS ' "$run_folder/$1/output.log" | awk -v lines="$2" -v messages="$3" '{ last = $2 } END { exit !(NR >= lines && last >= messages) }'
}

# stop_steady_client NAME: everything that it sent must have arrived, and nothing that it sent may have failed.
stop_steady_client() {
    local status result
    terminate "$1"
    exit_status "$1"
    result=$(grep '^RESULT' "$run_folder/$1/output.log") || fail "$1 printed no result"
    current_step+=": ${result#RESULT }"
    figure "longest pauses that $1 noticed" "${result#*longest_pause_ms: } ms"
    ((status == 0)) || fail "messages are missing"
    ! grep '^ERROR send' "$run_folder/$1/output.log" || fail "sending failed"
}

# lookups_failed_at_most NUMBER NAME
lookups_failed_at_most() {
    local failed
    failed=$(sed -n 's/^ERROR lookup .*: //p' "$run_folder/$2/output.log" | awk '{ sum += $1 } END { print sum + 0 }')
    ((failed <= $1)) || fail "$failed lookups failed"
}

# no_other_errors_than REFERENCE CLIENT...: did the clients see only kinds of errors that the first one saw?
no_other_errors_than() {
    local client others
    for client in "${@:2}"; do
        others=$(comm -13 <(error_kinds "$1") <(error_kinds "$client"))
        [[ ! $others ]] || fail "$client: $others"
    done
}

error_kinds() { sed -n 's/^ERROR \(.*\): [0-9]*$/\1/p' "$run_folder/${1// /-}/output.log" | sort -u; }
