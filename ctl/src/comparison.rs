//! Compares what NameServers say, one kind of thing after the other.

use crate::ask_error::Unanswered;
use crate::client::Way;
use crate::facts::{
    Difference, Facts, Kind, differences, of_brokers, of_clusters, of_configuration, of_presence, of_topic,
};
use crate::session::Server;

/// How many topics' routes are compared at once.
const TOPICS_AT_ONCE: usize = 64;

/// Compares the clusters, brokers and topics of servers, each reached in its own way, and passes on the differences.
///
/// # Errors
/// One of the servers cannot be asked. The differences found so far were passed on.
pub fn compare_routes(servers: &[(&str, &Way)], take: impl FnMut(Difference)) -> Result<(), Unanswered> {
    let mut servers =
        servers.iter().map(|(address, way)| Server::connect(address, way)).collect::<Result<Vec<_>, _>>()?;
    compare(&mut servers, |kind| kind != Kind::Config, take)
}

/// Compares servers and passes on the differences. It keeps nothing else, so even very many topics take little memory.
pub(crate) fn compare(
    servers: &mut [Server],
    is_wanted: impl Fn(Kind) -> bool,
    mut take: impl FnMut(Difference),
) -> Result<(), Unanswered> {
    if is_wanted(Kind::Cluster) || is_wanted(Kind::Broker) {
        let infos = of_each(servers, Server::ask_cluster_info)?;
        for (kind, of) in [(Kind::Cluster, of_clusters as fn(&_) -> Facts), (Kind::Broker, of_brokers)] {
            if is_wanted(kind) {
                differences(&infos.iter().map(of).collect::<Vec<_>>()).into_iter().for_each(&mut take);
            }
        }
    }
    if is_wanted(Kind::Topic) {
        compare_topics(servers, &mut take)?;
    }
    if is_wanted(Kind::Config) {
        let configurations = of_each(servers, |server| server.ask(|client| client.configuration()))?;
        differences(&configurations.iter().map(of_configuration).collect::<Vec<_>>()).into_iter().for_each(take);
    }
    Ok(())
}

fn of_each<T>(
    servers: &mut [Server],
    ask: impl FnMut(&mut Server) -> Result<T, Unanswered>,
) -> Result<Vec<T>, Unanswered> {
    servers.iter_mut().map(ask).collect()
}

/// Compares topics. A topic that a server lacks is one difference, not one for each broker. A server is only asked for
/// routes of topics that it has, because it lists topics that clients ask for in vain for its operators.
fn compare_topics(servers: &mut [Server], take: &mut impl FnMut(Difference)) -> Result<(), Unanswered> {
    let lists = of_each(servers, |server| server.ask(|client| client.topics()))?;
    let mut all: Vec<_> = lists.iter().flatten().collect();
    all.sort_unstable();
    all.dedup();
    for topics in all.chunks(TOPICS_AT_ONCE) {
        let is_common = |topic: &String| have_it(&lists, topic).all(|has_it| has_it);
        let common: Vec<_> = topics.iter().filter(|topic| is_common(topic)).collect();
        let routes = of_each(servers, |server| server.ask(|client| client.routes(&common)))?;
        let mut routes: Vec<_> = routes.into_iter().map(Vec::into_iter).collect();
        for topic in topics {
            let facts: Vec<_> = if is_common(topic) {
                let found: Vec<_> = routes.iter_mut().map(|routes| routes.next().flatten()).collect();
                if found.iter().all(Option::is_some) {
                    found.iter().flatten().map(|route| of_topic(topic, route)).collect()
                } else {
                    // The topic has gone since it was listed.
                    found.iter().map(|route| of_presence(topic, route.is_some())).collect()
                }
            } else {
                have_it(&lists, topic).map(|has_it| of_presence(topic, has_it)).collect()
            };
            differences(&facts).into_iter().for_each(&mut *take);
        }
    }
    Ok(())
}

/// For each of the servers with these lists, whether it has a topic.
fn have_it<'a>(lists: &'a [Vec<String>], topic: &'a String) -> impl Iterator<Item = bool> + 'a {
    lists.iter().map(|list| list.binary_search(topic).is_ok())
}
