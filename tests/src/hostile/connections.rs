//! Connections without number.

use super::siege::{Episode, Siege};
use crate::peer::{Crowd, Peer, cluster_info};

pub(super) fn episodes() -> Vec<Episode> {
    vec![
        Episode::new("opened_and_closed", 8, |siege| flood(siege, drop)),
        Episode::new("opened_and_reset", 8, |siege| flood(siege, Peer::reset)),
        Episode::new("opened_asked_and_reset", 8, |siege| {
            flood(siege, |mut peer| {
                peer.send(&cluster_info());
                peer.reset();
            });
        }),
        Episode::new("begun_and_abandoned", 32, abandoned),
        Episode::new("one_peer_takes_them_all", 16, take_all).with("connectionsMax", "500").lines(2),
    ]
}

fn flood(siege: &Siege<'_>, end: impl Fn(Peer)) {
    for _ in 0..siege.scaled(2000, 50_000) {
        end(siege.peer());
    }
}

/// Connections that nobody waits for.
fn abandoned(siege: &Siege<'_>) {
    let crowd = Crowd::gather(2000);
    let peers: Vec<_> = (0..crowd.connections).map(|_| Peer::begin_to_connect(siege.server.address())).collect();
    drop(peers);
}

/// Clients that were connected before are still served. New ones are closed at once, until one of the others leaves.
fn take_all(siege: &Siege<'_>) {
    let _crowd = Crowd::gather(1000);
    let mut first = siege.peer();
    assert_eq!(first.ask(&cluster_info()).code, 0);
    let peers = siege.peers(600);
    siege.server.eventually(|| siege.server.log().contains("closed at once"));
    assert_eq!(first.ask(&cluster_info()).code, 0);
    drop(peers);
    siege.server.eventually(|| {
        let mut fresh = siege.peer();
        fresh.try_write(&cluster_info().encode()).is_ok() && fresh.next().is_some()
    });
}
