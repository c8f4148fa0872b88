# Prometheus of the distribution.
# shellcheck shell=bash disable=SC2154,SC2034

# Where it cannot be had, its scenarios are skipped.
prepare_prometheus() {
    need python3 "Python 3.9" python3
    prometheus/fetch >/dev/null || lacking["prometheus $1"]="prometheus is not installed, and apt-get cannot fetch it"
}
