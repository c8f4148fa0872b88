# A broker with two thousand topics registers them in three parts with one data version: all of them stay, also where topics are deleted that a registration does not list.
# Covers: broker 5.5.0, mqadmin 5.5.0

scenario() {
    step "the NameServer starts, to delete what registrations leave out" start_nameserver deleteTopicWithBrokerRegistration=true
    step "a broker boots with two thousand topics and registers them in parts" start_split_broker parts 2000
    step "clusterList shows it" await cluster_has 5.5.0 parts
    step "all two thousand are there" await all_topics_are_there 2000
    step "mqadmin gives one of the last part other queues" mqadmin updateTopic -b "${broker_address[parts]}" -t many-1999 -r 16 -w 16
    step "the route shows them" await queues_are many-1999 parts 6 16
    step "mqadmin changes one of the first part" mqadmin updateTopic -b "${broker_address[parts]}" -t many-0000 -r 12 -w 12
    step "the route shows it" await queues_are many-0000 parts 6 12
    step "the next registration in parts comes" sleep 35
    step "all two thousand are there" all_topics_are_there 2000
    step "with the queues that they were given" queues_are many-1999 parts 6 16
    step "also the first" queues_are many-0000 parts 6 12
    step "and so they are after one more" sleep 35
    step "all two thousand are there" all_topics_are_there 2000
    step "mqadmin deletes a topic" mqadmin deleteTopic -c DefaultCluster -t many-1000
    step "the route disappears" await route_is_gone many-1000
    step "the next registration does not bring it back" sleep 35
    step "it is gone" route_is_gone many-1000
    step "the others are there" queues_are many-1999 parts 6 16
    step "the NameServer stops" stop_nameserver
}

# start_split_broker NAME TOPICS: the topics are in its store before it starts, because mqadmin would take minutes.
start_split_broker() {
    local config=$run_folder/$1/store/config number comma=
    mkdir -p "$config"
    {
        printf '{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":1700000000000},"topicConfigTable":{'
        for ((number = 0; number < $2; number++)); do
            printf '%s"many-%04d":{"attributes":{},"order":false,"perm":6,"readQueueNums":8,"topicFilterType":"SINGLE_TAG","topicName":"many-%04d","topicSysFlag":0,"writeQueueNums":8}' \
                "$comma" "$number" "$number"
            comma=,
        done
        printf '}}'
    } >"$config/topics.json"
    start_broker 5.5.0 "$1" enableSplitRegistration=true
}

all_topics_are_there() { # TOPICS
    local number
    ask 206
    for ((number = 0; number < $1; number++)); do
        prints_text "\"many-$(printf %04d "$number")\"" || return 1
    done
}
