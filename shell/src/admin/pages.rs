//! The paths of the second port, and the functions that answer them.

use super::listeners::{Listener, Scope};
use super::site::{Call, Demand, Found, Site};
use super::{api, connections, events, health, metrics, nsaddr, status};
use crate::http::{Answer, Request, Response, Status};
use std::borrow::Cow;

/// One path.
struct Page {
    path: &'static str,
    /// The character between the path and a name, if a name may follow.
    separator: Option<char>,
    /// The narrowest scope that shows it.
    scope: Scope,
    respond: fn(&Site, &Call<'_>) -> Answer<Demand>,
}

const PAGES: &[Page] = &[
    Page { path: "/", separator: None, scope: Scope::Everything, respond: status::redirect },
    Page { path: "/status", separator: None, scope: Scope::Everything, respond: status::status },
    Page { path: "/livez", separator: Some('/'), scope: Scope::Metrics, respond: health::live },
    Page { path: "/readyz", separator: Some('/'), scope: Scope::Metrics, respond: health::ready },
    Page { path: "/startupz", separator: None, scope: Scope::Metrics, respond: health::started },
    Page { path: "/health", separator: None, scope: Scope::Metrics, respond: health::ready },
    Page { path: "/healthz", separator: None, scope: Scope::Metrics, respond: health::ready },
    Page { path: "/metrics", separator: None, scope: Scope::Metrics, respond: metrics::metrics },
    Page { path: "/api/v1/summary", separator: None, scope: Scope::Everything, respond: api::summary },
    Page { path: "/api/v1/brokers", separator: None, scope: Scope::Everything, respond: api::brokers },
    Page { path: "/api/v1/topics", separator: Some('/'), scope: Scope::Everything, respond: api::topic },
    Page { path: "/api/v1/config", separator: None, scope: Scope::Everything, respond: api::config },
    Page { path: "/api/v1/connections", separator: None, scope: Scope::Everything, respond: connections::connections },
    Page { path: "/api/v1/errors", separator: None, scope: Scope::Everything, respond: connections::errors },
    Page { path: "/api/v1/misses", separator: None, scope: Scope::Everything, respond: connections::misses },
    Page { path: "/api/v1/digest", separator: None, scope: Scope::Everything, respond: api::digest },
    Page { path: "/api/v1/events", separator: None, scope: Scope::Everything, respond: events::events },
    Page { path: "/api/v1/nsaddr", separator: None, scope: Scope::Everything, respond: nsaddr::members },
    Page { path: "/api/v1/drift", separator: None, scope: Scope::Everything, respond: nsaddr::drift },
    Page { path: "/rocketmq/nsaddr", separator: Some('-'), scope: Scope::NameServers, respond: nsaddr::nsaddr },
];

/// Stands for all paths without a page when requests are counted.
const OTHER: &str = "other";

/// Answers a request that this listener received, with the results from other threads.
pub(super) fn respond(site: &Site, request: &Request, listener: &Listener, found: Option<&Found>) -> Answer<Demand> {
    let (path, answer) = if listener.serves(request.host.as_deref(), &site.settings.admin_hosts) {
        match find(request, listener.scope, found) {
            Some((page, call)) => (page.path, (page.respond)(site, &call)),
            None => (OTHER, Answer::Now(no_such_path(listener.scope))),
        }
    } else {
        let text = "this host is not served here: ask for an address, or list the name in adminHosts";
        (OTHER, Answer::Now(Response::text(Status::MisdirectedRequest, text)))
    };
    match &answer {
        Answer::Now(response) | Answer::Endless(response, _) => site.count(path, response.status.code()),
        Answer::After(_) => {}
    }
    answer
}

fn find<'a>(request: &'a Request, scope: Scope, found: Option<&'a Found>) -> Option<(&'static Page, Call<'a>)> {
    shown(scope).find_map(|page| Some((page, Call { request, found, name: page.name(request)? })))
}

fn shown(scope: Scope) -> impl Iterator<Item = &'static Page> {
    PAGES.iter().filter(move |page| scope.shows(page.scope))
}

impl Page {
    /// Returns the name behind the path, if the request is for this page.
    fn name<'a>(&self, request: &'a Request) -> Option<Option<Cow<'a, str>>> {
        if request.path == self.path {
            return Some(None);
        }
        let is_separate = request.path.strip_prefix(self.path)?.starts_with(self.separator?);
        let prefix = request.path.get(..=self.path.len())?;
        request.name_after(prefix).filter(|_| is_separate).map(Some)
    }
}

fn no_such_path(scope: Scope) -> Response {
    let paths: Vec<_> = shown(scope).map(|page| page.path).collect();
    Response::text(Status::NotFound, format!("there is no such path, only:\n{}", paths.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    #[test]
    fn paths_are_found_with_what_stands_behind_them() {
        let found = |path: &str, scope| {
            let path = path.to_owned();
            let (query, accept) = (String::new(), String::new());
            let request = Request { method: Method::Get, path, query, host: None, accept, keeps_alive: true };
            find(&request, scope, None).map(|(page, call)| (page.path, call.name.map(Cow::into_owned)))
        };
        let everything = |path| found(path, Scope::Everything);
        assert_eq!(everything("/livez"), Some(("/livez", None)));
        assert_eq!(everything("/livez/io-0"), Some(("/livez", Some("io-0".to_owned()))));
        assert_eq!(everything("/livez/a%2Fb"), Some(("/livez", Some("a/b".to_owned()))));
        let unit = Some(("/rocketmq/nsaddr", Some("a-b".to_owned())));
        assert_eq!(found("/rocketmq/nsaddr-a-b", Scope::NameServers), unit);
        assert_eq!(found("/livez", Scope::NameServers), None);
        assert_eq!(everything("/"), Some(("/", None)));
        for path in ["/livez/", "/livezz", "/livez%2Fio-0", "//", "", "/metrics/x", "/LIVEZ"] {
            assert_eq!(everything(path), None, "{path}");
        }
    }
}
