//! Who is registered with a server, as it says itself.

use crate::answer::Answer;
use crate::plain_json::{Json, bare};
use crate::request::Request;
use crate::server::{Reaction, Server};

/// The connection of everything that is not part of a sequence.
pub(super) const OBSERVER: &str = "observer";

/// The answer to GET_BROKER_CLUSTER_INFO.
#[derive(Clone, Debug)]
pub struct Clusters(Json);

/// One registration: cluster of its group, name, identifier, address.
pub type Member = (String, String, String, String);

impl Clusters {
    /// Asks a server.
    pub fn of(server: &mut impl Server) -> Self {
        Self::read(&server.exchange(OBSERVER, &Request::new(106).encode()))
    }

    /// Reads an answer.
    pub fn read(reaction: &Reaction) -> Self {
        Self(body(reaction))
    }

    /// Nobody, and nothing left of anybody.
    pub fn is_empty(&self) -> bool {
        ["brokerAddrTable", "clusterAddrTable"].into_iter().all(|table| self.table(table).is_empty())
    }

    /// Every member of every group.
    pub fn members(&self) -> Vec<Member> {
        let mut members = Vec::new();
        for (name, group) in self.table("brokerAddrTable") {
            let cluster = group.member("cluster").map(unescaped).unwrap_or_default();
            for (id, address) in group.member("brokerAddrs").into_iter().flat_map(Json::members) {
                members.push((
                    cluster.clone(),
                    unescaped(&Json::Text(bare(name).to_owned())),
                    id.clone(),
                    unescaped(address),
                ));
            }
        }
        members
    }

    /// Every name of a group that a cluster lists, or that has no member: cluster and name.
    pub fn names(&self) -> Vec<(String, String)> {
        let text = |key: &str| unescaped(&Json::Text(bare(key).to_owned()));
        let mut names = Vec::new();
        for (cluster, listed) in self.table("clusterAddrTable") {
            names.extend(listed.elements().iter().map(|name| (text(cluster), unescaped(name))));
        }
        for (name, group) in self.table("brokerAddrTable") {
            names.push((group.member("cluster").map(unescaped).unwrap_or_default(), text(name)));
        }
        names
    }

    fn table(&self, name: &str) -> &[(String, Json)] {
        self.0.member(name).map_or(&[], Json::members)
    }
}

/// The names in a list of topics.
pub(super) fn topics(reaction: &Reaction) -> Vec<String> {
    body(reaction).member("topicList").into_iter().flat_map(Json::elements).map(unescaped).collect()
}

/// The keys of a namespace of the KV table.
pub(super) fn keys(reaction: &Reaction) -> Vec<String> {
    let table = body(reaction);
    let members = table.member("table").map_or(&[][..], Json::members);
    members.iter().map(|(key, _)| unescaped(&Json::Text(bare(key).to_owned()))).collect()
}

fn body(reaction: &Reaction) -> Json {
    match reaction {
        Reaction::Answer(frame) => {
            let answer = Answer::decode(frame).expect("an answer");
            Json::parse(&answer.text()).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
        }
        Reaction::Silent | Reaction::Closed => panic!("a question is not answered"),
    }
}

/// A string as it was before it was written.
fn unescaped(text: &Json) -> String {
    serde_json::from_str(&text.to_string()).unwrap_or_default()
}
