//! What codes are called in labels.

use crate::counters::{REQUESTS, RESPONSES, ResponseLabel};
use namesrv_core::wire::code::{request, response};
use std::borrow::Cow;

/// The constant's name in lower case (Java: `RemotingHelper.getRequestCodeDesc`).
pub(super) fn request_label(place: usize) -> Cow<'static, str> {
    let name = REQUESTS.get(place).and_then(|code| request::name(*code));
    name.map_or("other".into(), |name| name.to_ascii_lowercase().into())
}

/// The constant's name in lower case (Java: `RemotingHelper.getResponseCodeDesc`).
pub(super) fn response_label(place: usize) -> Cow<'static, str> {
    match RESPONSES.get(place) {
        Some(ResponseLabel::Code(code)) => match *code {
            response::SUCCESS => "success".into(),
            response::SYSTEM_ERROR => "system_error".into(),
            response::SYSTEM_BUSY => "system_busy".into(),
            response::REQUEST_CODE_NOT_SUPPORTED => "request_code_not_supported".into(),
            response::NO_PERMISSION => "no_permission".into(),
            response::TOPIC_NOT_EXIST => "topic_not_exist".into(),
            response::QUERY_NOT_FOUND => "query_not_found".into(),
            response::GO_AWAY => "go_away".into(),
            code => code.to_string().into(),
        },
        Some(ResponseLabel::Oneway) => "oneway".into(),
        Some(ResponseLabel::Other) | None => "other".into(),
    }
}
