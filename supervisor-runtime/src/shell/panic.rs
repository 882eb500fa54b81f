//! Panics as failures: caught, with their message and place.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::Panic;
use crate::exit::PanicPlace;

thread_local! {
    /// What the last panic on this thread said, in a buffer that the next one uses again, and where it was.
    static LAST: RefCell<(String, Option<PanicPlace>)> = const { RefCell::new((String::new(), None)) };
}

/// Calls user code; a panic comes back as a value.
///
/// What the code left half-done is dropped or handed to `stop` and `replace`, which are told: hence
/// [`AssertUnwindSafe`].
#[inline]
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    panic::catch_unwind(AssertUnwindSafe(code)).map_err(caught)
}

/// What a panic said, and where.
#[cold]
fn caught(payload: Box<dyn Any + Send>) -> Panic {
    let text = text(&*payload);
    // A panic that was caught before, or one that comes from another thread, has nothing to do with this.
    let place = LAST.with_borrow_mut(|(said, place)| place.take().filter(|_| said == text));
    let message = text.to_owned();
    // The payload is user code's, too, and may panic when it is dropped.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    Panic::new(message, place)
}

/// Drops a value of the user's; a panic comes back as a value.
pub(crate) fn catch_drop<T>(value: T) -> Result<(), Panic> {
    if std::mem::needs_drop::<T>() { catch(|| drop(value)) } else { Ok(()) }
}

/// Installs, once for the process, a hook that notes the place of a panic and then calls the hook
/// that was there before.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let text = text(info.payload());
            let at = info.location().map(|at| PanicPlace::new(at.file(), at.line(), at.column()));
            // A thread that is being torn down has no locals any more.
            let _ = LAST.try_with(|last| {
                let (said, place) = &mut *last.borrow_mut();
                text.clone_into(said);
                *place = at;
            });
            previous(info);
        }));
    });
}

fn text(payload: &dyn Any) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic whose payload is not text"
    }
}
