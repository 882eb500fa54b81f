//! The meeting place of one group: its deciding core behind a lock, and a command cell for each child.
//!
//! Invariants:
//!
//! 1. No user code runs under the lock: what it gives us (errors, wakers, services) is moved under the lock and
//!    dropped after it.
//! 2. Commands are written under the lock, wakers are called after it.
//! 3. `tasks` counts the tasks that are spawned and have not been told to end.
//! 4. What changes is told under the lock (see `tell`), so that the order of events is the order in which they happened.
//! 5. Where two groups are locked at once, the upper one is locked first.

use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::cell::Cell;
use super::cells::Cells;
use super::panic::catch;
use super::promise::Promises;
use super::record::State;
use super::records::Records;
use super::tell::Outside;
use crate::decide::{Choice, Core, Phase, Rules, SlotId, Swept, earlier, later, nanos_between};
use crate::declare::{ChildSpec, Decision, Failure, GroupSpec, Set, Size, Strategy};
use crate::log;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexExt, MutexGuard};
use crate::tree::TreeShared;
use crate::view::{ANCHOR, Beginning, Names, Told, What};
use crate::{Context, Exit};

/// One incarnation of a supervisor's group.
pub(crate) struct Group {
    names: Arc<Names>,
    spec: Arc<GroupSpec>,
    tree: Arc<TreeShared>,
    /// Where its supervisor stands; the anchor's stands nowhere.
    above: Option<Above>,
    cells: Arc<Cells>,
    /// The last heartbeats, in nanoseconds since the epoch; made with the first.
    beats: OnceLock<Cells<AtomicU64>>,
    pub(super) state: Mutex<State>,
}

/// The place of a supervisor in the group above its own.
struct Above {
    group: Weak<Group>,
    /// Those of that group, which has the supervisor's group in turn: so its children see what that was told.
    cells: Arc<Cells>,
    slot: SlotId,
}

impl Group {
    /// A group under the incarnation of `cx`.
    pub(crate) fn new(spec: Arc<GroupSpec>, cx: &Context) -> Arc<Self> {
        let tree = Arc::clone(cx.group().tree());
        let path = cx.path();
        let prefix = if spec.name.is_anonymous() { cx.group().names.prefix.clone() } else { path.clone() };
        let mut hasher = DefaultHasher::new();
        (tree.seed(), &path, cx.incarnation()).hash(&mut hasher);
        let names = Names { id: tree.next_group(), epoch: now(), path, prefix, labels: Arc::clone(&spec.labels) };
        let (upper, slot) = (cx.group(), cx.slot());
        let above = Above { group: Arc::downgrade(upper), cells: Arc::clone(&upper.cells), slot };
        let group = Self::assemble(names, spec, tree, Some(above), hasher.finish());
        cx.group().initialize(cx.slot(), &group);
        group
    }

    /// What stands above the outermost supervisor of a tree: one slot, and nobody who decides.
    pub(crate) fn anchor(spec: GroupSpec, tree: Arc<TreeShared>) -> Arc<Self> {
        let labels = Arc::clone(&spec.labels);
        let names = Names { id: ANCHOR, epoch: now(), path: String::new(), prefix: String::new(), labels };
        Self::assemble(names, Arc::new(spec), tree, None, 0)
    }

    fn assemble(
        names: Names,
        spec: Arc<GroupSpec>,
        tree: Arc<TreeShared>,
        above: Option<Above>,
        seed: u64,
    ) -> Arc<Self> {
        let core = Core::new(Rules::of(&spec), seed, names.epoch);
        let count = core.slots().len();
        let mut records = Records::default();
        records.grow(count);
        Arc::new(Self {
            names: Arc::new(names),
            spec,
            tree,
            above,
            cells: Arc::new(Cells::new(count)),
            beats: OnceLock::new(),
            state: Mutex::new(State {
                core,
                records,
                actions: Vec::new(),
                inner: FxHashMap::default(),
                promises: Promises::default(),
                driver: None,
                tasks: 0,
                last_causes: Vec::new(),
                watches: BinaryHeap::new(),
            }),
        })
    }

