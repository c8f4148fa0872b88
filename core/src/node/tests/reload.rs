//! Reloads of the configuration file.

use super::*;

fn read(file: &str) -> Box<Configuration> {
    Box::new(Configuration::new(&properties::parse(file.as_bytes()).unwrap()).unwrap().0)
}

fn listing(node: &mut Node) -> String {
    node.handle(ask_listing(), at(0));
    let outputs = drain(node);
    let reply =
        outputs.iter().find_map(|output| if let Output::Reply { frame, .. } = output { Some(frame) } else { None });
    String::from_utf8(reply.unwrap().to_vec()).unwrap()
}

fn configure(body: &str) -> Input {
    frame(1, 318, "", body.as_bytes())
}

#[test]
fn what_a_request_changed_stays() {
    let mut node = node("waitSecondsForService=1\ngone=1\n");
    let file = "waitSecondsForService=2\nenableTopicList=false\nmine=1\n";
    node.handle(configure("waitSecondsForService=3"), at(0));
    let saving = ticket(&drain(&mut node));
    node.handle(Input::Reload(read(file)), at(0));
    drain(&mut node);
    node.handle(Input::Saved { ticket: saving, result: Ok(()) }, at(0));
    drain(&mut node);
    for _ in 0..2 {
        let listing = listing(&mut node);
        for line in ["waitSecondsForService=3\n", "enableTopicList=false\n", "mine=1\n"] {
            assert!(listing.contains(line), "{line}: {listing}");
        }
        assert!(!listing.contains("gone"), "{listing}");
        node.handle(Input::Reload(read(file)), at(0));
        drain(&mut node);
    }
}
