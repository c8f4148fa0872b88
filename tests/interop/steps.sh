#!/usr/bin/env bash
# Runs one scenario in the network namespace that it is started in: steps.sh SCENARIO TARGET. `run` starts it.
# shellcheck disable=SC2034,SC2154
# Takes from the environment: nameserver (a path, or java), messages and run_folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
shopt -s extglob

declare -A pid=() # component -> process
current_step=     # what is being done, for the failure report

for file in harness/plan.sh steps/*.sh "scenarios/$1.sh"; do
    # shellcheck disable=SC1090
    source "$file"
done

ip link set lo up
run_scenario "$@"
