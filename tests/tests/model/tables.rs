//! The tables of the server as plain maps, without an index, a fragment or a shortcut.

use namesrv_tests::registration::{Generation, Mapping, Registration, Topic, Version};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) address: String,
    pub(crate) cluster: String,
    pub(crate) ha_server: String,
    pub(crate) connection: usize,
    pub(crate) timeout: u64,
    pub(crate) deadline: u64,
    pub(crate) version: Option<Version>,
    pub(crate) filter_servers: Vec<String>,
    pub(crate) table_owed: bool,
    /// Later seats have greater numbers.
    pub(crate) seat: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) cluster: String,
    pub(crate) zone: Option<String>,
    pub(crate) acting: bool,
    pub(crate) members: BTreeMap<i64, Member>,
}

/// Read queues, write queues, permission, flags.
pub(crate) type Queue = (i32, i32, i32, i32);

/// What one step made the server do besides answering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    pub(crate) notified: BTreeSet<(String, Vec<(String, String)>)>,
    pub(crate) evicted: BTreeSet<(String, i64, String)>,
    pub(crate) closed: BTreeSet<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) now: u64,
    pub(crate) delete_unlisted: bool,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) topics: BTreeMap<String, BTreeMap<String, Queue>>,
    /// Topic, then the broker name that it is shown under: the group that it came from, and the mapping.
    pub(crate) mappings: BTreeMap<String, BTreeMap<String, (String, Mapping)>>,
    /// Seats by connection, in the order in which they came to it.
    pub(crate) connections: BTreeMap<usize, Vec<(String, i64)>>,
    pub(crate) effects: Effects,
    seats: u64,
}

const WRITE: i32 = 2;

impl Tables {
    /// The answer: its code, and the address of the master if it names one.
    pub(crate) fn register(&mut self, registration: &Registration, connection: usize) -> (i32, Option<String>) {
        let name = registration.broker.clone().unwrap();
        let cluster = registration.cluster.clone().unwrap();
        let address = registration.address.clone().unwrap();
        let id = registration.id.unwrap();
        let topics = registration.topics.clone().unwrap();
        let known = self.groups.get(&name).cloned().unwrap_or_default();
        let own = known.members.iter().find(|(_, member)| member.address == address).map(|(id, _)| *id);
        let holder = known.members.get(&id);
        if let Some(holder) = holder.filter(|holder| holder.address != address && holder.cluster == cluster)
            && let (Some(theirs), Some(ours)) = (holder.version, registration.version)
            && theirs.state > ours.state
        {
            if let Some(own) = own {
                self.leave(&name, own, true);
            }
            return (0, None);
        }
        if holder.is_none() && topics.len() == 1 {
            return (1, None);
        }
        let min_before = known.members.keys().next().copied().unwrap_or(0);
        let is_first = holder.is_none();
        let previous = own.and_then(|own| known.members.get(&own)).filter(|previous| previous.cluster == cluster);
        let stays = own == Some(id) && previous.is_some();
        self.seats += 1;
        let member = Member {
            address,
            ha_server: registration.ha_address.clone(),
            connection,
            timeout: registration.timeout.unwrap() as u64,
            deadline: self.now + registration.timeout.unwrap() as u64 + 1,
            version: registration.version,
            filter_servers: match &registration.filter_servers {
                Some(servers) => servers.clone(),
                None => previous.map(|previous| previous.filter_servers.clone()).unwrap_or_default(),
            },
            table_owed: !is_first
                && previous.is_some_and(|previous| {
                    let versions = previous.version.zip(registration.version);
                    let jumped = versions.is_some_and(|(before, after)| after.counter - before.counter > 1);
                    jumped || (previous.table_owed && topics.len() == 1)
                }),
            seat: if stays { holder.unwrap().seat } else { self.seats },
            cluster: cluster.clone(),
        };
        let group = self.groups.entry(name.clone()).or_default();
        if known.members.is_empty() {
            group.cluster = cluster;
        }
        group.acting = registration.generation == Generation::Five && registration.acting_master;
        group.zone = registration.zone.clone();
        if stays {
            if holder.unwrap().connection != connection {
                self.hang_up(&name, id, holder.unwrap().connection);
                self.connections.entry(connection).or_default().push((name.clone(), id));
            }
        } else {
            for seat in own.into_iter().chain(holder.map(|_| id)).collect::<BTreeSet<_>>() {
                self.effects.evicted.insert((name.clone(), seat, known.members[&seat].address.clone()));
                group.members.remove(&seat);
            }
            for seat in own.into_iter().chain(holder.map(|_| id)).collect::<BTreeSet<_>>() {
                self.hang_up(&name, seat, known.members[&seat].connection);
            }
            self.connections.entry(connection).or_default().push((name.clone(), id));
        }
        let group = self.groups.get_mut(&name).unwrap();
        group.members.insert(id, member);
        group.settle_cluster();
        let changed = previous.is_none_or(|previous| {
            previous.version.is_none() || previous.version != registration.version || previous.table_owed
        });
        self.apply(&name, registration, &topics, changed || is_first);
        if id < min_before {
            self.notify(&name, None, Some(registration.ha_address.clone()));
        }
        let group = &self.groups[&name];
        let master = group.members.get(&0).filter(|master| id != 0 && master.cluster == group.members[&id].cluster);
        (0, master.map(|master| format!("{} {}", master.address, master.ha_server)))
    }

