# A real Prometheus, the alerts and the board.
# shellcheck shell=bash disable=SC2154

monitoring=../../docs/monitoring

# start_prometheus HOST:PORT: it scrapes the NameServer there, and has the alerts.
start_prometheus() {
    local home=$run_folder/prometheus program
    program=$(prometheus/fetch)/prometheus
    mkdir -p "$home"
    cat >"$home/prometheus.yml" <<END
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ["$(realpath "$monitoring")/alerts.yml"]
scrape_configs: [{ job_name: namesrv, static_configs: [{ targets: ["$1"] }] }]
END
    launch prometheus "$program" --config.file="$home/prometheus.yml" --storage.tsdb.path="$home/store" \
        --web.listen-address="$host:9090"
    await says prometheus "Server is ready"
}

# expressions_are_good: each of the alerts and of the board is evaluated without an error, and some have values.
expressions_are_good() {
    ! ended prometheus || fail "prometheus ended"
    printed=$(timeout 30 python3 prometheus/evaluate.py "http://$host:9090" "$monitoring/board.json" 2>&1)
}

# asks_without_a_pause HOST:PORT TOPIC: route queries, one connection after the other.
asks_without_a_pause() {
    # shellcheck disable=SC2016
    launch load bash -c 'while "$0" ctl -n "$1" topic "$2" >/dev/null; do :; done' "$nameserver" "$1" "$2"
}
