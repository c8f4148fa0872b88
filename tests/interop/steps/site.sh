# Two data centres: network namespaces with a link between them.
# mqadmin, in the scenario's own namespace, reaches both by cables of its own, which lead nowhere else.
# shellcheck shell=bash disable=SC2154,SC2034

declare -A site_address=([one]=10.0.1.1 [two]=10.0.2.1)
readonly office_address=10.0.0.1

# both_sites_work VERB: the steps in which two linked sites get a NameServer, a broker and a topic each, all of which both know.
# VERB starts the NameServer of site one; that of site two is the one under test.
both_sites_work() {
    local quick="enableSlaveActingMaster=true registerNameServerPeriod=10000" # heartbeats every second, silence of 10 s is enough
    step "two sites are linked" open_sites
    step "a NameServer starts in site one" at_site one "$1" one
    step "a NameServer starts in site two" at_site two start_nameserver two
    step "a broker starts in site one" at_site one launch_broker 5.5.0 broker-one $quick
    step "a broker boots in site two" at_site two start_broker 5.5.0 broker-two $quick
    step "both NameServers show both brokers" await_both shows_both
    step "each broker gets a topic" create_topics
    step "both NameServers lead to both topics" await_both is_whole
}

open_sites() {
    ip address add "$office_address/32" dev lo
    open_site one
    open_site two
    ip link add name wan netns "${pid[site-one]}" type veth peer name wan netns "${pid[site-two]}"
    connect one wan "${site_address[two]}"
    connect two wan "${site_address[one]}"
}

open_site() {
    local holder=site-$1
    launch "$holder" unshare --net sleep infinity
    await is_apart "${pid[$holder]}"
    at_site "$1" within ip link set lo up
    at_site "$1" within ip address add "${site_address[$1]}/32" dev lo
    ip link add name "$1" type veth peer name office netns "${pid[$holder]}"
    ip link set "$1" up
    ip route add "${site_address[$1]}" dev "$1" src "$office_address"
    connect "$1" office "$office_address"
}

is_apart() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/$$/ns/net)" ]]; }

# connect SITE DEVICE ADDRESS: the device leads to that address.
connect() {
    at_site "$1" within ip link set "$2" up
    at_site "$1" within ip route add "$3" dev "$2" src "${site_address[$1]}"
}

# at_site NAME VERB...: takes a step there.
at_site() {
    local host=${site_address[$1]} enter=(nsenter --target "${pid[site-$1]}" --net --)
    "${@:2}"
}

within() { "${enter[@]}" "$@"; }

# At site two nothing leads to the other any more; site one notices nothing: what it sends is lost.
cut_link() { at_site two within ip link set wan down; }

heal_link() { connect two wan "${site_address[one]}"; }

other_site() { if [[ $1 == one ]]; then echo two; else echo one; fi; }

# asks NAMESERVER QUESTION...: what mqadmin sees there.
asks() {
    local asked=$1
    "${@:2}"
}

# create_topics: Orders-one on the broker of site one, Orders-two on the other, each through the NameServer of its site.
create_topics() {
    local site
    for site in one two; do asks "$site" await topic_is_created "$site"; done
}

topic_is_created() {
    mqadmin updateTopic -b "${broker_address[broker-$1]}" -t "Orders-$1" -r 4 -w 4
    prints "^create topic to .* success"
}

# shows_both NAMESERVER: does its cluster information have both brokers?
shows_both() { asks "$1" cluster_info_has DefaultCluster broker-one 0=broker-one && asks "$1" cluster_info_has DefaultCluster broker-two 0=broker-two; }

# is_whole NAMESERVER: does it show both brokers and lead to both topics?
is_whole() { shows_both "$1" && asks "$1" route_names Orders-one broker-one && asks "$1" route_names Orders-two broker-two; }

# knows_its_own_only NAMESERVER: has it evicted the broker of the other site, and kept its own?
knows_its_own_only() {
    local other
    other=$(other_site "$1")
    asks "$1" cluster_info_lacks "broker-$other" && asks "$1" route_is_gone "Orders-$other" &&
        asks "$1" cluster_info_has DefaultCluster "broker-$1" "0=broker-$1" && asks "$1" route_names "Orders-$1" "broker-$1"
}

# await_both QUESTION [FIGURE]: until the answer is yes at both NameServers; the figure is how long each took.
await_both() {
    local began=$EPOCHREALTIME give_up=$((SECONDS + 300)) site
    local -A seen=()
    until ((${#seen[@]} == 2)); do
        for site in one two; do
            [[ -v seen[$site] ]] || ! "$1" "$site" || seen[$site]=$(seconds_since "$began")
        done
        ((SECONDS < give_up)) || fail "not seen within 300 s: $1"
        sleep 0.1
    done
    [[ ! ${2:-} ]] || for site in one two; do figure "$2, $(kind_of "$site") in site $site" "$(LC_ALL=C printf %.2f "${seen[$site]}") s"; done
}

kind_of() { if [[ $(<"/proc/${pid[$1]}/comm") == java ]]; then echo Java; else echo ours; fi; }

# stop_unaware CLIENT: what it used was always there.
stop_unaware() {
    stop_steady_client "$1"
    lookups_failed_at_most 0 "$1"
}

# same_answers JAVA OURS: every table and route of the two NameServers, byte for byte.
same_answers() {
    local compared
    compared=$(target/comparison/compare-nameservers "${nameserver_address[$1]}" "${nameserver_address[$2]}" DefaultCluster \
        Orders-one Orders-two TBW102 broker-one NoSuchTopic) || fail "$compared"
    current_step+=": $compared"
}
