//! The macro, under the path of this crate.

/// Declares a supervision tree, checked by the compiler.
#[macro_export]
macro_rules! supervision_tree {
    ($($declaration:tt)*) => {
        $crate::__private::supervision_tree! { [$crate] $($declaration)* }
    };
}
