//! Who may send what, as the model knows it: all clients are on one host, so a broker may say everything about itself.

use super::storage::Remark;
use super::tables::{Member, Tables};
use crate::step::{Access, Content, Message, Signer};

/// What users may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Reader,
    Broker,
    Administrator,
}

/// The remark of the refusal of a request, or `None` if it is served.
pub(super) fn refuse(access: Access, tables: &mut Tables, asked: &Message) -> Option<Remark> {
    let code = asked.content.code();
    if access != Access::Open && is_about_kept(tables, &asked.content) {
        tables.tell(format!("refused {code}: not-the-owner"));
        return Some(Remark::Any);
    }
    let needed = needed(access, tables, code, asked.connection)?;
    let (role, user) = match asked.signer {
        None => return Some(refused(tables, code, "no-user", "username cannot be null.")),
        Some(Signer::Stranger) => return Some(refused(tables, code, "unknown-user", "User:nobody is not found.")),
        Some(Signer::Guesser) => return Some(refused(tables, code, "bad-signature", "check signature failed.")),
        Some(Signer::Reader) => (Role::Reader, "reader"),
        Some(Signer::Broker) => (Role::Broker, "broker"),
        Some(Signer::Administrator | Signer::Rotating) => (Role::Administrator, "ops"),
    };
    if role < needed {
        let permission = "has no permission to access Cluster:* from 127.0.0.1, no matched policies.";
        return Some(refused(tables, code, "no-role", &format!("User:{user} {permission}")));
    }
    if asked.signer == Some(Signer::Rotating) {
        tables.tell("event: rotating signs with the previous secret");
    }
    None
}

/// Whether a request is about a broker that only a snapshot knows, so that no client is its owner.
fn is_about_kept(tables: &Tables, content: &Content) -> bool {
    let groups = &tables.groups;
    match content {
        Content::Unregister(broker) => {
            let members = groups.get(&broker.group).into_iter().flat_map(|group| group.members.values());
            let mut named = members.filter(|member| member.address == broker.address);
            named.any(|member| member.cluster == broker.cluster && !member.is_heard())
        }
        Content::RegisterTopic { entries, .. } => {
            let mut known = entries.iter().filter_map(|(name, _)| groups.get(name));
            known.any(|group| !group.members.values().any(Member::is_heard))
        }
        _ => false,
    }
}

fn needed(access: Access, tables: &Tables, code: i32, connection: usize) -> Option<Role> {
    match code {
        100 | 102 | 205 | 216 | 318 | 327 if access != Access::Open => Some(Role::Administrator),
        101 | 219 | 319 if access == Access::ChangesAndReads => {
            let members = tables.groups.values().flat_map(|group| group.members.values());
            let is_broker = members.into_iter().any(|member| member.connection == Some(connection));
            (!is_broker).then_some(Role::Reader)
        }
        _ => None,
    }
}

fn refused(tables: &mut Tables, code: i32, cause: &str, remark: &str) -> Remark {
    tables.tell(format!("refused {code}: {cause}"));
    Remark::Exactly(remark.to_owned())
}
