//! Kinds of values, the rows that read them, and what keys say of themselves.

use super::*;
use crate::config::AccessControl;
use alloc::vec::Vec;

const USER: &str = r#"{"username":"cook","password":"two spoons"}"#;

/// Says of each value as what the key takes it, or why it does not.
fn assert_takes(key: Key, values: &[(&str, Result<&str, &str>)]) {
    for (value, expected) in values {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(key.canonical(value), expected, "{value:?} of {:?}", key.kind);
    }
}

#[test]
fn values_are_shown_in_one_form_and_refused_in_words() {
    let empty = |what: &str| format!("the value is empty: write {what}, or leave the key out");
    assert_takes(
        boolean("milk", "false").key,
        &[
            ("TRUE", Ok("true")),
            ("False", Ok("false")),
            ("yes", Err("`yes` is neither true nor false")),
            ("", Err(&empty("true or false"))),
        ],
    );
    assert_takes(
        integer::<u8>("cups", Kind::Integer(1, 12), "4").key,
        &[
            ("+07", Ok("7")),
            ("0", Err("`0` is not a whole number from 1 to 12")),
            ("13", Err("`13` is not a whole number from 1 to 12")),
            ("many", Err("`many` is not a whole number from 1 to 12")),
            ("", Err(&empty("a whole number from 1 to 12"))),
        ],
    );
    assert_takes(seconds("steeping", LIMIT, "180").key, &[("0", Err("`0` is not a whole number from 1 upwards"))]);
    assert_takes(millis("stirring", LONG, "9").key, &[("-x", Err("`-x` is not a whole number"))]);
    assert_takes(text("tea", "").key, &[("", Ok("")), (" Assam ", Ok(" Assam "))]);
    assert_takes(text("tea", "Assam").filled().key, &[("", Err(&empty("one"))), ("Darjeeling", Ok("Darjeeling"))]);
    let word = || word::<AccessControl>("guests", "admin");
    assert_takes(
        word().key,
        &[
            ("strict", Ok("strict")),
            ("Strict", Err("`Strict` is none of observe, admin, strict")),
            ("", Err(&empty("one of observe, admin, strict"))),
        ],
    );
    assert_takes(
        word().in_any_case().key,
        &[("Strict", Ok("strict")), ("no", Err("`no` is none of observe, admin, strict"))],
    );
    assert_eq!(boolean("milk", "false").in_any_case().key.kind, Kind::Boolean, "only words have cases");
}

#[test]
fn secrets_are_taken_and_not_shown() {
    let cook = credentials("cook", Form::User);
    assert_takes(cook.key, &[("", Ok("")), (USER, Ok(USER))]);
    assert!(cook.key.canonical("cook").is_err());
    let recipe = Key { kind: Kind::Secret, ..text("recipe", "").key };
    assert_takes(recipe, &[("two spoons", Ok("two spoons"))]);
    let shown = |key: Key, value| key.shown(value).into_owned();
    assert_eq!((shown(cook.key, ""), shown(recipe, "")), (String::new(), String::new()));
    assert_eq!((shown(recipe, "two spoons"), shown(cook.key, "no user")), (MASK.to_owned(), MASK.to_owned()));
    assert!(shown(cook.key, USER).contains("cook") && !shown(cook.key, USER).contains("spoons"));
    assert_eq!(shown(text("tea", "").key, "Assam"), "Assam");
    assert!(cook.key.is_secret() && recipe.is_secret() && !text("tea", "").key.is_secret());
}

#[test]
fn rows_read_what_their_keys_take() {
    assert!((boolean("milk", "false").parse)("true"));
    let milk = optional_boolean("milk");
    assert_eq!(["true", "false", ""].map(milk.parse), [Some(true), Some(false), None]);
    let cups = integer::<u8>("cups", INT, "4");
    assert_eq!(["12", "-1", "256"].map(cups.parse), [12, 0, 0], "what does not fit is zero");
    assert_eq!((seconds("steeping", INT, "180").parse)("3"), Duration::from_secs(3));
    assert_eq!((millis("stirring", INT, "9").parse)("3"), Duration::from_millis(3));
    let cooling = optional_seconds("cooling", INT);
    assert_eq!(["", "3"].map(cooling.parse), [None, Some(Duration::from_secs(3))]);
    let guests = word::<AccessControl>("guests", "admin");
    assert_eq!(["observe", "strict"].map(guests.parse), [AccessControl::Observe, AccessControl::Strict]);
    let users: Vec<_> = [Form::User, Form::Session].map(|form| (credentials("cook", form).parse)("")).into();
    assert_eq!(users, [None, None]);
    assert_eq!((credentials("cook", Form::User).parse)(USER).map(|user| user.name), Some("cook".into()));
    assert_eq!((milk.key.default, cooling.key.default, cups.key.default), (None, None, Some("4")));
}

#[test]
fn keys_say_when_they_may_change() {
    let row = || text("tea", "Assam").of(Origin::NamesrvConfig(3)).described("The tea.");
    let changes = |key: Key| (key.changes_at_run_time(), key.changes_at_reload(), key.is_always_listed());
    assert_eq!(changes(row().key), (false, false, true));
    assert_eq!(changes(row().live().key), (true, true, true));
    assert_eq!(changes(text("tea", "").reloaded().key), (false, true, false));
    let unused = Key::unused("biscuits", INT, "2", Origin::JvmProperty(1));
    assert_eq!((unused.effect, changes(unused)), (Effect::Nothing, (false, true, false)));
    let refused = Key::refused("coffee", Kind::Boolean, "false", Origin::AuthConfig(1), "this is a tea kitchen");
    assert_eq!((refused.effect, changes(refused)), (Effect::Refused("this is a tea kitchen"), (false, false, false)));
    let property = Key::default_of(&row().key, "kitchen.tea", Origin::JvmProperty(2));
    assert_eq!(
        (property.effect, property.default, property.description),
        (Effect::DefaultOf("tea"), Some("Assam"), "")
    );
    assert_eq!((row().key.description, changes(property)), ("The tea.", (false, false, false)));
}
