# Every command line of mqadmin 4.9.7 prints with our NameServer what it prints with the Java one of 5.5.0.
# Covers: mqadmin 4.9.7, broker 4.9.7, java-nameserver 5.5.0
# Runtimes: every
# Runs: alone

scenario() {
    local calm=transactionCheckInterval=3600000 # else a topic of its own appears after a while
    [[ $beside ]] || step "the same begins with the Java NameServer" start_beside mqadmin-4.9.7-prints-the-same
    step "the NameServer starts" start_nameserver
    step "a master starts" launch_broker 4.9.7 m49 brokerClusterName=C49 $calm
    step "its slave boots" start_broker 4.9.7 s49 brokerClusterName=C49 $calm brokerName=m49 brokerId=1 brokerRole=SLAVE
    step "clusterList shows the master" await cluster_has 4.9.7 m49
    step "topics and messages are made" run_all mqadmin/before-4.9.7.txt
    step "the slave has copied them" await has_copied s49 m49 IT49
    step "every command line is run" run_all mqadmin/{commands,after}-4.9.7.txt
    step "what they left in files is kept" keep_files "$run_folder"/{exports/*,nameserver/kvConfig}.json
    [[ $beside ]] || step "the same has ended with the Java NameServer" await_beside
    [[ $beside ]] || step "the answers are the same" compare_with_beside 4.9.7
}