    /// The supervisor in `slot` has made its group.
    fn initialize(&self, slot: SlotId, inner: &Arc<Self>) {
        let mut outside = Outside::default();
        let mut state = self.lock();
        if self.tree.events().is_wanted() {
            // Nobody else has it yet.
            let counts = inner.state.hold().core.counts();
            let beginning = Beginning {
                names: Arc::clone(&inner.names),
                strategy: inner.spec.strategy.name(),
                limit: inner.spec.restart_limit(),
                counts,
            };
            let at = nanos_between(self.epoch(), inner.epoch());
            outside.tell(self, Told { at, ..state.event(self, slot, What::Initialized(beginning.into())) });
        }
        outside.drop_group(state.inner.insert(slot, Arc::clone(inner)));
        state.records[slot].forget_watch();
        if self.is_anchor() {
            self.tree.note_outermost(inner);
        }
        state.tell(self, |_, _| true, &mut outside);
        drop(state);
        outside.run();
    }

    /// Locks what both sides share, and has every change recorded if somebody wants to know.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.hold();
        state.core.record(self.tree.is_watched());
        state
    }

    /// Where its supervisor stands.
    pub(crate) fn above(&self) -> Option<(Arc<Self>, SlotId)> {
        let Above { group, slot, .. } = self.above.as_ref()?;
        Some((group.upgrade()?, *slot))
    }

    /// Whether its supervisor has been asked to stop, perhaps without having heard of it yet.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        self.above.as_ref().is_some_and(|above| above.cells.get(above.slot).read().is_asked())
    }

    /// How many supervisors stand above what is in here.
    pub(super) fn depth(&self) -> usize {
        std::iter::successors(self.above(), |(above, _)| above.above()).count()
    }

    /// For messages about the group itself.
    pub(crate) fn path(&self) -> &str {
        &self.names.path
    }

    pub(crate) fn names(&self) -> &Arc<Names> {
        &self.names
    }

    pub(crate) fn spec(&self) -> &Arc<GroupSpec> {
        &self.spec
    }

    #[inline]
    pub(crate) fn tree(&self) -> &Arc<TreeShared> {
        &self.tree
    }

    pub(crate) fn epoch(&self) -> Instant {
        self.names.epoch
    }

    #[inline]
    pub(crate) fn cell(&self, slot: SlotId) -> &Cell {
        self.cells.get(slot)
    }

    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Notes that what is in `slot` is alive.
    pub(crate) fn note_beat(&self, slot: SlotId) {
        self.beats().get(slot).store(nanos_between(self.epoch(), now()), Ordering::Relaxed);
    }

    /// When that was noted last.
    pub(super) fn last_beat(&self, slot: SlotId) -> Instant {
        self.names.time(self.beats().get(slot).load(Ordering::Relaxed))
    }

    fn beats(&self) -> &Cells<AtomicU64> {
        self.beats.get_or_init(|| Cells::new(self.cells.first_len()))
    }

    /// The context of the current incarnation in `slot`.
    pub(crate) fn context(self: &Arc<Self>, slot: SlotId) -> Context {
        let state = self.state.hold();
        let incarnation = self.cell(slot).incarnation();
        let (child, index) = state.core.place(slot);
        Context::new(Arc::clone(self), slot, child, index, incarnation)
    }

    #[inline]
    pub(crate) fn child(&self, child: u32) -> &ChildSpec {
        &self.spec.children[child as usize]
    }

    /// `orders/pool/worker[2]`
    pub(crate) fn path_of(&self, slot: SlotId) -> String {
        let (child, index) = self.state.hold().core.place(slot);
        self.names.path_of(child, index)
    }

    pub(crate) fn last_exit(&self, slot: SlotId) -> Option<Arc<Exit>> {
        self.state.hold().last_exit(slot, self.cell(slot))
    }

    /// How long ago what is in `slot` was asked to stop.
    pub(crate) fn asked_for(&self, slot: SlotId) -> Duration {
        let asked_at = self.state.hold().asked_at(slot);
        asked_at.map_or(Duration::ZERO, |then| now().saturating_duration_since(then))
    }

    /// Whether this is what stands above the outermost supervisor.
    pub(crate) fn is_anchor(&self) -> bool {
        self.names.id == ANCHOR
    }

    /// Whether nothing but the anchor stands above.
    pub(super) fn is_outermost(&self) -> bool {
        self.above().is_some_and(|(above, _)| above.is_anchor())
    }

    /// Whether everything here has ended, and has been told.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state.hold().core.phase(), Phase::Ended(_))
    }

    /// Until when this group, whose supervisor stands at `cx` and was asked to stop, has to have stopped: the lesser
    /// of what is said above and of its own time.
    pub(crate) fn deadline_when_asked(&self, cx: &Context) -> Option<Instant> {
        let state = cx.group().state.hold();
        let deadline = state.records[cx.slot()].extras().and_then(|extras| extras.deadline);
        let own = state.asked_at(cx.slot()).and_then(|asked_at| self.own_deadline(asked_at));
        earlier(deadline, own)
    }

    /// Until when this group has to have stopped by its own option, if it begins to at `from`.
    pub(crate) fn own_deadline(&self, from: Instant) -> Option<Instant> {
        let limit = self.spec.shutdown.and_then(|shutdown| shutdown.limit());
        limit.map(|limit| later(from, limit))
    }

    /// What failed last when the group began to fail, the latest first.
    pub(crate) fn last_causes(&self) -> Vec<(SlotId, Arc<Exit>)> {
        self.state.hold().last_causes.clone()
    }

    /// Whether a supervisor in this group has ended with something stuck below it.
    pub(crate) fn is_stuck_below(&self) -> bool {
        let state = self.state.hold();
        state.records.iter().any(|(_, record)| record.told().is_some_and(|exit| exit.is_stuck()))
    }

    /// Looks at the core: for the error that the group ends with.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Core) -> T) -> T {
        read(&self.state.hold().core)
    }

    /// What a custom strategy says, if that is what decides.
    #[inline]
    pub(super) fn choose(&self, slot: SlotId, exit: &Exit) -> Option<Choice> {
        match &self.spec.strategy {
            Strategy::Custom(decide) if !exit.asked => Some(self.decision(&**decide, slot, exit)),
            _ => None,
        }
    }

    #[cold]
    fn decision(&self, decide: impl Fn(&Failure<'_>) -> Decision, slot: SlotId, exit: &Exit) -> Choice {
        let (child, index) = self.state.hold().core.place(slot);
        let child = self.child(child);
        let failure = Failure {
            child: child.name.as_str(),
            index: (child.size != Size::One).then_some(index as usize),
            exit,
            siblings: &self.spec.names,
        };
        match catch(|| decide(&failure)) {
            Ok(decision) => self.translate(decision),
            Err(panic) => {
                log::custom_strategy_panicked(self, &panic);
                Choice::Escalate
            }
        }
    }

    fn translate(&self, decision: Decision) -> Choice {
        let members = |set| match set {
            Set::Failed => Swept::Failed,
            Set::Rest => Swept::Rest,
            Set::All => Swept::All,
            Set::Named(names) => Swept::Children(
                (0..).zip(&self.spec.names).filter(|(_, name)| names.contains(name)).map(|(id, _)| id).collect(),
            ),
        };
        match decision {
            Decision::Restart(set) => Choice::Restart(members(set)),
            Decision::Forfeit(set) => Choice::Forfeit(members(set)),
            Decision::Escalate => Choice::Escalate,
        }
    }
}

/// The runtime's clock, which a test may have paused.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
