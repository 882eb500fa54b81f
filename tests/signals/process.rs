//! The program under test, from outside: its lines, its end, and the signals that it gets.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// After this long without a line, or an end, the program hangs.
const PATIENCE: Duration = Duration::from_secs(30);

static STARTED: AtomicUsize = AtomicUsize::new(0);

/// How many were started so far.
pub(crate) fn started() -> usize {
    STARTED.load(Ordering::Relaxed)
}

/// The program under test, running; killed if the test fails before its end.
pub(crate) struct Process {
    mode: String,
    program: Child,
    lines: Receiver<String>,
    shell: Child,
    orders: ChildStdin,
    done: BufReader<ChildStdout>,
    /// When the first signal was sent.
    signalled: Option<Instant>,
    errors: Option<String>,
}

impl Process {
    pub(crate) fn start(mode: &str) -> Self {
        STARTED.fetch_add(1, Ordering::Relaxed);
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args(["program::the_program", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("PROGRAM", mode)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(program.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        // Without `unsafe`, a shell is what can send a signal; one that is there already sends it at once.
        let mut shell =
            Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (orders, done) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        Self { mode: mode.to_owned(), program, lines, shell, orders, done, signalled: None, errors: None }
    }

    /// Waits until the program prints this line.
    pub(crate) fn until(&mut self, line: &str) {
        let mut printed = Vec::new();
        while printed.last().is_none_or(|last| last != line) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(next) => printed.push(next),
                Err(error) => panic!("{}: {line:?} was never printed ({error}), but {printed:?}", self.mode),
            }
        }
    }

    pub(crate) fn send(&mut self, signal: &str) {
        self.order(&format!("kill -{signal} {}", self.program.id()));
    }

    /// Sends a signal, and again so long after it was delivered; where that is no time at all, without waiting for that.
    pub(crate) fn send_twice(&mut self, signal: &str, gap: Duration) {
        if gap.is_zero() {
            let kill = format!("kill -{signal} {}", self.program.id());
            return self.order(&format!("{kill}; {kill}"));
        }
        self.send(signal);
        while self.has_pending_signals() {
            std::hint::spin_loop();
        }
        std::thread::sleep(gap);
        self.send(signal);
    }

    /// Has the shell do it, and waits until it was done.
    fn order(&mut self, order: &str) {
        self.signalled.get_or_insert_with(Instant::now);
        writeln!(self.orders, "{order}; echo").unwrap();
        self.done.read_line(&mut String::new()).unwrap();
    }

    /// Whether the kernel keeps a signal for the program that was not delivered yet; only Linux tells.
    fn has_pending_signals(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap_or_default();
        status.lines().filter_map(|line| line.strip_prefix("ShdPnd:")).any(|set| set.trim().contains(|bit| bit != '0'))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.program.try_wait().unwrap().is_none()
    }

    /// What the program prints until it ends, without the test runner's own lines.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.first_of_rest()).collect()
    }

    /// The next line that the program prints before it ends.
    pub(crate) fn first_of_rest(&mut self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.is_empty() || line.starts_with("running ") || line.starts_with("test ") => {}
                Ok(line) => return Some(line),
                Err(Disconnected) => return None,
                Err(Timeout) => panic!("{}: it does not end", self.mode),
            }
        }
    }

    /// Its exit code; it has to have ended so soon after the first signal.
    pub(crate) fn exit_code(&mut self, limit: Duration) -> i32 {
        let status = self.end(limit);
        status.code().unwrap_or_else(|| panic!("{}: {status}", self.mode))
    }

    /// The signal that has ended it; it has to have ended so soon after the first signal.
    pub(crate) fn ended_by(&mut self, limit: Duration) -> i32 {
        let status = self.end(limit);
        status.signal().unwrap_or_else(|| panic!("{}: {status}", self.mode))
    }

    /// It prints no more, but may take its time to end.
    fn end(&mut self, limit: Duration) -> ExitStatus {
        let begin = Instant::now();
        while self.is_running() {
            assert!(begin.elapsed() < PATIENCE, "{}: it does not end", self.mode);
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = self.signalled.map(|then| then.elapsed()).unwrap_or_default();
        assert!(took <= limit, "{}: it took {took:?}, not {limit:?} at the most", self.mode);
        self.program.wait().unwrap()
    }

    /// It has ended, and must not have done so sooner after the first signal.
    pub(crate) fn took_at_least(&self, limit: Duration) {
        let took = self.signalled.unwrap().elapsed();
        assert!(took >= limit, "{}: it took {took:?}, not {limit:?} at the least", self.mode);
    }

    /// What it has printed to stderr, once it has ended.
    pub(crate) fn errors(&mut self) -> &str {
        let stderr = &mut self.program.stderr;
        self.errors.get_or_insert_with(|| {
            let mut errors = String::new();
            stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            errors
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for process in [&mut self.program, &mut self.shell] {
            // It has ended already, unless the test fails.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
