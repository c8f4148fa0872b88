//! `completions`: tells shells the commands and options.

use super::options;
use crate::command::Command;
use crate::options::{Argument, Kind, words};
use crate::session::Session;
use std::fmt::Write;

/// The program's names: alone, or as the first argument of the servers.
const PROGRAM: &str = "namesrvctl";
const SERVERS: [&str; 3] = ["namesrv-mio", "namesrv-glommio", "namesrv-async-std"];

pub(crate) fn write(commands: &[Command], session: &Session) -> String {
    of(commands, session.argument(0).unwrap_or_default())
}

/// Returns the completions for a shell. The command line has checked its name.
pub(crate) fn of(commands: &[Command], shell: &str) -> String {
    match shell {
        "zsh" => zsh(commands),
        "fish" => fish(commands),
        _ => bash(commands),
    }
}

fn names(commands: &[Command]) -> Vec<&'static str> {
    commands.iter().flat_map(|command| [Some(command.name), command.alias]).flatten().collect()
}

fn bash(commands: &[Command]) -> String {
    let mut values = String::new();
    let mut files = Vec::new();
    let mut texts = Vec::new();
    let mut flags = Vec::new();
    for (option, _) in options(commands) {
        let short = option.short.map(|short| format!("-{short}"));
        let spellings: Vec<_> = short.into_iter().chain([format!("--{}", option.long)]).collect();
        let pattern = spellings.join("|");
        flags.extend(spellings);
        match option.argument {
            None => {}
            Some(Argument { kind: Kind::File, .. }) => files.push(pattern),
            Some(Argument { kind: Kind::Text, .. }) => texts.push(pattern),
            Some(Argument { kind: Kind::OneOf(words), .. }) => {
                // Writing to memory cannot fail, here and below.
                let _ = writeln!(
                    values,
                    "        {pattern}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;",
                    words.join(" ")
                );
            }
        }
    }
    for command in commands.iter().filter(|command| !words(command.argument).is_empty()) {
        let words = words(command.argument).join(" ");
        let _ =
            writeln!(values, "        {}) COMPREPLY=($(compgen -W '{words}' -- \"$word\")); return ;;", command.name);
    }
    format!(
        "_namesrvctl() {{\n    local word=${{COMP_WORDS[COMP_CWORD]}}\n    case ${{COMP_WORDS[COMP_CWORD-1]}} in\n\
         {values}        {}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n        {}) return ;;\n    esac\n\
         \x20   case $word in\n        -*) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n\
         \x20       *) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n    esac\n}}\n\
         _namesrv_server() {{\n    if [[ ${{COMP_WORDS[1]}} == ctl && $COMP_CWORD -gt 1 ]]; then _namesrvctl; fi\n}}\n\
         complete -F _namesrvctl {PROGRAM}\ncomplete -o default -F _namesrv_server {}\n",
        files.join("|"),
        texts.join("|"),
        flags.join(" "),
        names(commands).join(" "),
        SERVERS.join(" "),
    )
}

fn zsh(commands: &[Command]) -> String {
    let mut text = format!("#compdef {PROGRAM} {}\n\n", SERVERS.join(" "));
    text += "_namesrvctl() {\n    local -a commands=(\n";
    for command in commands {
        for name in [Some(command.name), command.alias].into_iter().flatten() {
            let _ = writeln!(text, "        '{name}:{}'", quoted(command.help));
        }
    }
    text += "    )\n    _arguments -s -S \\\n";
    for (option, _) in options(commands) {
        let argument = match option.argument {
            None => String::new(),
            Some(Argument { kind: Kind::File, name }) => format!(":{name}:_files"),
            Some(Argument { kind: Kind::Text, name }) => format!(":{}: ", name.replace([':', '[', ']'], " ")),
            Some(Argument { kind: Kind::OneOf(words), name }) => format!(":{name}:({})", words.join(" ")),
        };
        let help = quoted(option.help).replace(['[', ']'], "");
        if let Some(short) = option.short {
            let _ = writeln!(text, "        '-{short}[{help}]{argument}' \\");
        }
        let _ = writeln!(text, "        '--{}[{help}]{argument}' \\", option.long);
    }
    text += "        '1: :->command' '*:: :->argument'\n    case $state in\n        command) _describe command commands ;;\n        argument)\n            case $line[1] in\n";
    for command in commands.iter().filter(|command| !words(command.argument).is_empty()) {
        let _ =
            writeln!(text, "                {}) _values word {} ;;", command.name, words(command.argument).join(" "));
    }
    text += "            esac ;;\n    esac\n}\n\n\
             if [[ $service != namesrvctl ]]; then\n    if [[ $words[2] == ctl ]]; then\n        shift words\n        (( CURRENT-- ))\n        _namesrvctl\n    else\n        _files\n    fi\nelse\n    _namesrvctl\nfi\n";
    text
}

fn fish(commands: &[Command]) -> String {
    let mut text = String::new();
    let programs = SERVERS.into_iter().map(|server| (server, "__fish_seen_subcommand_from ctl"));
    for (program, condition) in [(PROGRAM, "true")].into_iter().chain(programs) {
        let all = names(commands).join(" ");
        for command in commands {
            for name in [Some(command.name), command.alias].into_iter().flatten() {
                let _ = writeln!(
                    text,
                    "complete -c {program} -n '{condition}; and not __fish_seen_subcommand_from {all}' -f -a {name} -d '{}'",
                    quoted(command.help)
                );
            }
            if !words(command.argument).is_empty() {
                let words = words(command.argument).join(" ");
                let name = command.name;
                let _ = writeln!(
                    text,
                    "complete -c {program} -n '{condition}; and __fish_seen_subcommand_from {name}' -f -a '{words}'"
                );
            }
        }
        for (option, _) in options(commands) {
            let short = option.short.map(|short| format!(" -s {short}")).unwrap_or_default();
            let argument = match option.argument {
                None => "",
                Some(Argument { kind: Kind::File, .. }) => " -r -F",
                Some(Argument { kind: Kind::Text, .. }) => " -x",
                Some(Argument { kind: Kind::OneOf(words), .. }) => &format!(" -x -a '{}'", words.join(" ")),
            };
            let _ = writeln!(
                text,
                "complete -c {program} -n '{condition}'{short} -l {}{argument} -d '{}'",
                option.long,
                quoted(option.help)
            );
        }
    }
    text
}

/// Escapes a text for single quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', "")
}
