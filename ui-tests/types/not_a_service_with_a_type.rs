use supervisor_runtime::supervision_tree;

struct NotService;

supervision_tree! {
    one_for_one {
        plain: NotService = NotService,
        kept(in_place): NotService = NotService,
        many*2: NotService = |_| NotService,
    }
}

fn main() {
    let _ = Tree::run();
}
