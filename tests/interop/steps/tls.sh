# TLS as RocketMQ's guide sets it up.
# shellcheck shell=bash disable=SC2154,SC2034

# What every peer of the guide has: one file with the keys and certificates of servers and of clients.
guide_file=$run_folder/tls.properties
guide_server=(-Dtls.server.mode=enforcing "-Dtls.config.file=$guide_file")
guide_broker=(-Dtls.enable=true "-Dtls.config.file=$guide_file")
guide_client=(-Dtls.enable=true -Dtls.test.mode.enable=false -Dtls.client.authServer=true "-Dtls.config.file=$guide_file")

write_guide_file() {
    local guide side
    guide=$(realpath ../tls/guide)
    printf '%s\n' tls.test.mode.enable=false tls.server.need.client.auth=require tls.server.authClient=true >"$guide_file"
    for side in server client; do
        printf '%s\n' "tls.$side.keyPath=$guide/$side.key" "tls.$side.keyPassword=123456" "tls.$side.certPath=$guide/$side.pem" \
            "tls.$side.trustCertPath=$guide/ca.pem" >>"$guide_file"
    done
}

# is_turned_away PATTERN: does the NameServer say why it closed a connection? The Java one says it elsewhere.
is_turned_away() { nameserver_is_java || says nameserver "connection closed: .*$1"; }
