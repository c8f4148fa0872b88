# What is needed where the Java NameServer runs beside ours: it, and the programs that compare what the two show.
# shellcheck shell=bash

prepare_java_nameserver() {
    fetch_jars "$1" pom.xml "$1"
    cargo build --quiet --locked --manifest-path ../../Cargo.toml --package namesrv-tests --bins
    ln -sfn "$(realpath "${CARGO_TARGET_DIR:-../../target}/debug")" target/comparison
}