    fn apply(&mut self, name: &str, registration: &Registration, topics: &[Topic], in_full: bool) {
        let id = registration.id.unwrap();
        let group = &self.groups[name];
        let is_prime =
            id != 0 && registration.generation == Generation::Five && group.members.keys().next() == Some(&id);
        if id != 0 && !is_prime {
            return;
        }
        if self.delete_unlisted && registration.mappings.is_empty() {
            for (topic, queues) in &mut self.topics {
                if topics.iter().all(|listed| listed.name != *topic) {
                    queues.remove(name);
                }
            }
        }
        for topic in topics {
            let perm = if is_prime && group.acting { topic.perm & !WRITE } else { topic.perm };
            let queue = (topic.read_queues, topic.write_queues, perm, topic.flags);
            let entry = self.topics.entry(topic.name.clone()).or_default().entry(name.to_owned());
            entry.and_modify(|known| *known = if in_full { queue } else { *known }).or_insert(queue);
        }
        self.topics.retain(|_, queues| !queues.is_empty());
        for mapping in registration.mappings.iter().filter(|_| in_full) {
            let shown = self.mappings.entry(mapping.topic.clone()).or_default();
            shown.insert(name.to_owned(), (name.to_owned(), mapping.clone()));
        }
    }

    fn hang_up(&mut self, name: &str, id: i64, connection: usize) {
        let seats = self.connections.entry(connection).or_default();
        seats.retain(|seat| *seat != (name.to_owned(), id));
    }

    fn leave(&mut self, name: &str, id: i64, evicted: bool) {
        let group = self.groups.get_mut(name).unwrap();
        let min_before = *group.members.keys().next().unwrap();
        let member = group.members.remove(&id).unwrap();
        group.settle_cluster();
        let (is_empty, acting, has_master) = (group.members.is_empty(), group.acting, group.members.contains_key(&0));
        self.hang_up(name, id, member.connection);
        if evicted {
            self.effects.evicted.insert((name.to_owned(), id, member.address.clone()));
        }
        if is_empty {
            self.groups.remove(name);
            self.topics.values_mut().for_each(|queues| queues.retain(|group, _| group != name));
            self.topics.retain(|_, queues| !queues.is_empty());
            self.mappings.values_mut().for_each(|shown| shown.retain(|_, (owner, _)| owner != name));
            return;
        }
        if acting && !has_master {
            self.topics.values_mut().filter_map(|queues| queues.get_mut(name)).for_each(|queue| queue.2 &= !WRITE);
        }
        if acting && min_before == id {
            self.notify(name, Some(member.address), None);
        }
    }

