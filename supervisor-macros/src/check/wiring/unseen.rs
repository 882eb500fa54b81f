//! Names of the tree that are used where they are not in scope.
//!
//! Such a name may as well be an item of the user's, which only the compiler knows. A correct program is not rejected for
//! that: a function can stand as a name alone and can be called, and whoever has a constant in lower case, which the compiler
//! warns about, writes its path (`self::db`).

use proc_macro2::Ident;

use super::{Level, Sibling};
use crate::mistake::Mistake;

/// Where a name of the tree stands that an expression does not see.
pub(super) enum Unseen {
    /// Declared later, in the same group or in one around it.
    Later,
    /// The child itself.
    Itself,
    /// A group, not a child.
    Group,
    /// Inside some other group.
    Inside,
}

impl Unseen {
    /// `around` are the groups around the child whose expression it is.
    pub(super) fn of(name: &str, around: &[Level]) -> Self {
        for level in around.iter().rev() {
            let Some(at) = level.nodes.iter().position(|(node, _)| node == name) else { continue };
            return match level.nodes[at].1 {
                Sibling::Group => Self::Group,
                _ if at == level.passed => Self::Itself,
                _ => Self::Later,
            };
        }
        Self::Inside
    }

    pub(super) fn mistake(&self, used: &Ident, user: &str) -> Mistake {
        match self {
            Self::Later => {
                let message =
                    format!("`{used}` is declared later, and children start in the order of their declaration");
                Mistake::at(used, message).help(format!("move `{used}` up, before `{user}`"))
            }
            Self::Itself => Mistake::at(used, format!("`{used}` cannot use itself"))
                .help("use what stands above it, or a parameter of the tree"),
            Self::Group => Mistake::at(used, format!("`{used}` is a group, and only a child offers a handle"))
                .help("use a child that is declared above, in this group or in one around it"),
            Self::Inside => {
                let message = format!("`{used}` stands inside another group, and what is in there is not visible here");
                let help = format!("declare `{used}` above, in this group or in one around it");
                Mistake::at(used, message).help(help)
            }
        }
    }
}

/// The `self` of the function in which the tree is declared.
pub(super) fn own(used: &Ident) -> Mistake {
    Mistake::at(used, "a tree does not see the `self` of the function around it")
        .help("give the tree a parameter: `struct Tree(name: Type);`")
}

/// A child is used by an option or a count, which are there before anything has started.
pub(super) fn outside(used: &Ident, place: &str) -> Mistake {
    Mistake::at(used, format!("`{used}` is a child, and {place} cannot use it"))
        .help("take the value from a parameter of the tree, or from a constant")
        .note("only the expressions of children see other children")
}
