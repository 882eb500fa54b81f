//! Whoever uses another never outlives the handle that it was made with.
//!
//! The invariant: when a provider's new incarnation starts, or when it is gone for good, nobody is alive that was started
//! with an earlier one. (Nobody at all, in fact: also a new replica of a provider makes its users anew.) And a user never
//! starts while its provider is not up.

use super::super::*;
use super::world::{World, is_missing};

const NONE: [SlotId; 0] = [];

impl World {
    /// Whether handles die with their incarnations; where they do not, they are stable, and only what is done by hand makes
    /// others.
    fn handles_die(&self) -> bool {
        match self.core.rules.strategy {
            StrategyRule::OneForAll
            | StrategyRule::RestForOne
            | StrategyRule::DependentsForOne
            | StrategyRule::ForfeitOneForAll
            | StrategyRule::Crashing => true,
            StrategyRule::OneForOne | StrategyRule::ForfeitOneForOne | StrategyRule::Custom => false,
        }
    }

    fn uses(&self, user: &Slot, provider: ChildId) -> bool {
        self.core.rules.children[user.child as usize].requires.contains(&provider)
    }

    /// A new incarnation begins in `slot`.
    pub(super) fn note_handles(&mut self, slot: SlotId) {
        self.check_handles_at_start(slot);
        self.renewed.remove(&slot);
        let it = self.core.slot(slot);
        let offers = |provider: &Slot| match provider.state {
            State::Starting | State::Running | State::Stopping | State::Killing | State::Down(Rest::Done) => true,
            State::Pending | State::Waiting => !self.handles_die(),
            State::Stuck | State::Down(_) => false,
        };
        let taken = self.slots(|provider| self.uses(it, provider.child) && !provider.removed && offers(provider));
        self.taken.insert(slot, taken);
    }

    fn check_handles_at_start(&self, slot: SlotId) {
        let it = self.core.slot(slot);
        if self.handles_die() || self.renewed.contains(&slot) {
            let old = self.slots(|user| user.is_live() && self.uses(user, it.child));
            assert_eq!(old, NONE, "slot {slot} is started beside these, which have an older handle");
        }
        let is_up = |provider: &Slot| match provider.state {
            State::Running => !provider.failing && (!provider.swept || provider.after == After::Removed),
            State::Down(Rest::Done) => true,
            _ => provider.removed,
        };
        let dead = |provider: &Slot| {
            self.uses(it, provider.child)
                && match self.handles_die() {
                    true => !is_up(provider),
                    false => is_missing(provider),
                }
        };
        assert_eq!(self.slots(dead), NONE, "slot {slot} is started without these, which it uses");
    }

    /// `slot` is asked to stop: nobody uses it any more.
    pub(super) fn check_handles_at_stop(&self, slot: SlotId) {
        let it = self.core.slot(slot);
        let users = self.slots(|user| user.is_live() && self.uses(user, it.child));
        assert_eq!(users, NONE, "slot {slot} is stopped before these, which use it");
    }

    /// Who has an old handle is on its way down.
    pub(super) fn check_handles(&self) {
        let is_dead = |provider: &Slot| match provider.state {
            State::Down(Rest::Done) => false,
            State::Down(_) => true,
            State::Pending | State::Waiting => self.handles_die(),
            _ => false,
        };
        for id in self.slots(is_dead) {
            let Slot { child, .. } = *self.core.slot(id);
            let users = self.slots(|user| {
                let goes_on = matches!(user.state, State::Starting | State::Running) && !user.swept;
                goes_on && self.uses(user, child)
            });
            let users: Vec<_> = users.into_iter().filter(|user| self.taken[user].contains(&id)).collect();
            assert_eq!(users, NONE, "these go on with the handle of slot {id}, which is gone");
        }
    }
}
