//! A large registration arrives in small pieces in a hundred seconds, on a server that closes silent connections after
//! thirty.

use super::Story;
use super::stage::EAST;
use crate::registration::{Registration, Topic};
use crate::simulation::cluster::Cluster;
use crate::simulation::ledger::Told;
use crate::step::Content;

pub(super) fn play(cluster: &mut Cluster) -> Story {
    cluster.add_server("ns", EAST, &[("serverChannelMaxIdleTimeSeconds", "30")]);
    let puppet = cluster.with_puppet("puppet");
    cluster.start_all()?;

    let topics = (0..2000).map(|number| Topic::new(&format!("T{number}"))).collect();
    let registration = Registration { topics: Some(topics), ..Registration::new("a", 0) };
    let told = Told::OfRoutes(Content::Register(Box::new(registration.clone())));
    let Some((socket, frame)) = cluster.actor(puppet).compose(0, registration.request(), told, None) else {
        panic!("there is no connection");
    };
    for piece in frame.chunks(frame.len() / 10 + 1) {
        cluster.assert_known(0, &[]);
        cluster.simulator.send_bytes(socket, piece.to_vec());
        cluster.seconds(10)?;
    }
    cluster.assert_known(0, &["a.0"]);
    assert_eq!(cluster.count("103→0"), 1);
    Ok(())
}
