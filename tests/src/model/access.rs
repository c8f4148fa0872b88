//! Who may send what, as the model knows it: all clients are on one host, so a broker may say everything about itself.

use super::server::Server;
use super::storage::Remark;
use crate::step::{Access, Message, Signer};

/// What users may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Reader,
    Broker,
    Administrator,
}

impl Server {
    /// The remark of the refusal of a request, or `None` if it is served.
    pub(super) fn refuse(&mut self, asked: &Message) -> Option<Remark> {
        let code = asked.content.code();
        let needed = self.needed(code, asked.connection)?;
        let (role, user) = match asked.signer {
            None => return Some(self.refused(code, "no-user", "username cannot be null.")),
            Some(Signer::Stranger) => return Some(self.refused(code, "unknown-user", "User:nobody is not found.")),
            Some(Signer::Guesser) => return Some(self.refused(code, "bad-signature", "check signature failed.")),
            Some(Signer::Reader) => (Role::Reader, "reader"),
            Some(Signer::Broker) => (Role::Broker, "broker"),
            Some(Signer::Administrator | Signer::Rotating) => (Role::Administrator, "ops"),
        };
        if role < needed {
            let permission = "has no permission to access Cluster:* from 127.0.0.1, no matched policies.";
            return Some(self.refused(code, "no-role", &format!("User:{user} {permission}")));
        }
        if asked.signer == Some(Signer::Rotating) {
            self.tables.tell("event: rotating signs with the previous secret");
        }
        None
    }

    fn needed(&self, code: i32, connection: usize) -> Option<Role> {
        match code {
            100 | 102 | 205 | 216 | 318 | 327 if self.access != Access::Open => Some(Role::Administrator),
            101 | 219 | 319 if self.access == Access::ChangesAndReads => {
                let members = self.tables.groups.values().flat_map(|group| group.members.values());
                let is_broker = members.into_iter().any(|member| member.connection == connection);
                (!is_broker).then_some(Role::Reader)
            }
            _ => None,
        }
    }

    fn refused(&mut self, code: i32, cause: &str, remark: &str) -> Remark {
        self.tables.tell(format!("refused {code}: {cause}"));
        Remark::Exactly(remark.to_owned())
    }
}
