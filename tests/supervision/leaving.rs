//! What is left of a replica that leaves: what it has kept, and what was to take its place, is not that of who comes next.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Waker};

use supervisor_runtime::testing::TestTree;
use supervisor_runtime::{Child, Context, Exit, Replicas, Running, Service, ServiceResult, Supervisor};

use crate::world::{Act, World, answered, secs, started};

/// What is done when one is dropped.
type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// Writes down by whom it was made when it runs, and does something when it is dropped.
struct Made {
    by: &'static str,
    world: World,
    hook: Hook,
}

impl Made {
    fn new(by: &'static str, world: &World) -> Self {
        Self { by, world: world.clone(), hook: Hook::default() }
    }
}

impl Service for Made {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        self.world.write(format!("{} w{}", self.by, cx.index()));
        Ok(cx.stopping().await)
    }

    /// What replaces it has to wait.
    async fn stop(&mut self, _cx: &Context, _exit: &Exit) {
        tokio::time::sleep(secs(2.0)).await;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let hook = self.hook.lock().unwrap().take();
        hook.into_iter().for_each(|hook| hook());
    }
}

/// Replicas, of which each incarnation is made of the one before. The first of the last one has the hook.
fn workers(world: &World, count: usize, hook: Hook) -> Child<Made> {
    let (anew, again) = (world.clone(), world.clone());
    let made = move |index: usize| {
        let hook = if index + 1 == count { Arc::clone(&hook) } else { Hook::default() };
        Made { by: "anew", world: anew.clone(), hook }
    };
    Child::replicated("w", count, made).replace(move |_: Made, _: usize| Made::new("of the old", &again))
}

async fn tree_of(world: &World, count: usize, hook: Hook) -> (Running, Replicas<Made>) {
    let tree = started(Supervisor::one_for_one("tree").child(workers(world, count, hook))).await;
    world.page();
    let workers = tree.replicas("w").unwrap();
    (tree, workers)
}

/// Tells when it is dropped, by this name.
fn tells(world: &World, name: &'static str) -> Hook {
    let page = world.clone();
    Arc::new(Mutex::new(Some(Box::new(move || page.write(format!("{name} is dropped"))))))
}

/// Gives an order, and does not wait.
fn begin<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) {
    let _ = future.as_mut().poll(&mut Task::from_waker(Waker::noop()));
}

#[tokio::test(start_paused = true)]
async fn what_was_to_replace_it_goes_with_it_also_under_test() {
    let world = World::new();
    let tree = TestTree::new(Supervisor::one_for_one("tree").child(workers(&world, 2, Hook::default())));
    tree.wait_ready().await.unwrap();
    world.idle().await;
    world.page();
    let workers = tree.replicas::<Made>("w").unwrap();
    begin(&mut workers.replace(1, Made { by: "given", world: world.clone(), hook: tells(&world, "given") }));
    answered(workers.scale_to(1)).await.unwrap();
    world.expect(&["given is dropped"]).await;
    answered(workers.scale_to(2)).await.unwrap();
    world.expect(&["anew w1"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_has_kept_goes_with_it_also_if_what_was_to_replace_it_panics_when_it_is_dropped() {
    let world = World::new();
    let (tree, workers) = tree_of(&world, 2, tells(&world, "w1")).await;
    let given = Made::new("given", &world);
    *given.hook.lock().unwrap() = Some(Box::new(|| panic!("in a drop")));
    begin(&mut workers.replace(1, given));
    answered(workers.scale_to(1)).await.unwrap();
    world.expect(&["w1 is dropped"]).await;
    answered(workers.scale_to(2)).await.unwrap();
    world.expect(&["anew w1"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_to_replace_it_goes_with_it_also_if_its_group_was_restarted_meanwhile() {
    let world = World::new();
    let pool = Supervisor::one_for_one("pool").child(world.child("a")).child(workers(&world, 2, Hook::default()));
    let tree = started(Supervisor::one_for_one("tree").child(pool)).await;
    world.idle().await;
    let workers = tree.replicas::<Made>("pool/w").unwrap();
    begin(&mut workers.replace(1, Made::new("given", &world)));
    // The next group has to wait for it, and is told to have one less before it has started the other.
    world.plan("a", [Act::SlowStart(secs(10.0))]);
    let pool = tree.group("pool").unwrap();
    let restarting = tokio::spawn(async move { pool.restart().await });
    tokio::time::sleep(secs(5.0)).await;
    answered(workers.scale_to(1)).await.unwrap();
    answered(restarting).await.unwrap().unwrap();
    world.idle().await;
    world.page();
    answered(workers.scale_to(2)).await.unwrap();
    world.expect(&["anew w1"]).await;
    tree.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_leaves_without_a_task_does_not_take_along_what_is_for_the_next_one_in_its_place() {
    let world = World::new();
    let hook = Hook::default();
    let (tree, workers) = tree_of(&world, 3, Arc::clone(&hook)).await;
    let (one, two) = (workers.get(1).unwrap(), workers.get(2).unwrap());
    answered(one.stop()).await.unwrap();
    answered(two.stop()).await.unwrap();
    let replaced: Arc<Mutex<Option<bool>>> = Arc::default();
    let (back, given, told) = (workers.clone(), Made::new("given", &world), Arc::clone(&replaced));
    let runtime = tokio::runtime::Handle::current();
    *hook.lock().unwrap() = Some(Box::new(move || {
        // While the destructor takes its time, both are back, and one is to be replaced.
        let again = back.clone();
        begin(&mut Box::pin(async move { again.scale_to(3).await }));
        let mut replacing = Box::pin(async move { back.replace(1, given).await.is_ok() });
        begin(&mut replacing);
        runtime.spawn(async move { *told.lock().unwrap() = Some(replacing.await) });
    }));
    // In one poll: to be started, then not, then not to be there at all.
    let (mut start_one, mut start_two) = (Box::pin(one.start()), Box::pin(two.start()));
    begin(&mut start_one);
    begin(&mut start_two);
    begin(&mut Box::pin(one.stop()));
    begin(&mut Box::pin(two.stop()));
    begin(&mut Box::pin(workers.scale_to(1)));
    tokio::time::sleep(secs(60.0)).await;
    assert_eq!(*replaced.lock().unwrap(), Some(true));
    let page = world.page();
    assert!(page.contains(&"given w1".to_owned()), "{page:?}");
    tree.shutdown().await.unwrap();
}
