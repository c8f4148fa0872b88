//! The questions that NameServers answer, this implementation's and Java's, with their answers.

use crate::answer::Answer;
use crate::ask_error::AskError;
use crate::bodies::{ClusterInfo, Route, configuration, kv_table, topics};
use crate::client::{Client, Question};
use namesrv_core::connection::HEALTH_TOPIC;
use namesrv_core::wire::code::{request, response};
use std::collections::BTreeMap;

/// How many questions are sent before reading the first answer: they fit into any socket's buffer.
const TOGETHER: usize = 64;

impl Client {
    /// Asks for all broker groups and clusters (106).
    pub(crate) fn cluster_info(&mut self) -> Result<ClusterInfo, AskError> {
        let answer = self.ask(Question::new(request::GET_BROKER_CLUSTER_INFO))?;
        ClusterInfo::parse(&answer.body)
    }

    /// Asks for the names of all topics (206), in order.
    pub(crate) fn topics(&mut self) -> Result<Vec<String>, AskError> {
        let answer = self.ask(Question::new(request::GET_ALL_TOPIC_LIST_FROM_NAMESERVER))?;
        topics(&answer.body)
    }

    /// Asks for the route of a topic (105); `None` if the server has none.
    pub(crate) fn route(&mut self, topic: &str) -> Result<Option<Route>, AskError> {
        let routes = self.routes(&[topic])?;
        Ok(routes.into_iter().next().flatten())
    }

    /// Asks for the routes of several topics.
    pub(crate) fn routes(&mut self, topics: &[impl AsRef<str>]) -> Result<Vec<Option<Route>>, AskError> {
        let mut routes = Vec::with_capacity(topics.len());
        for topics in topics.chunks(TOGETHER) {
            let questions = topics.iter().map(|topic| route_of(topic.as_ref())).collect();
            for answer in self.ask_all(questions)? {
                routes.push(match answer {
                    Answer { code: response::SUCCESS, body, .. } => Some(Route::parse(&body)?),
                    Answer { code: response::TOPIC_NOT_EXIST, .. } => None,
                    Answer { code, remark, .. } => return Err(AskError::Code { code, remark }),
                });
            }
        }
        Ok(routes)
    }

    /// Asks for the configuration (319).
    pub(crate) fn configuration(&mut self) -> Result<BTreeMap<String, String>, AskError> {
        let answer = self.ask(Question::new(request::GET_NAMESRV_CONFIG))?;
        configuration(&answer.body)
    }

    /// Asks for the entries of a KV namespace (219); `None` if it does not exist.
    pub(crate) fn kv_table(&mut self, namespace: &str) -> Result<Option<BTreeMap<String, String>>, AskError> {
        let question = Question::new(request::GET_KVLIST_BY_NAMESPACE).field("namespace", namespace);
        match self.ask(question) {
            Ok(answer) => kv_table(&answer.body).map(Some),
            Err(error) if error.is_code(response::QUERY_NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the value of a KV entry (101); `None` if it does not exist.
    pub(crate) fn kv_value(&mut self, namespace: &str, key: &str) -> Result<Option<String>, AskError> {
        let question = Question::new(request::GET_KV_CONFIG).field("namespace", namespace).field("key", key);
        match self.ask(question) {
            // In a binary header an empty value looks like no value.
            Ok(answer) => Ok(Some(answer.value.unwrap_or_default())),
            Err(error) if error.is_code(response::QUERY_NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the route of a topic that cannot exist. A server that answers that there is no route would also answer
    /// with one.
    ///
    /// # Errors
    /// Why the server does not serve.
    pub fn check_health(&mut self) -> Result<(), AskError> {
        let answers = self.ask_all(vec![route_of(HEALTH_TOPIC)])?;
        match answers.into_iter().next() {
            Some(Answer { code: response::TOPIC_NOT_EXIST, .. }) => Ok(()),
            Some(Answer { code, remark, .. }) => Err(AskError::Code { code, remark }),
            None => Err(AskError::NoAnswer),
        }
    }
}

fn route_of(topic: &str) -> Question<'_> {
    Question::new(request::GET_ROUTEINFO_BY_TOPIC).field("topic", topic)
}
