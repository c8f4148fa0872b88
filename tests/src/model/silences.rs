//! How long everybody has been silent, and what nobody has repeated since a restart, reckoned from what was sent.

use super::kept::WITHIN_MILLIS;
use super::limits::TOPICS_MAX;
use super::observation::{Member, Observation};
use super::registering::arriving_topics;
use crate::step::{Broker, Content, Message};
use namesrv_core::event::Event;
use std::collections::{BTreeMap, BTreeSet};

/// How long everybody has been silent, reckoned from what was sent.
#[derive(Debug, Default)]
pub(crate) struct Silences {
    pub(super) current: BTreeMap<Member, Silence>,
    /// As of the step before, and of this one where there is more to know.
    pub(super) former: BTreeMap<Member, Silence>,
    pub(super) only_signs_of_life: bool,
    /// After a restart: when what is from a snapshot ends, and the entries (group, topic) that were named since.
    pub(super) restarted: Option<(u64, BTreeSet<(String, String)>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Silence {
    pub(super) cluster: String,
    /// Not before, and not after, the last sign of life that the server had to hear.
    pub(super) surely_heard: u64,
    pub(super) perhaps_heard: u64,
    /// Milliseconds that the broker asked for.
    pub(super) granted: u64,
    /// Milliseconds that the server was late since.
    pub(super) late: u64,
    /// When it is gone at the latest: it is from a snapshot.
    pub(super) kept_until: Option<u64>,
}

impl Silences {
    pub(crate) fn note<'a>(&mut self, now: u64, asked: impl Iterator<Item = &'a Message>, observation: &Observation) {
        let asked: Vec<_> = asked.collect();
        let is_sign = |asked: &&Message| {
            matches!(asked.content, Content::Heartbeat(_) | Content::QueryVersion { .. } | Content::ShowConfiguration)
        };
        self.only_signs_of_life = !asked.is_empty()
            && asked.iter().all(is_sign)
            && !observation.told.iter().any(|line| line.contains("late") || line.contains("expired"));
        let shown = &observation.after.members;
        for event in &observation.events {
            if let Event::Late { by } = event {
                self.current
                    .values_mut()
                    .filter(|silence| silence.perhaps_heard < now)
                    .for_each(|silence| silence.late += by.as_millis() as u64);
                let ends = self.current.values_mut().filter_map(|silence| silence.kept_until.as_mut());
                let ends = ends.chain(self.restarted.as_mut().map(|(until, _)| until));
                ends.for_each(|until| *until += by.as_millis() as u64);
            }
        }
        self.note_named(&asked);
        for asked in asked {
            match &asked.content {
                Content::Register(registration)
                    if asked.defect.is_none()
                        && arriving_topics(registration).is_some_and(|topics| topics.len() <= TOPICS_MAX) =>
                {
                    let (Some(name), Some(id), Some(address)) =
                        (&registration.broker, registration.id, &registration.address)
                    else {
                        continue;
                    };
                    let Some(cluster) = &registration.cluster else { continue };
                    let timeout = registration.timeout.unwrap_or(120_000);
                    let granted = if timeout == i64::MAX { 0 } else { timeout.max(0) as u64 };
                    let silence = Silence {
                        cluster: cluster.clone(),
                        surely_heard: now,
                        perhaps_heard: now,
                        granted,
                        late: 0,
                        kept_until: None,
                    };
                    let member = (name.clone(), id, address.clone());
                    if shown.contains(&member) {
                        self.current.insert(member, silence);
                    } else {
                        // It may have been there for a moment.
                        self.former.insert(member, silence);
                    }
                }
                Content::Heartbeat(broker) | Content::QueryVersion { broker, .. } => self.renew(broker, now),
                _ => (),
            }
        }
        let gone = |(member, silence): (&Member, &Silence)| {
            (!shown.contains(member)).then(|| (member.clone(), silence.clone()))
        };
        let gone: Vec<_> = self.current.iter().filter_map(gone).collect();
        self.former.extend(gone);
        self.current.retain(|member, _| shown.contains(member));
    }

    /// The server started again, and shows what its snapshot holds.
    pub(crate) fn restart(&mut self, now: u64, observation: &Observation) {
        let until = now + WITHIN_MILLIS;
        let known = std::mem::take(&mut self.current);
        self.former.extend(known);
        let kept = observation.after.members.iter().map(|member| {
            let before = self.former[member].clone();
            let kept = Silence { surely_heard: now, perhaps_heard: now, late: 0, kept_until: Some(until), ..before };
            (member.clone(), kept)
        });
        self.current = kept.collect();
        self.restarted = Some((until, BTreeSet::new()));
    }

    /// Notes which entries somebody names.
    fn note_named(&mut self, asked: &[&Message]) {
        let Some((_, named)) = &mut self.restarted else { return };
        for asked in asked {
            match &asked.content {
                Content::Register(registration) => {
                    let group = registration.broker.clone().unwrap_or_default();
                    let topics = registration.topics.iter().flatten();
                    named.extend(topics.map(|topic| (group.clone(), topic.name.clone())));
                }
                Content::RegisterTopic { topic, entries } => {
                    named.extend(entries.iter().map(|(group, _)| (group.clone(), topic.clone())));
                }
                _ => (),
            }
        }
    }

    fn renew(&mut self, broker: &Broker, now: u64) {
        for ((name, _, at), silence) in &mut self.current {
            if *at == broker.address && silence.cluster == broker.cluster {
                silence.perhaps_heard = now;
                silence.late = 0;
                if *name == broker.group {
                    silence.surely_heard = now;
                }
            }
        }
    }
}
