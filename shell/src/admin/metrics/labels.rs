//! Names of codes in labels.

use crate::counters::{REQUESTS, RESPONSES, ResponseLabel};
use namesrv_core::access::RefusalCause;
use namesrv_core::wire::code::{request, response};
use std::borrow::Cow;

/// Returns the constant's name in lower case (Java: `RemotingHelper.getRequestCodeDesc`).
pub(super) fn request_label(place: usize) -> Cow<'static, str> {
    REQUESTS.get(place).map_or("other".into(), |code| code_label(*code))
}

/// As [`request_label`], for a code.
pub(super) fn code_label(code: i32) -> Cow<'static, str> {
    request::name(code).map_or("other".into(), |name| name.to_ascii_lowercase().into())
}

/// Returns the label for the reason of a refusal by access control.
pub(super) const fn refusal_label(cause: RefusalCause) -> &'static str {
    match cause {
        RefusalCause::NoUser => "no_user",
        RefusalCause::UnknownUser => "unknown_user",
        RefusalCause::Disabled => "disabled",
        RefusalCause::BadSignature => "bad_signature",
        RefusalCause::Form => "form",
        RefusalCause::NoRole => "no_role",
        RefusalCause::ReadOnly => "read_only",
        RefusalCause::Address => "address",
        RefusalCause::NotTheOwner(_) => "not_owner",
    }
}

/// Returns the constant's name in lower case (Java: `RemotingHelper.getResponseCodeDesc`).
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
