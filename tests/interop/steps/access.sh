# Keys that peers sign with, and what a NameServer that asks for them says.
# shellcheck shell=bash disable=SC2154,SC2034

ops_secret=vR8sXq2LmW5tYb1NfK7dHc4J
broker_secret=pZ3gTn6QeA9uMx0LwV2rSd5C

# Keys of a NameServer that knows an administrator and the user of brokers.
access_keys=(
    authenticationEnabled=true
    "initAuthenticationUser={\"username\":\"ops\",\"password\":\"$ops_secret\"}"
    "innerClientAuthenticationCredentials={\"accessKey\":\"brokers\",\"secretKey\":\"$broker_secret\"}"
)

# What a broker 5.5.0 needs to sign. Without the second it does not start.
signing_broker=(
    "innerClientAuthenticationCredentials={\"accessKey\":\"brokers\",\"secretKey\":\"$broker_secret\"}"
    authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
)

# reconfigure KEY=VALUE...: adds lines to the file of the NameServer, where the last one counts, and has it read again.
reconfigure() {
    local before
    before=$(reloads)
    printf '%s\n' "$@" >>"$run_folder/nameserver/nameserver.conf"
    kill -HUP "${pid[nameserver]}"
    await has_reloaded "$before"
}

has_reloaded() { (($(reloads) > $1)); } # has_reloaded BEFORE
reloads() { grep -c "configuration reloaded" "$run_folder/nameserver/output.log" || true; }

# mqadmin_signs [USER SECRET]: from now on; without a user it does not sign.
mqadmin_signs() {
    rm -f "$run_folder/mqadmin/conf/tools.yml"
    (($# == 0)) || printf 'accessKey: "%s"\nsecretKey: "%s"\n' "$1" "$2" >"$run_folder/mqadmin/conf/tools.yml"
}

# every_write_is_refused REMARK: what mqadmin prints is what it prints at a broker that refuses.
every_write_is_refused() {
    write_is_refused "$1" UpdateKvConfigCommand updateKvConfig -s N -k K -v V
    write_is_refused "$1" DeleteKvConfigCommand deleteKvConfig -s N -k K
    write_is_refused "$1" UpdateNamesrvConfigCommand updateNamesrvConfig -k enableTopicList -v true
    permission_is_refused "$1" wipe
    permission_is_refused "$1" add
}

write_is_refused() { # REMARK CLASS COMMAND...
    mqadmin "${@:3}"
    prints "SubCommandException: $2 command failed\$" && prints "MQClientException: CODE: 16  DESC: $1\$" || fail "$3 is not refused"
}

permission_is_refused() { # REMARK wipe|add
    mqadmin "$2WritePerm" -b signed
    prints "^$2 write perm of broker\[signed\] in name server\[.*\] Failed" && prints "CODE: 16  DESC: $1\$" || fail "$2WritePerm is not refused"
}

every_write_is_served() {
    write_is_served updateKvConfig -s N -k K -v V
    write_is_served deleteKvConfig -s N -k K
    write_is_served updateNamesrvConfig -k enableTopicList -v true
    write_is_served updateOrderConf -m put -t Orders -v signed:4
    write_is_served updateOrderConf -m delete -t Orders
}

write_is_served() { # COMMAND...
    mqadmin "$@"
    prints "success" && ! prints "CODE" || fail "$1 is not served"
}

# was_told TYPE COMMAND PATTERN: is there such a line of the audit in the NameServer's log?
was_told() { says nameserver "type=\"$1\".* command=\"$2\".* $3"; }
was_not_told() { ! was_told "$@"; }

# is_on_record PATTERN: is it in the audit file?
is_on_record() { grep -Eq -- "$1" "$run_folder/nameserver/audit.log"; }
