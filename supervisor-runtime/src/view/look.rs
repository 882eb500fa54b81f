//! How a state looks: one glyph, and one of a few colours.

use std::fmt;

use super::status::{State, Status};

/// Where a child stands, as far as it is drawn: running is not yet ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) state: State,
    ready: bool,
}

/// What a state means to whoever looks: the colours of a drawing, from what needs no look to what needs one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Ended,
    Ready,
    Going,
    Coming,
    Unready,
    Lost,
}

impl Look {
    pub(crate) fn of(status: &Status) -> Self {
        Self { state: status.state(), ready: status.is_ready() }
    }

    /// Told apart by shape, because colours are not everywhere and not for everyone. Each takes one column: none is an
    /// emoji, and none is wider than the lines of the tree, wherever a terminal draws those.
    pub(crate) const fn glyph(self) -> char {
        match self.state {
            State::Waiting => '◌',
            State::Delayed => '◔',
            State::Starting => '◐',
            State::Running if self.ready => '●',
            State::Running => '▲',
            State::Stopping => '↓',
            State::Stuck => '⊘',
            State::Done => '✓',
            State::Stopped => '■',
            State::Forfeited => '✗',
            State::Gone => '·',
        }
    }

    pub(crate) const fn tone(self) -> Tone {
        match self.state {
            State::Waiting | State::Delayed | State::Starting => Tone::Coming,
            State::Running if self.ready => Tone::Ready,
            State::Running => Tone::Unready,
            State::Stopping => Tone::Going,
            State::Stuck | State::Forfeited => Tone::Lost,
            State::Done | State::Stopped | State::Gone => Tone::Ended,
        }
    }
}

impl fmt::Display for Look {
    /// `● running`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.glyph(), self.state)
    }
}

impl Tone {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Ready => "ready",
            Self::Going => "going",
            Self::Coming => "coming",
            Self::Unready => "unready",
            Self::Lost => "lost",
        }
    }

    /// The colours of the inside and of the line around it; both stand off from black text and from a white page.
    pub(crate) const fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Ended => ("#e9ecef", "#868e96"),
            Self::Ready => ("#d3f9d8", "#2b8a3e"),
            Self::Going => ("#e5dbff", "#6741d9"),
            Self::Coming => ("#d0ebff", "#1971c2"),
            Self::Unready => ("#fff3bf", "#e67700"),
            Self::Lost => ("#ffe3e3", "#c92a2a"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn states_are_told_apart_without_colour() {
        let mut looks: Vec<_> = State::ALL.map(|state| Look { state, ready: false }).to_vec();
        looks.push(Look { state: State::Running, ready: true });
        let glyphs: BTreeSet<_> = looks.iter().map(|look| look.glyph()).collect();
        assert_eq!(glyphs.len(), looks.len(), "{glyphs:?}");
        // East Asian wide characters and emoji begin above this plane's symbols, or are none of these blocks.
        for glyph in glyphs {
            assert!(
                matches!(glyph, '·' | '↓' | '⊘' | '\u{25a0}'..='\u{25ff}' | '✓' | '✗'),
                "{glyph} may be wider than a column"
            );
        }
    }
}
