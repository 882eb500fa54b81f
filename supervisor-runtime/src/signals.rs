//! Signals of the process: the first asks the tree to stop, the second ends the process.

#[cfg(not(unix))]
pub(crate) use other::Signals;
#[cfg(unix)]
pub(crate) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock, Mutex};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use crate::sync::MutexExt;

    /// Whether the next signal ends the process. Set by the handler itself, so that it works when no thread of
    /// the runtime ever runs again.
    static ARMED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    /// Whether the handlers are installed.
    static INSTALLED: Mutex<bool> = Mutex::new(false);
    /// How many trees listen; without one, nobody would answer a first signal.
    static LISTENING: AtomicUsize = AtomicUsize::new(0);

    /// One tree's ear for SIGINT and SIGTERM.
    pub(crate) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        pub(crate) fn listen() -> io::Result<Self> {
            install()?;
            // Listen before the count says so: until then a signal ends the process, as it did.
            let signals =
                Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
            if LISTENING.fetch_add(1, Ordering::SeqCst) == 0 {
                ARMED.store(false, Ordering::SeqCst);
            }
            Ok(signals)
        }

        /// The name of the next signal. Cancel safe.
        pub(crate) async fn next(&mut self) -> &'static str {
            tokio::select! {
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.terminate.recv() => "SIGTERM",
            }
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            if LISTENING.fetch_sub(1, Ordering::SeqCst) == 1 {
                ARMED.store(true, Ordering::SeqCst);
            }
        }
    }

    fn install() -> io::Result<()> {
        let mut installed = INSTALLED.hold();
        if !*installed {
            for number in [SIGINT, SIGTERM] {
                // In this order: the first signal finds it unarmed and arms it for the second.
                flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&ARMED))?;
                flag::register(number, Arc::clone(&ARMED))?;
            }
            *installed = true;
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    /// One tree's ear for Ctrl-C.
    pub(crate) struct Signals(());

    impl Signals {
        pub(crate) fn listen() -> io::Result<Self> {
            Ok(Self(()))
        }

        /// The name of the next signal. Cancel safe.
        pub(crate) async fn next(&mut self) -> &'static str {
            if tokio::signal::ctrl_c().await.is_err() {
                // There is nothing to listen to.
                std::future::pending::<()>().await;
            }
            "Ctrl-C"
        }
    }
}
