# Producers and consumers.
# shellcheck shell=bash disable=SC2154,SC2034

# Each of these sends messages and receives them, all of the same client; every message must arrive.

# java_client VERSION TOPIC [OPTION...]
java_client() { java_client_of "$nameserver_list" "$@"; }

java_client_of() { # ADDRESSES VERSION TOPIC [OPTION...]
    java_command "$2" "client-$2" 128 "${@:4}"
    exchange "client-$2" "${java[@]}" SendAndReceive "$1" "$3" "$messages"
}

go_client() { exchange go-client target/go/send_and_receive "$nameserver_list" "$1" "$messages"; } # TOPIC

current_go_client() { exchange go-client-current target/go/current "$nameserver_list" "$1" "$messages"; } # TOPIC

node_client() { exchange "node-$1" "${node[@]}" node/remoting.js "$1" "$nameserver_list" "$2" "$messages"; } # PACKAGE TOPIC

node=(env "NODE_PATH=$PWD/target/node/node_modules" node)

# exchange COMPONENT COMMAND...: runs a client to its end and looks at what it counted. Its logs and offsets stay in its own home.
exchange() {
    local status result
    launch "$1" env "HOME=$run_folder/$1" "${@:2}"
    exit_status "$1"
    ((status == 0)) || fail "exit status $status"
    result=$(grep '^RESULT ' "$run_folder/$1/output.log") || fail "the client printed no result"
    current_step+=": ${result#RESULT }"
    [[ $result == "RESULT sent=$messages received=$messages "* ]] || fail "$messages messages should have been sent and received"
}

# ordered_java_client VERSION TOPIC QUEUES: the producer must be given these queues and no message may come out of its order.
ordered_java_client() {
    java_client "$1" "$2" -Dorders=10
    says_result "client-$1" "disordered=0 queues=$3"
}

ordered_java_queues() { messages=0 ordered_java_client "$@"; } # VERSION TOPIC QUEUES: without a message

# says_result COMPONENT TEXT: does its result end like this?
says_result() { grep -q "^RESULT .* $2\$" "$run_folder/$1/output.log" || fail "expected $2"; }

# launch_consumer VERSION TOPIC: one that takes its time.
launch_consumer() {
    java_command "$1" consumer 128
    launch consumer "${java[@]}" SlowConsumer "$nameserver_list" "$2"
}

has_received() { says consumer "^RECEIVED $(($1 / 100 * 100))\$"; } # has_received NUMBER: so many hundreds of messages
