//! Signals of the process: the first asks the tree to stop, the second ends the process.

#[cfg(not(unix))]
pub(crate) use other::Signals;
#[cfg(unix)]
pub(crate) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, LazyLock, Mutex};
    use std::thread;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Handle;
    use signal_hook::{flag, iterator};
    use tokio::sync::watch;

    use crate::sync::MutexExt;

    /// Whether the next signal ends the process, as it does while no tree listens. Set by the handler itself, so that it
    /// works when no thread of the runtime ever runs again.
    static ARMED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
    /// The name of the signal that came last.
    static HEARD: LazyLock<watch::Sender<&'static str>> = LazyLock::new(|| watch::Sender::new(""));
    static EARS: Mutex<Ears> = Mutex::new(Ears { are_installed: false, count: 0 });

    /// Who listens in this process. Its lock also keeps what arms from crossing what disarms.
    struct Ears {
        /// Whether the handlers are there.
        are_installed: bool,
        /// How many trees listen; without one, nobody would answer a first signal.
        count: usize,
    }

    /// One tree's ear for SIGINT and SIGTERM.
    pub(crate) struct Signals(watch::Receiver<&'static str>);

    impl Signals {
        pub(crate) fn listen() -> io::Result<Self> {
            let mut ears = EARS.hold();
            if !ears.are_installed {
                install()?;
                ears.are_installed = true;
            }
            // Listen before it is disarmed: until then a signal ends the process, as it did.
            let signals = Self(HEARD.subscribe());
            ears.count += 1;
            // Where another tree has been asked to stop already, the next signal still ends the process.
            if ears.count == 1 {
                ARMED.store(false, Ordering::SeqCst);
            }
            Ok(signals)
        }

        /// The name of the next signal. Cancel safe.
        pub(crate) async fn next(&mut self) -> &'static str {
            // The sender is a static: there is always one.
            let _ = self.0.changed().await;
            *self.0.borrow()
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            let mut ears = EARS.hold();
            ears.count -= 1;
            if ears.count == 0 {
                ARMED.store(true, Ordering::SeqCst);
            }
        }
    }

    fn install() -> io::Result<()> {
        // What can fail comes first: half of a handler must not stay.
        let listener = spawn_listener()?;
        for number in [SIGINT, SIGTERM] {
            // In this order: the first signal finds it disarmed, and arms it for the second before anybody hears of it.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&ARMED))?;
            flag::register(number, Arc::clone(&ARMED))?;
            listener.add_signal(number)?;
        }
        Ok(())
    }

    /// Tells the trees of signals, from a thread of its own that sleeps until there is one.
    ///
    /// Tokio would hear of a signal only while one of its threads waits for io. When that thread wakes for a task that
    /// then blocks it, the others sleep on, and none waits for io in its place. What wakes a task wakes one of them, too,
    /// and that is all it takes to stop the tree.
    fn spawn_listener() -> io::Result<Handle> {
        let mut signals = iterator::Signals::new::<_, i32>([])?;
        let handle = signals.handle();
        let tell = move || {
            for number in signals.forever() {
                HEARD.send_replace(if number == SIGINT { "SIGINT" } else { "SIGTERM" });
            }
        };
        thread::Builder::new().name("supervisor-signals".to_owned()).spawn(tell)?;
        Ok(handle)
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
