# Everything that needs the network, a compiler or permissions: it is done before the first scenario starts.
# shellcheck shell=bash disable=SC2154,SC2034

prepare() {
    local component version
    find_isolation
    prepare_java
    while read -r component version; do "prepare_${component//-/_}" "$version"; done < <(planned_components)
    mkdir -p target/classes
    javac --release 17 -cp "target/lib/5.5.0/*" -d target/classes java/*.java
    prepare_targets
}

# The tools of Java, and the jars that our own programs are compiled with.
prepare_java() {
    local java_version
    need javac "a JDK 17 or later" openjdk-17-jdk-headless
    java_version=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    ((${java_version:-0} >= 17)) || lack "a JDK 17 or later is needed, not ${java_version:-an unknown one}: install e.g. openjdk-17-jdk-headless"
    need mvn Maven maven
    prepare_broker 5.5.0
}

planned_components() {
    local run
    for run in "${runs[@]}"; do covers "${run% *}"; done | sort -u
}

# One function for each component that scenarios cover: prepare_COMPONENT VERSION.
prepare_broker() { fetch_jars "$1" pom.xml "$1"; }
prepare_broker_container() { fetch_jars "container-$1" pom-alone.xml "$1" -Drocketmq.artifact=rocketmq-container; }
prepare_mqadmin() { fetch_jars "$1" pom.xml "$1"; }
prepare_java_client() { fetch_jars "$1" pom.xml "$1"; }

# need COMMAND WHAT PACKAGE
need() { command -v "$1" >/dev/null || lack "$2 is needed: install e.g. the package $3"; }

lack() {
    echo "$*" >&2
    exit 3
}

# fetch_jars FOLDER POM VERSION [-DPROPERTY=VALUE...]: the released artifacts that the POM names, into target/lib/FOLDER, once.
fetch_jars() {
    local folder=target/lib/$1
    [[ $folder/complete -nt $2 ]] && return
    echo "fetching RocketMQ $3 with Maven"
    rm -rf "$folder"
    mvn --quiet --batch-mode -Dstyle.color=never --file "$2" "-Drocketmq.version=$3" dependency:copy-dependencies \
        "${@:4}" -DincludeScope=runtime "-DoutputDirectory=$PWD/$folder" || lack "Maven cannot fetch RocketMQ $3"
    touch "$folder/complete"
}

# Finds out how a network namespace is made here: as root, or as root of a user namespace.
find_isolation() {
    need ip "ip" iproute2
    need unshare "unshare" util-linux
    for isolated in "unshare --net" "unshare --map-root-user --net"; do
        read -ra isolated <<<"$isolated"
        "${isolated[@]}" ip link set lo up 2>/dev/null && return
    done
    lack "a network namespace cannot be made: run as root, or allow user namespaces" \
        "(sysctl kernel.unprivileged_userns_clone=1; for a container --privileged)"
}

# Builds the servers unless they are given, and asks glommio whether it can run here.
prepare_targets() {
    local target packages=()
    [[ $nameserver ]] && prepare_binary "${targets[0]}" && return
    if [[ ! $binaries ]]; then
        for target in "${targets[@]}"; do packages+=(--package "namesrv-$target"); done
        cargo build --quiet --release --locked --manifest-path ../../Cargo.toml "${packages[@]}"
        binaries=$(realpath "${CARGO_TARGET_DIR:-../../target}/release")
    fi
    for target in "${targets[@]}"; do
        binary[$target]=$binaries/namesrv-$target
        prepare_binary "$target"
    done
}

# glommio ends at once, with its reason, where io_uring is refused: then it is skipped. Any other that does not start will fail its scenarios.
prepare_binary() {
    local file=target/probe.conf reason
    [[ ${binary[$1]} != java ]] || { prepare_java_nameserver 5.5.0 && return; }
    [[ -f ${binary[$1]} && -x ${binary[$1]} ]] || { echo "cannot execute ${binary[$1]}" >&2 && exit 2; }
    [[ $1 == *glommio ]] || return 0
    # What it saves when it ends stays here, too.
    printf '%s\n' "listenPort=0" "kvConfigPath=$PWD/target/probe.json" >"$file"
    reason=$("${isolated[@]}" timeout 3 "${binary[$1]}" -c "$file" 2>&1 | tail -n 1 || true)
    [[ $reason != *io_uring* ]] || skipped[$1]=$reason
}
