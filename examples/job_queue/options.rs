//! The command line.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Counts the words of texts, by a job queue that loses nothing when it is killed.

Usage: job_queue [FOLDER] [--data DIR] [--port PORT] [--serve]

  FOLDER       counts the .txt and .md files in it; without one, chapters that it writes itself
  --data DIR   where the database is kept from run to run
  --port PORT  listens for jobs on this port of 127.0.0.1; without it, on any that is free
  --serve      goes on until Ctrl-C, and counts what comes in:
                   curl -d /path/to/text.txt http://127.0.0.1:PORT/jobs
                   curl http://127.0.0.1:PORT/status

RUST_LOG=info shows all that the supervisors do.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Run(Options),
    Help,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    /// 0 is any that is free.
    pub(crate) port: u16,
    pub(crate) serve: bool,
}

pub(crate) fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Asked, String> {
    let mut options = Options::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Asked::Help),
            Some("--serve") => options.serve = true,
            Some("--data") => {
                let data = arguments.next().ok_or("--data needs a directory")?;
                options.data = Some(data.into());
            }
            Some("--port") => {
                let port = arguments.next().and_then(|port| port.to_str()?.parse().ok());
                options.port = port.ok_or("--port needs a number from 0 to 65535")?;
            }
            Some(unknown) if unknown.starts_with('-') => {
                return Err(format!("unknown option {unknown}"));
            }
            _ if options.folder.is_some() => return Err("one folder is enough".to_owned()),
            _ => options.folder = Some(argument.into()),
        }
    }
    Ok(Asked::Run(options))
}
