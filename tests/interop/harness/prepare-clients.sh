# Clients in other languages than Java, from the package registry of each language, pinned by the lock file beside its program.
# shellcheck shell=bash

prepare_go_client() {
    local program=target/go/send_and_receive
    pinned go-client go/go.mod "github.com/apache/rocketmq-client-go/v2 v$1"
    need go "Go 1.21 or later" golang-go
    ! is_newest "$program" go || return 0
    echo "building the Go client $1"
    go build -C go -mod=readonly -o ../target/go/routes ./routes || lack "the Go client cannot be built"
    go build -C go -mod=readonly -o "../$program" . || lack "the Go client cannot be built"
}

# The Go client as it is developed: it reads the order configuration of routes and speaks TLS, which the last release does not.
prepare_go_client_current() {
    local program=target/go/current
    pinned go-client-current go/current.mod "github.com/apache/rocketmq-client-go/v2 v$1"
    need go "Go 1.21 or later" golang-go
    ! is_newest "$program" go || return 0
    echo "building the Go client $1"
    go build -C go -modfile=current.mod -tags current -mod=readonly -o "../$program" . || lack "the current Go client cannot be built"
}

is_newest() { [[ -f $1 && ! $(find "$2" -newer "$1") ]]; } # is_newest FILE FOLDER: is nothing in the folder newer?

prepare_node_ali_ons() { prepare_node node-ali-ons "\"ali-ons\": \"$1\""; }
prepare_node_rocketmq() { prepare_node node-rocketmq "\"rocketmq\": \"$1\""; }
prepare_node_grpc() { prepare_node node-grpc "\"rocketmq-client-nodejs\": \"$1\""; }

prepare_node() { # COMPONENT TEXT
    local folder=target/node
    pinned "$1" node/package.json "$2"
    need node "Node 18 or later" nodejs
    need npm npm npm
    [[ ! $folder/complete -nt node/package-lock.json ]] || return 0
    echo "fetching the Node clients with npm"
    mkdir -p "$folder"
    cp node/package.json node/package-lock.json node/.npmrc "$folder"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || lack "npm cannot fetch the Node clients"
    touch "$folder/complete"
}

prepare_python_grpc() {
    local folder=target/python
    pinned python-grpc python/requirements.txt "rocketmq-python-client==$1"
    need python3 "Python 3.9 or later" python3
    [[ ! $folder/complete -nt python/requirements.txt ]] || return 0
    echo "fetching the Python client $1 with pip"
    rm -rf "$folder"
    python3 -m venv "$folder" >/dev/null || lack "Python's venv and pip are needed: install e.g. the package python3-venv"
    "$folder/bin/pip" install --quiet --no-deps --requirement python/requirements.txt || lack "pip cannot fetch the Python client"
    touch "$folder/complete"
}

prepare_proxy() { fetch_jars "proxy-$1" pom-alone.xml "$1" -Drocketmq.artifact=rocketmq-proxy; }

# pinned COMPONENT FILE TEXT: a scenario can only cover the version that the lock file names.
pinned() { grep -Fqs -- "$3" "$2" || lack "a scenario covers another version of $1 than $2 names"; }