    fn notify(&mut self, name: &str, offline: Option<String>, ha_server: Option<String>) {
        let members = &self.groups[name].members;
        let (min_id, min) = members.first_key_value().unwrap();
        let everybody = offline.is_some() || members.len() == 1;
        let mut fields =
            vec![("minBrokerAddr".to_owned(), min.address.clone()), ("minBrokerId".to_owned(), min_id.to_string())];
        fields.extend(offline.map(|address| ("offlineBrokerAddr".to_owned(), address)));
        fields.extend(ha_server.map(|address| ("haBrokerAddr".to_owned(), address)));
        fields.sort();
        for (id, member) in members {
            if everybody || id != min_id {
                self.effects.notified.insert((member.address.clone(), fields.clone()));
            }
        }
    }

    pub(crate) fn unregister(&mut self, name: &str, cluster: &str, address: &str) {
        let Some(group) = self.groups.get(name) else { return };
        let found = group.members.iter().find(|(_, member)| member.address == address && member.cluster == cluster);
        if let Some(id) = found.map(|(id, _)| *id) {
            self.leave(name, id, false);
        }
    }

    /// Whom a heartbeat is from, the latest last, with the versions that are known of them and whether a table is owed.
    pub(crate) fn hear(&mut self, name: &str, cluster: &str, address: &str) -> Vec<(Option<Version>, bool)> {
        let of_name = |group: &Group| {
            let mut members = group.members.values();
            members.any(|member| member.cluster == cluster && member.address == address)
        };
        let only = self.groups.get(name).is_some_and(of_name);
        let now = self.now;
        let mut heard = BTreeMap::new();
        for (group, Group { members, .. }) in &mut self.groups {
            for member in members.values_mut() {
                if member.cluster == cluster && member.address == address && (!only || group == name) {
                    member.deadline = now + member.timeout + 1;
                    heard.insert(member.seat, (member.version, member.table_owed));
                }
            }
        }
        heard.into_values().collect()
    }

    pub(crate) fn disconnect(&mut self, connection: usize) {
        for (name, id) in self.connections.remove(&connection).unwrap_or_default() {
            self.leave(&name, id, true);
        }
    }

