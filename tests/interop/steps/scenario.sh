# One scenario: its steps, its failures, its end.
# shellcheck shell=bash disable=SC2154,SC2034

# run_scenario NAME FIRST_PORT: the NameServer gets that port, brokers get ports above it.
run_scenario() {
    first_port=$2
    run_folder=$PWD/target/run/$1
    rm -rf "$run_folder"
    mkdir -p "$run_folder"
    # What scenarios print must not mingle: unless only one runs at a time, it is shown when they are done.
    ((jobs == 1)) || exec {screen}>&1 >"$run_folder/steps.log" 2>&1
    trap finish EXIT
    trap 'exit 130' INT TERM
    echo "scenario $1 ($([[ $nameserver == java ]] && echo "Java NameServer" || echo "${nameserver##*/}"))"
    start_console
    scenario
    current_step=
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

fail() {
    echo "            $*"
    exit 1
}

# await COMMAND...: repeats a question until the answer is yes.
await() {
    local give_up=$((SECONDS + ${await_seconds:-40}))
    until "$@"; do
        ((SECONDS < give_up)) || fail "not seen within ${await_seconds:-40} s: $*"
        sleep 0.1
    done
}

# Stops every process of the scenario, whatever became of it, and reports a failure.
finish() {
    local status=$? component
    trap - EXIT
    set +e
    if [[ -n $current_step ]] && ((status != 130)); then
        echo "    FAILED  $current_step"
        [[ -z $printed ]] || { echo "--- mqadmin printed last" && tail -n 15 <<<"$printed"; }
        for component in $(cd "$run_folder" && ls -d !(mqadmin|steps.log)); do
            echo "--- the end of $component's log"
            tail -qn 15 "$run_folder/$component"/{output,logs/rocketmqlogs/broker}.log 2>/dev/null | grep -v '|-'
        done
    fi
    ((${#pid[@]} == 0)) || kill -KILL "${pid[@]}" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$run_folder"/*/store
    ((jobs == 1)) || cat "$run_folder/steps.log" >&"$screen"
    exit "$status"
}
