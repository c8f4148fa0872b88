//! Properties of the wire: what one side writes the other reads, in both forms of headers, however the bytes are cut,
//! and nothing panics.

use namesrv_core::config::Limits;
use namesrv_core::wire::response::{Head, write_frame};
use namesrv_core::wire::{self, Framing, Serialization, next_frame};
use namesrv_tests::answer::Answer;
use namesrv_tests::fuzz::TARGETS;
use namesrv_tests::request::{HeaderForm, Request};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The same cases at every run, unless the environment says otherwise.
fn config() -> ProptestConfig {
    let asked = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let rng_seed = if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { asked.rng_seed };
    ProptestConfig { rng_seed, ..asked }
}

fn fields() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map("[a-zA-Z]{1,8}|\\PC{1,4}", "[a-z0-9:.]{0,12}|\\PC{0,6}|[\"\\\\\n\u{1}]{0,3}", 0..6)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

/// Binary headers have shorter numbers.
fn request() -> impl Strategy<Value = Request> {
    let codes =
        prop_oneof![any::<i32>(), proptest::sample::select(vec![100, 101, 103, 105, 106, 206, 304, 318, 322, 901])];
    let versions = prop_oneof![any::<i32>(), -1..600];
    (codes, any::<i32>(), any::<i32>(), versions, proptest::option::of(fields()), body(), any::<bool>()).prop_map(
        |(code, opaque, flag, version, fields, body, binary)| Request {
            code: if binary { i32::from(code as i16) } else { code },
            opaque,
            flag,
            version: if binary { i32::from(version as i16) } else { version },
            fields: fields.map(|fields| fields.into_iter().collect()),
            body,
            form: if binary { HeaderForm::Binary } else { HeaderForm::Json },
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_request_is_read_as_it_was_written(request in request()) {
        let bytes = request.encode();
        let limits = Limits::default();
        let Ok(Framing::Complete { frame, length }) = next_frame(&bytes, &limits) else { panic!("no frame") };
        prop_assert_eq!(length, bytes.len());
        let read = wire::Request::decode(frame, &limits).expect("the header is well formed");
        prop_assert_eq!(
            (read.code, read.opaque, read.flag, read.version, read.body),
            (request.code, request.opaque, request.flag, request.version, request.body.as_slice())
        );
        for (name, value) in request.fields.iter().flatten() {
            // A binary header cannot tell an empty value from none.
            let expected = Some(value.as_str()).filter(|value| request.form == HeaderForm::Json || !value.is_empty());
            let value = read.fields.value(name);
            prop_assert_eq!(value.as_deref(), expected);
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(
        code: i16, opaque: i32, remark in proptest::option::of("\\PC{1,20}|[\"\\\\\n\u{1}]{1,4}"), fields in proptest::option::of(fields()), body in body(),
    ) {
        let texts = remark.as_deref().map(|remark| [remark]);
        let head = match &texts {
            Some(texts) => Head::failure(code.into(), opaque, texts),
            None => Head::success(opaque),
        };
        let pairs: Option<Vec<(&str, Cow<str>)>> =
            fields.as_ref().map(|fields| fields.iter().map(|(name, value)| (name.as_str(), value.into())).collect());
        let head = pairs.as_ref().map_or(head, |pairs| head.with_fields(pairs));
        for (form, serialization) in [(Serialization::Json, 0), (Serialization::Binary, 1)] {
            let mut output = b"what was there before".to_vec();
            let start = output.len();
            write_frame(&mut output, form, &head, |output| output.extend_from_slice(&body));
            let answer = Answer::decode(&output[start..]).expect("a frame");
            let expected = if texts.is_some() { code.into() } else { 0 };
            prop_assert_eq!((answer.serialization, answer.code, answer.flag, answer.opaque), (serialization, expected, 1, opaque));
            prop_assert_eq!(&answer.remark, &remark);
            // So it is with the empty list of fields.
            let shown = fields.clone().filter(|fields| serialization == 0 || !fields.is_empty());
            prop_assert_eq!(answer.fields.map(BTreeMap::from_iter), shown);
            prop_assert_eq!(&answer.body, &body);
        }
    }

    /// The target of the fuzzer cuts the conversation byte by byte and in pieces of several lengths.
    #[test]
    fn cutting_a_conversation_anywhere_changes_nothing(
        requests in proptest::collection::vec(request(), 1..6), view in 0_u8..4, piece in 0_u8..32, tail in body(), damage in proptest::option::of(any::<(prop::sample::Index, u8)>()),
    ) {
        let mut input = vec![view | piece << 3];
        input.extend(requests.iter().flat_map(Request::encode));
        input.extend(tail);
        if let Some((at, byte)) = damage {
            let at = at.index(input.len());
            input[at] = if at == 0 { byte & !4 } else { byte };
        }
        namesrv_tests::fuzz::run("session", &input);
    }

    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        TARGETS.iter().for_each(|target| (target.run)(&bytes));
    }
}
