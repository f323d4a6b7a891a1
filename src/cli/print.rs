//! Words on stdout and stderr.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use anyhow::Result;

/// Writes to stdout. A reader that has gone away is an error like any other, see [`is_closed_pipe`].
pub fn out(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Writes a value as JSON to stdout, indented, with a final line break.
pub fn out_json(value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    out(&text)
}

/// Something a person should know, on stderr.
pub fn note(text: &str) {
    // Nobody can be told when stderr is gone.
    drop(writeln!(io::stderr().lock(), "lockkeeper: {text}"));
}

/// Did the reader of our output leave (`lockkeeper plan | head`)? That is no failure of ours.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}

/// May stdout carry colours?
pub fn colours() -> bool {
    let asked_not = env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|it| it == "dumb");
    io::stdout().is_terminal() && !asked_not && !dumb
}

/// The text form of a plan, coloured on a terminal: by what each line begins with.
pub fn coloured(text: &str) -> String {
    if !colours() {
        return text.to_owned();
    }
    text.split_inclusive('\n')
        .map(|line| format!("\x1b[{}m{}\x1b[0m\n", style(line), line.trim_end_matches('\n')))
        .collect()
}

fn style(line: &str) -> &'static str {
    const BOLD: &str = "1";
    const DIM: &str = "2";
    const RED: &str = "31";
    const YELLOW: &str = "33";
    const BLUE: &str = "34";
    match line.trim_start() {
        it if it.starts_with("Gate:") => BLUE,
        it if it.starts_with("Hazard:") || it.starts_with("Question:") => YELLOW,
        it if it.starts_with("irreversible:") => RED,
        it if it.starts_with("undo:") || it.starts_with("before:") || it.starts_with("after:") => DIM,
        it if !line.starts_with(' ') && it.contains(": ") => BOLD,
        _ if line.starts_with("    ") => DIM,
        _ => "0",
    }
}
