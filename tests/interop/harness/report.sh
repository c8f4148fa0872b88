# What a run found out: the matrix of component versions and runtimes, the figures, what failed.
# shellcheck shell=bash disable=SC2154,SC2034

report() {
    local target run pair failed=()
    print_matrix
    print_figures
    for target in "${!skipped[@]}"; do echo "skipped $target: ${skipped[$target]}"; done
    for pair in "${!lacking[@]}"; do echo "SKIPPED $pair: ${lacking[$pair]}"; done
    for run in "${runs[@]}"; do
        [[ ${outcome[$run]:-} != FAILED ]] || failed+=("${run/ / on }")
    done
    ((${#second_tries[@]} == 0)) || printf 'passed at a second try, alone (the first: target/first-tries): %s\n' "${second_tries[@]}"
    echo "$((${#outcome[@]} - ${#failed[@]})) of ${#outcome[@]} runs passed in $SECONDS s"
    ((${#failed[@]} == 0)) || printf 'FAILED: %s\n' "${failed[@]}"
    ((${#missing[@]} == 0)) || printf 'NOT RUN: %s\n' "${missing[@]}"
    ((${#failed[@]} + ${#missing[@]} == 0)) || { echo "logs: $PWD/target/run" && exit 1; }
}

missing=() # cells that were promised and not run

# A cell says how many scenarios with that component passed, of how many that were run.
print_matrix() {
    local -A run_count=() passed_count=()
    local run pair cell target
    for run in "${!outcome[@]}"; do
        while read -r pair; do
            cell="${run#* } $pair"
            run_count[$cell]=$((${run_count[$cell]:-0} + 1))
            [[ ${outcome[$run]} == FAILED ]] || passed_count[$cell]=$((${passed_count[$cell]:-0} + 1))
        done < <(covers "${run% *}")
    done
    printf '\n%-26s' component && printf ' %-12s' "${targets[@]}" && echo
    while read -r pair; do
        printf '%-26s' "$pair"
        for target in "${targets[@]}"; do print_cell "$target" "$target $pair"; done
        echo
    done < <(printf '%s\n' "${cells[@]#* }" | sort -u)
    echo
}

print_cell() { # TARGET CELL
    local run=${run_count[$2]:-0} passed=${passed_count[$2]:-0} text
    text=$passed/$run
    ((passed == run)) || text="FAILED $text"
    if ((run == 0)); then
        text="not run"
        if [[ -v skipped[$1] || -v lacking[${2#* }] ]]; then text=skipped; else missing+=("${2#* } on $1"); fi
    fi
    printf ' %-12s' "$text"
}

# Figures are lines "NAME: VALUE" that scenarios leave in a file.
print_figures() {
    local run file
    for run in "${runs[@]}"; do
        file=target/run/${run#* }/${run% *}/figures
        [[ ! -v outcome[$run] || ! -s $file ]] || sed "s/^/${run#* }: /" "$file"
    done
}
