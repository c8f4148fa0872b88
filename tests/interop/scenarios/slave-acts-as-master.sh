# An acting master: the master is killed, the NameServer tells the slave, leads consumers to it, and they go on.
# Covers: broker 5.5.0, mqadmin 5.5.0, java-client 5.5.0

scenario() {
    step "the NameServer starts with acting masters" start_nameserver supportActingMaster=true notifyMinBrokerIdChanged=true
    launch_broker 5.5.0 master brokerName=pair enableSlaveActingMaster=true compatibleWithOldNameSrv=false
    step "a master boots" broker_boots master
    launch_broker 5.5.0 slave brokerName=pair enableSlaveActingMaster=true brokerId=1 brokerRole=SLAVE slaveReadEnable=true \
        compatibleWithOldNameSrv=false
    step "its slave boots" broker_boots slave
    step "the group has both members" await group_is DefaultCluster pair 0=master 1=slave
    step "mqadmin creates a topic" create_topic Orders
    step "the route leads to master and slave" await route_has_members Orders pair 0=master 1=slave
    step "a Java client sends and receives" java_client 5.5.0 Orders
    step "the slave copies what its master has" await has_copied slave master Orders
    launch_consumer 5.5.0 Orders
    step "another consumer begins" await has_received 100
    step "the master is killed" kill_at_once master
    step "the route leads to the slave as master" await route_has_members Orders pair 0=slave
    step "to read only" queues_are Orders pair 4 4
    step "the NameServer tells the slave, which acts as master" await is_told "new 1-${broker_address[slave]}"
    step "the consumer gets every message, the rest from the slave" await has_received "$messages"
    step "the master starts again" start_broker 5.5.0 master
    step "the route leads to both again" await route_has_members Orders pair 0=master 1=slave
    step "to read and write" await queues_are Orders pair 6 4
    step "the NameServer tells the slave, which acts no more" await is_told "new 0-${broker_address[master]}"
    step "a Java client sends and receives" java_client 5.5.0 Orders
}

# The thread is the one for requests from outside: the slave was told (905), it did not ask.
is_told() { logged slave "AdminBrokerThread.*Min broker changed.*$1"; }
