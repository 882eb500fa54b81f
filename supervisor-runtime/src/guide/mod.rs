//! Pages on ideas that do not belong to one item.

pub mod wiring;
