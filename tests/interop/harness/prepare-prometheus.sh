# Prometheus of the distribution: the one that is installed, or its package unpacked into target.
# shellcheck shell=bash disable=SC2154,SC2034

# Where it cannot be had, its scenarios are skipped.
prepare_prometheus() {
    local folder=target/prometheus
    need python3 "Python 3.9" python3
    ! command -v prometheus >/dev/null || return 0
    [[ ! -x $folder/usr/bin/prometheus ]] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"
    if (cd "$folder" && apt-get download prometheus && dpkg-deb -x prometheus_*.deb .) >"$folder/fetched.log" 2>&1; then
        rm "$folder"/prometheus_*.deb
    else
        lacking["prometheus $1"]="prometheus is not installed, and apt-get cannot fetch it"
    fi
}
