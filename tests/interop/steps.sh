# The verbs that scenarios are written in, one file for each kind of component.
# shellcheck disable=SC2034
# Uses of the caller: nameserver (a path, or java), messages and jobs.

shopt -s extglob

declare -A pid=()           # component -> process
declare -A broker_address=() # broker -> host:port
printed=                    # what the last mqadmin command printed
current_step=               # what is being done, for the failure report
run_folder=

for file in steps/*.sh; do
    # shellcheck disable=SC1090
    source "$file"
done
