# Bare requests: for what mqadmin does not show, and for looking often. What was answered is `printed`, header and body.
# shellcheck shell=bash disable=SC2154,SC2034

# ask CODE [FIELD=VALUE...]: one request to the NameServer called nameserver, or to the one called $asked.
ask() { request "${nameserver_address[${asked:-nameserver}]}" "$@"; }

# request HOST:PORT CODE [FIELD=VALUE...]: one request over a connection of its own.
request() {
    local fields='' word header length socket
    for word in "${@:3}"; do fields+=",\"${word%%=*}\":\"${word#*=}\""; done
    header="{\"code\":$2,\"extFields\":{${fields#,}},\"flag\":0,\"language\":\"JAVA\",\"opaque\":1,\"serializeTypeCurrentRPC\":\"JSON\",\"version\":513}"
    printed=
    exec {socket}<>"/dev/tcp/${1/://}" || return 1
    printf '%b%s' "$(number $((${#header} + 4)))$(number ${#header})" "$header" >&"$socket"
    length=$(timeout 30 head -c 4 <&"$socket" | od -An -tu4 --endian=big)
    printed=$(timeout 30 head -c "${length:-0}" <&"$socket" | tail -c +5)
    exec {socket}>&-
}

number() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)); } # four bytes, escaped

prints_text() { [[ $printed == *"$1"* ]]; } # prints_text TEXT

# The members of a group as answers show them. members_json ID=BROKER...
members_json() {
    local word json=
    for word in "$@"; do json+=",${word%%=*}:\"${broker_address[${word#*=}]}\""; done
    echo "\"brokerAddrs\":{${json#,}}"
}

# group_is CLUSTER NAME [ID=BROKER...]: are these all members that the group is told to have (901)?
group_is() {
    ask 901 "clusterName=$1" "brokerName=$2"
    prints_text "{\"brokerMemberGroup\":{$(members_json "${@:3}"),\"brokerName\":\"$2\",\"cluster\":\"$1\"}}"
}

# cluster_info_has CLUSTER NAME ID=BROKER...: does the cluster information (106) show the group with these members in its cluster?
cluster_info_has() {
    ask 106
    prints_text "\"$2\":{$(members_json "${@:3}"),\"brokerName\":\"$2\",\"cluster\":\"$1\"" && prints "\"$1\":\[[^]]*\"$2\""
}

# cluster_info_lacks NAME
cluster_info_lacks() {
    ask 106
    prints_text '"clusterAddrTable"' && ! prints_text "\"$1\""
}

cluster_topics_have() { # CLUSTER TOPIC: the topics of a cluster (224)
    ask 224 "cluster=$1"
    prints_text "\"$2\""
}

cluster_topics_lack() { # CLUSTER TOPIC
    ask 224 "cluster=$1"
    prints_text '"topicList":' && ! prints_text "\"$2\""
}

# route_names TOPIC [NAME...]: are these all groups that the route (105) leads to, and are their queues the only ones?
route_names() {
    ask 105 "topic=$1"
    [[ $(groups_printed | sort | xargs) == "$(printf '%s\n' "${@:2}" | sort | xargs)" ]] &&
        [[ $(queues_printed | sort | xargs) == "$(printf '%s\n' "${@:2}" | sort | xargs)" ]]
}

groups_printed() { grep -Po '"brokerName":"\K[^"]*(?=","cluster")' <<<"$printed"; }
queues_printed() { grep -Po '"brokerName":"\K[^"]*(?=","perm")' <<<"$printed"; }

route_is_gone() { # TOPIC: response code 17, TOPIC_NOT_EXIST
    ask 105 "topic=$1"
    prints_text '"code":17,'
}

# queues_are TOPIC NAME PERMISSION NUMBER: 6 is to read and write, 4 to read only.
queues_are() {
    ask 105 "topic=$1"
    prints_text "{\"brokerName\":\"$2\",\"perm\":$3,\"readQueueNums\":$4,\"topicSysFlag\":0,\"writeQueueNums\":$4}"
}

# route_has_members TOPIC NAME ID=BROKER...
route_has_members() {
    ask 105 "topic=$1"
    prints "$(members_json "${@:3}" | sed -E 's/([0-9]+):"/"?\1"?:"/g; s/[{}]/\\&/g'),\"brokerName\":\"$2\""
}

# has_copied SLAVE MASTER TOPIC: does the slave know the topic (21), and do both logs end at the same place (28)?
has_copied() {
    request "${broker_address[$1]}" 21
    prints_text "\"$3\"" && [[ $(log_end "$1") == "$(log_end "$2")" ]]
}

log_end() {
    request "${broker_address[$1]}" 28
    grep -Po '"commitLogMaxOffset":"\K[0-9]+' <<<"$printed"
}
