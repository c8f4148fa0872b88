# One scenario: its steps, its failures, its end.
# shellcheck shell=bash disable=SC2154,SC2034

# run_scenario NAME TARGET
run_scenario() {
    local began=$SECONDS mqadmin_version
    trap finish EXIT
    trap 'exit 130' INT TERM HUP
    trap 'exit 141' PIPE # mqadmin has ended before its time
    echo "scenario $1 on $2"
    # What programs would leave in /tmp goes with the scenario.
    export TMPDIR=$run_folder/tmp
    mkdir -p "$TMPDIR"
    mqadmin_version=$(covers "$1" | sed -n 's/^mqadmin //p' | head -n 1)
    [[ ! $mqadmin_version ]] || start_console "$mqadmin_version"
    scenario
    current_step=
    echo "            passed in $((SECONDS - began)) s"
}

# step SENTENCE COMMAND...: does one thing of a scenario and prints how long it took.
step() {
    local began=$EPOCHREALTIME
    current_step=$1
    "${@:2}"
    LC_ALL=C printf '  %6.2f s  %s\n' "$(seconds_since "$began")" "$current_step"
}

seconds_since() { # $1: an earlier value of EPOCHREALTIME
    local began=${1/[.,]/} now=${EPOCHREALTIME/[.,]/}
    printf '%d.%06d' $(((now - began) / 1000000)) $(((now - began) % 1000000))
}

# each VERB NAME...: takes a step with one after the other.
each() {
    local name
    for name in "${@:2}"; do "$1" "$name"; done
}

# figure NAME VALUE: is printed when all scenarios are done.
figure() { printf '%s: %s\n' "$1" "$2" >>"$run_folder/figures"; }

fail() {
    echo "            $*"
    exit 1
}

# await COMMAND...: repeats a question until the answer is yes.
await() {
    local give_up=$((SECONDS + ${await_seconds:-300}))
    until "$@"; do
        ((SECONDS < give_up)) || fail "not seen within ${await_seconds:-300} s: $*"
        sleep 0.1
    done
}

# Stops every process of the scenario, whatever became of it, and reports a failure.
finish() {
    local status=$? component
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    if [[ -n $current_step ]] && ((status != 130)); then
        echo "    FAILED  $current_step"
        [[ -z $printed ]] || { echo "--- mqadmin printed last" && tail -n 10 <<<"$printed"; }
        for component in "${!launched[@]}"; do
            echo "--- the end of $component's log"
            tail -qn 10 "$run_folder/$component"/{output,logs/rocketmqlogs/broker}.log 2>/dev/null | grep -v '|-' | cut -c 1-300
        done
    fi
    ((${#pid[@]} == 0)) || kill -KILL "${pid[@]}" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$run_folder"/*/store "$run_folder/tmp"
    exit "$status"
}
