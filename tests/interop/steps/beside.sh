# The same scenario with the Java NameServer, at the same time and in a network of its own: what mqadmin prints there is what counts.
# shellcheck shell=bash disable=SC2154,SC2034

beside=${beside:-} # not empty: this is the run beside

# start_beside SCENARIO: a process group of its own, so that its end takes along whatever it started.
start_beside() {
    launch beside setsid env beside=1 nameserver=java "run_folder=$run_folder/beside" unshare --net ./steps.sh "$1" java
    pid[beside]=-${pid[beside]}
}

await_beside() {
    local status=0
    wait "${pid[beside]#-}" || status=$?
    unset "pid[beside]"
    ((status == 0)) || fail "it failed with the Java NameServer: $run_folder/beside/output.log"
}

# compare_with_beside VERSION: where both were Java, nothing may differ; else what DIFFERENCES.md names has to.
compare_with_beside() {
    local compared expectation=()
    ! nameserver_is_java || expectation=(nothing-expected)
    compared=$(target/comparison/compare-mqadmin "$1" "$run_folder/beside" "$run_folder" "${expectation[@]}") || fail "$compared"
    current_step+=": $(tail -n 1 <<<"$compared")"
    echo "$compared" >"$run_folder/comparison.txt"
}
