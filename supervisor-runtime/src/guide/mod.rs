//! Pages on ideas that do not belong to one item.

#[cfg(feature = "test-util")]
pub mod testing;
pub mod wiring;
