//! Secrets that are being replaced: who still signs with the previous one.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_core::event::Event;
use namesrv_tests::access::{ADMIN_HOST, PREVIOUS_SECRET, SECRET, request, world};

/// Only where the request would be refused, or would not count, without the previous secret.
#[test]
fn the_operator_learns_who_counts_on_a_previous_secret() {
    let on = "authenticationEnabled=true\n";
    for (file, counted) in [
        ("", &[][..]),
        ("authenticationEnabled=true\naccessControl=observe\n", &[100, 103][..]),
        (on, &[100]),
        ("authenticationEnabled=true\nauthenticationWhitelist=100\n", &[]),
        ("authenticationEnabled=true\nreadsNeedSignature=true\n", &[100, 106, 319]),
        ("authenticationEnabled=true\naccessControl=strict\n", &[100, 103]),
    ] {
        for secret in [SECRET, PREVIOUS_SECRET] {
            let mut world = world(file);
            for code in [100, 103, 105, 106, 319] {
                let name = code.to_string();
                world.connect_from(&name, ADMIN_HOST);
                assert_ne!(world.ask(&name, &request(code).signed("rotating", secret)).unwrap().code, 16);
            }
            let events = world.take_events();
            let used = events.iter().filter_map(|event| {
                let Event::PreviousSecretUsed { user, code, .. } = event else { return None };
                Some((&**user, *code))
            });
            let expected = counted.iter().filter(|_| secret == PREVIOUS_SECRET).map(|code| ("rotating", *code));
            assert_eq!(used.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{file}");
        }
    }
}
