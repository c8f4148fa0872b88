# Which scenario runs on which runtime, from the header lines of the scenarios.
# shellcheck shell=bash disable=SC2154,SC2034

runs=()  # "SCENARIO TARGET", in the order in which they are started
cells=() # "TARGET COMPONENT VERSION", each of which is promised to be run

plan() {
    local chosen=${#scenarios[@]} number=0 scenario target
    ((chosen)) || mapfile -t scenarios < <(all_scenarios)
    for scenario in "${scenarios[@]}"; do
        if ((all || chosen)) || [[ $(header Runtimes "$scenario") == every ]]; then
            for target in "${targets[@]}"; do runs+=("$scenario $target"); done
        else
            runs+=("$scenario ${targets[number++ % ${#targets[@]}]}")
        fi
    done
    promise_cells
}

# Every version of every component that a scenario covers is promised for every target.
promise_cells() {
    local target scenario pair
    mapfile -t cells < <(
        for target in "${targets[@]}"; do
            for scenario in "${scenarios[@]}"; do
                while read -r pair; do echo "$target $pair"; done < <(covers "$scenario")
            done
        done | sort -u
    )
}

# Each scenario with the runtimes that it runs on and its first line, which says what it shows.
print_plan() {
    local scenario run on
    for scenario in "${scenarios[@]}"; do
        on=
        for run in "${runs[@]}"; do [[ ${run% *} != "$scenario" ]] || on+=", ${run#* }"; done
        printf '%s (%s)\n    %s\n' "$scenario" "${on#, }" "$(sed -n '1s/^# //p' "scenarios/$scenario.sh")"
    done
}

all_scenarios() {
    local file
    for file in scenarios/*.sh; do basename "$file" .sh; done
}

# header NAME SCENARIO: what stands behind "# NAME:" in the scenario.
header() { sed -n "s/^# $1: //p" "scenarios/$2.sh"; }

# covers SCENARIO: its components, one "COMPONENT VERSION" a line.
covers() { header Covers "$1" | sed 's/, */\n/g'; }
