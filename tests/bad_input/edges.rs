//! What is asked of a running tree: paths and numbers that lead nowhere.

use std::time::Duration;

use supervisor_runtime::{Child, Supervisor, Untyped};

use crate::{Idle, in_time, look_at};

#[test]
fn paths_and_numbers_that_lead_nowhere_are_errors_that_name_them() {
    in_time(async || {
        let pool = Supervisor::one_for_one("pool").child(Child::replicated("w", 2, |_| Idle));
        let tree = Supervisor::one_for_one("tree").child(pool).child(Child::<Idle>::open("conn", ..));
        let tree = tree.start().await.unwrap();
        let (huge, deep) = ("x".repeat(1_000_000), "pool/".repeat(100_000));
        for path in [
            "",
            "/",
            "//",
            "tree",
            "tree/tree",
            "w",
            "pool",
            "pool/",
            "/pool/w",
            "pool//w",
            "pool/w[",
            "pool/w]",
            "pool/w[]",
            "pool/w[-1]",
            "pool/w[2]",
            "pool/w[99999999999999999999999]",
            "pool/w[4294967296]",
            "pool/w[0][0]",
            "pool/w[0]/x",
            "conn[0]",
            "pool[0]/w[0]",
            "pool/w[0x0]",
            "pool/w[+0]",
            "\0",
            "p\u{f6}\u{f6}l/w",
            &huge,
            &deep,
        ] {
            if let Err(error) = tree.child::<Untyped>(path) {
                assert!(!error.to_string().is_empty(), "{path:.40}");
            }
            let _ =
                (tree.group(path).is_ok(), tree.replicas::<Idle>(path).is_ok(), tree.children::<Idle>(path).is_ok());
            assert!(tree.snapshot().unwrap().get(path).is_none_or(|row| row.path() == path), "{path:.40}");
        }
        let replicas = tree.replicas::<Idle>("pool/w").unwrap();
        for index in [2, u32::MAX as usize, u32::MAX as usize + 1, usize::MAX] {
            assert!(replicas.get(index).is_none());
            assert!(replicas.replace(index, Idle).await.is_err());
        }
        for count in [10_000_001, u32::MAX as usize, u32::MAX as usize + 3, usize::MAX] {
            let error = replicas.scale_to(count).await.unwrap_err().to_string();
            assert!(error.contains("`tree/pool/w`") && error.contains("10000000"), "{error}");
        }
        assert_eq!(replicas.len(), 2);
        replicas.scale_to(0).await.unwrap();
        replicas.scale_to(3).await.unwrap();
        let members = tree.children::<Idle>("conn").unwrap();
        for id in [0, u32::MAX as usize, usize::MAX] {
            assert!(members.get(id).is_none());
            assert!(members.discard(id).await.is_err());
        }
        look_at(&tree).await;
        tree.shutdown().await.unwrap();
    });
}

#[test]
fn replicas_are_counted_together() {
    in_time(async || {
        let half = |name: &str| Child::replicated(name.to_owned(), 5_000_001, |_| Idle);
        let error = Supervisor::one_for_all("tree").child(half("a")).child(half("b")).start().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "tree `tree` is not valid: supervisor `tree` has 10000002 children with all their replicas: 10000000 are the most"
        );
        let most = Child::replicated("a", usize::MAX, |_| Idle);
        let error = Supervisor::one_for_all("tree").child(most).start().await.unwrap_err().to_string();
        assert!(error.contains(&format!("child `a` of supervisor `tree` has {} replicas", usize::MAX)), "{error}");
    });
}

#[test]
fn times_that_are_huge_are_as_good_as_never() {
    in_time(async || {
        let never = Duration::MAX;
        let child =
            || Child::new("a", || Idle).shutdown(never).start_timeout(never).heartbeat(never).backoff(never..never);
        let group =
            Supervisor::one_for_all("group").over(never).shutdown(never).start_timeout(never).backoff(never..never);
        let tree = Supervisor::one_for_one("tree").over(never).shutdown(never).start_timeout(never).child(child());
        let tree = tree.child(group.child(child())).start().await.unwrap();
        let (a, inside) = (tree.child::<Untyped>("a").unwrap(), tree.child::<Untyped>("group/a").unwrap());
        for _ in 0..3 {
            a.restart().await.unwrap();
            inside.restart().await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(10 * 365 * 86_400)).await;
        assert_eq!(a.status().unwrap().restarts(), 0);
        look_at(&tree).await;
        tree.shutdown().await.unwrap();
    });
}