    pub(crate) fn advance(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            let seats = self.groups.iter().flat_map(|(name, group)| {
                group.members.iter().map(move |(id, member)| (member.deadline, name.clone(), *id))
            });
            let Some((deadline, name, id)) = seats.min().filter(|(deadline, ..)| *deadline <= end) else { break };
            self.now = self.now.max(deadline);
            let connection = self.groups[&name].members[&id].connection;
            self.leave(&name, id, true);
            if self.connections[&connection].is_empty() {
                self.effects.closed.insert(connection);
            }
        }
        self.now = end;
    }

    pub(crate) fn change_permission(&mut self, name: &str, writable: bool) -> usize {
        if let Some(group) = self.groups.get_mut(name) {
            group.members.values_mut().for_each(|member| member.table_owed = false);
        }
        let queues = self.topics.values_mut().filter_map(|queues| queues.get_mut(name));
        queues.map(|queue| queue.2 = if writable { 6 } else { queue.2 & !WRITE }).count()
    }

    pub(crate) fn delete_topic(&mut self, topic: &str, cluster: Option<&str>) {
        let groups = &self.groups;
        let is_meant = |name: &String| {
            let mut members = groups[name].members.values();
            cluster.is_none_or(|cluster| members.any(|member| member.cluster == cluster))
        };
        if let Some(queues) = self.topics.get_mut(topic) {
            queues.retain(|name, _| !is_meant(name));
        }
        self.topics.retain(|_, queues| !queues.is_empty());
    }

    pub(crate) fn register_topic(&mut self, topic: &str, entries: &[(String, Queue)]) {
        let known = |entry: &&(String, Queue)| self.groups.contains_key(&entry.0);
        if !self.topics.contains_key(topic) && !entries.iter().all(|entry| known(&entry)) {
            return;
        }
        let entries: Vec<_> = entries.iter().take_while(known).cloned().collect();
        if !entries.is_empty() {
            self.topics.entry(topic.to_owned()).or_default().extend(entries);
        }
    }

    pub(crate) fn route(&self, topic: &str, zone: Option<&str>) -> Option<Value> {
        let mut broker_datas = Vec::new();
        let mut queue_datas = Vec::new();
        let mut filters = Map::new();
        for (name, (read, write, perm, flags)) in self.topics.get(topic)? {
            let group = &self.groups[name];
            let mut ids: Vec<_> = group.members.keys().copied().collect();
            if group.acting && ids[0] != 0 && perm & WRITE == 0 {
                ids[0] = 0;
            }
            if zone.is_some_and(|zone| ids[0] == 0 && group.zone.as_deref() != Some(zone)) {
                continue;
            }
            broker_datas.push(group.json(name, &ids));
            queue_datas.push(json!({
                "brokerName": name, "perm": perm, "readQueueNums": read, "topicSysFlag": flags, "writeQueueNums": write,
            }));
            for member in group.members.values().filter(|member| !member.filter_servers.is_empty()) {
                filters.insert(member.address.clone(), json!(member.filter_servers));
            }
        }
        let mut route = json!({ "brokerDatas": broker_datas, "filterServerTable": filters, "queueDatas": queue_datas });
        if let Some(shown) = self.mappings.get(topic).filter(|shown| !shown.is_empty()) {
            route["topicQueueMappingByBroker"] = shown
                .iter()
                .map(|(name, (_, mapping))| {
                    let ids: Map<_, _> =
                        mapping.queues.iter().map(|(global, local)| (global.to_string(), json!(local))).collect();
                    let value = json!({
                        "bname": name, "currIdMap": ids, "dirty": false, "epoch": mapping.epoch, "scope": "__global__",
                        "topic": mapping.topic, "totalQueues": mapping.total_queues,
                    });
                    (name.clone(), value)
                })
                .collect::<Map<_, _>>()
                .into();
        }
        Some(route)
    }

    pub(crate) fn clusters(&self) -> Value {
        let mut clusters: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut groups = Map::new();
        for (name, group) in &self.groups {
            let ids: Vec<_> = group.members.keys().copied().collect();
            groups.insert(name.clone(), group.json(name, &ids));
            for member in group.members.values() {
                clusters.entry(&member.cluster).or_default().insert(name);
            }
        }
        json!({ "brokerAddrTable": groups, "clusterAddrTable": clusters })
    }

    pub(crate) fn topics_of_cluster(&self, cluster: &str) -> Vec<&str> {
        let in_cluster = |name: &String| self.groups[name].members.values().any(|member| member.cluster == cluster);
        let topics = self.topics.iter().filter(|(_, queues)| queues.keys().any(in_cluster));
        topics.map(|(topic, _)| topic.as_str()).collect()
    }
}

impl Group {
    /// The cluster is that of the first registration, as long as somebody of it is there.
    fn settle_cluster(&mut self) {
        if let Some(first) = self.members.values().next()
            && self.members.values().all(|member| member.cluster != self.cluster)
        {
            self.cluster = first.cluster.clone();
        }
    }

    fn json(&self, name: &str, ids: &[i64]) -> Value {
        let addresses: Map<_, _> =
            ids.iter().zip(self.members.values()).map(|(id, member)| (id.to_string(), json!(member.address))).collect();
        let mut json = json!({
            "brokerAddrs": addresses, "brokerName": name, "cluster": self.cluster, "enableActingMaster": self.acting,
        });
        if let Some(zone) = &self.zone {
            json["zoneName"] = json!(zone);
        }
        json
    }
}
