# Every command line of mqadmin 5.5.0 prints with our NameServer what it prints with the Java one.
# Covers: mqadmin 5.5.0, broker 5.5.0, java-nameserver 5.5.0
# Runs: alone

scenario() {
    local calm=transactionCheckInterval=3600000 # else a topic of its own appears after a while
    [[ $beside ]] || step "the same begins with the Java NameServer" start_beside mqadmin-5.5.0-prints-the-same
    step "the NameServer starts" start_nameserver
    step "a broker starts" launch_broker 5.5.0 broker-a $calm
    step "another one boots" start_broker 5.5.0 broker-b $calm
    step "clusterList shows both" await_brokers 5.5.0 broker-a broker-b
    step "every command line is run" run_all mqadmin/{before,commands,after}-5.5.0.txt
    step "what they left in files is kept" keep_files "$run_folder"/{exports/*,nameserver/kvConfig}.json
    [[ $beside ]] || step "the same has ended with the Java NameServer" await_beside
    [[ $beside ]] || step "the answers are the same" compare_with_beside 5.5.0
}
