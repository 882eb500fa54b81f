use supervisor_runtime::supervision_tree;

supervision_tree! {}

fn main() {
    let _ = Tree::run();
}
