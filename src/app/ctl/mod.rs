//! `uplinkctl`: the command line for technicians, over the same REST API as the panel.
//!
//! Owns: arguments, exit codes, tables for people. Must not: reach around the API, or need GStreamer: it works on a
//! laptop, and `check` and `onvif` work without a daemon.
//!
//! [`arguments`] has the verbs in five kinds, each a module: `look` shows, `order` commands, `manage` keeps what the box
//! has, `apart` judges or asks others, `here` asks nobody. What a verb says and takes is in the module of its name.

mod alarms;
mod apart;
mod arguments;
mod capacity;
mod certificate;
#[cfg(test)]
mod class_tests;
mod classes;
mod client;
mod config;
mod consent;
mod cost;
mod cues;
mod destinations;
mod devices;
mod doctor;
mod exit;
mod follow;
mod frames;
mod freeze;
mod graphics;
mod guest_link;
mod here;
mod look;
mod manage;
mod onvif;
mod order;
mod people;
mod record;
mod recordings;
mod report;
mod sessions;
mod shell;
mod shown;
mod sound;
mod surfaces;
#[cfg(test)]
mod tests;
mod text;
mod timecode;
mod timeline;
mod top;
mod upgrade;

use std::io::Write;
use std::process::ExitCode;

pub use self::arguments::Arguments;
use self::arguments::{Ask, Verb};
use self::client::Failure;
use self::exit::Exit;

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("uplinkctl: cannot start: {error}");
            return Exit::Failed.into();
        }
    };
    let code = runtime.block_on(async {
        match &arguments.verb {
            Verb::Ask(verb) => ended(ask(&arguments, verb).await),
            Verb::Apart(verb) => verb.run(&arguments).await,
            Verb::Here(verb) => verb.run(arguments.reach.api.as_ref(), arguments.json),
        }
    });
    // What hangs in a disk or a name server is not waited for.
    runtime.shutdown_background();
    code
}

async fn ask(arguments: &Arguments, verb: &Ask) -> Result<String, Failure> {
    verb.perform(&arguments.client()?, arguments.json).await
}

fn ended(done: Result<String, Failure>) -> ExitCode {
    match done {
        Ok(text) => {
            say(&text);
            Exit::Done.into()
        }
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    eprint!("{}", report::failure(failure));
    Exit::from(failure).into()
}

/// A reader that has gone away (`| head`) is no failure.
fn say(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}
