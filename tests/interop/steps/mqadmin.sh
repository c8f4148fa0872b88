# What mqadmin does and sees.
# shellcheck shell=bash disable=SC2154,SC2034

printed=              # what the last mqadmin command printed
mqadmin_properties=() # system properties, as -DKEY=VALUE, that mqadmin starts with

# start_console VERSION: one mqadmin that stays for the whole scenario; commands go in and output comes back over two pipes.
start_console() {
    mkdir -p "$run_folder/mqadmin"
    mkfifo "$run_folder/mqadmin"/{commands,answers}
    java_command "$1" mqadmin 128 "-Djava.io.tmpdir=$run_folder/mqadmin" "${mqadmin_properties[@]}"
    launch mqadmin run_console
    exec {commands}>"$run_folder/mqadmin/commands" {answers}<"$run_folder/mqadmin/answers"
}

# mqadmin writes the bodies of messages to /tmp/rocketmq, whatever it is told. So its /tmp is a folder of the scenario, unless
# the repository is there.
run_console() {
    local own_tmp=()
    # shellcheck disable=SC2016
    [[ $PWD == /tmp/* ]] || own_tmp=(unshare --mount sh -c 'mount --bind "$0" /tmp && exec "$@"' "$TMPDIR")
    exec "${own_tmp[@]}" "${java[@]}" AdminConsole <"$run_folder/mqadmin/commands" >"$run_folder/mqadmin/answers"
}

# mqadmin WORDS...: runs one command and sets `printed` to what it printed. Its exit status would say nothing.
# It asks the NameServer called nameserver, or the one called $asked.
mqadmin() {
    local line
    printed=
    echo "$* -n ${nameserver_address[${asked:-nameserver}]}" >&"$commands"
    while IFS= read -r -t 60 -u "$answers" line; do
        [[ $line != "<<end>>" ]] || { printf '$ mqadmin %s\n%s\n' "$*" "$printed" >>"$run_folder/mqadmin/output.log" && return; }
        printed+=$line$'\n'
    done
    fail "mqadmin $1 did not answer"
}

prints() { grep -Eq -- "$1" <<<"$printed"; } # prints PATTERN

# cluster_has VERSION BROKER [NAME ID]: does clusterList show it, at its address and with its version?
cluster_has() {
    mqadmin clusterList
    prints "^[^ ]+ +${3:-$2} +${4:-0} +${broker_address[$2]} +V${1//./_} "
}

# await_brokers VERSION BROKER...: until clusterList shows them.
await_brokers() {
    local broker
    for broker in "${@:2}"; do await cluster_has "$1" "$broker"; done
}

# cluster_lacks BROKER
cluster_lacks() {
    mqadmin clusterList
    prints "^#Cluster Name " && ! prints " $1 "
}

# create_topic TOPIC [CLUSTER [OPTION...]]: on every broker of the cluster, 4 queues each.
create_topic() {
    mqadmin updateTopic -c "${2:-DefaultCluster}" -t "$1" -r 4 -w 4 "${@:3}"
    prints "^create topic to .* success" || fail "updateTopic did not succeed"
}

topic_is_listed() {
    mqadmin topicList
    prints "^$1\$"
}

# route_leads TOPIC BROKER: does the route name the broker's address, with 4 queues to read and write?
route_leads() {
    mqadmin topicRoute -l -t "$1"
    prints "^DefaultCluster +$2 +\{0=${broker_address[$2]}\} +4 +4 +6 *\$"
}

# run_all FILE...: runs every line of the files and keeps what it printed in answers.txt. OUTDIR in a line is a folder of this run.
run_all() {
    local line
    while IFS= read -r line; do
        mqadmin "${line/OUTDIR/$run_folder/exports}"
        printf '$ %s\n%s' "$line" "$printed" >>"$run_folder/answers.txt"
    done < <(cat "$@")
}

# keep_files FILE...: keeps what is in the files too.
keep_files() {
    local file
    for file in "$@"; do
        printf '$ %s\n%s\n' "${file##*/}" "$(<"$file")" >>"$run_folder/answers.txt"
    done
}

set_order_configuration() { # TOPIC VALUE
    mqadmin updateOrderConf -m put -t "$1" -v "$2"
    prints "^update orderConf success" || fail "updateOrderConf did not succeed"
}

order_configuration_is() { # TOPIC VALUE
    mqadmin updateOrderConf -m get -t "$1"
    prints "orderConf=\[$2\] *\$" || fail "another order configuration"
}
