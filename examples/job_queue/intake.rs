//! The child `intake`: jobs come in by HTTP.
//!
//! ```text
//! POST /jobs      the path of a text   201 and the number of the job; 200 if it is known already
//! GET  /status                         how many jobs are waiting, leased, done, failed
//! ```

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use supervisor_runtime::{Context, Provide, Service, ServiceResult};

use crate::db::{Store, StoreError};
use crate::queue::Submitted;

/// Serves on a socket that is older than it: while it is restarted, connections wait and are not refused.
pub(crate) struct Intake {
    listener: Arc<TcpListener>,
    address: SocketAddr,
    store: Store,
}

impl Intake {
    pub(crate) fn new(listener: Arc<TcpListener>, address: SocketAddr, store: Store) -> Self {
        Self { listener, address, store }
    }
}

/// Those who use it know where it listens.
impl Provide for Intake {
    type Handle = SocketAddr;

    fn handle(&self) -> SocketAddr {
        self.address
    }
}

impl Service for Intake {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        /// How long a client that does not finish its request can keep us from stopping. Its connection is a
        /// task of axum's, which then ends with the program; without the database it can do nothing any more.
        const PATIENCE: Duration = Duration::from_secs(1);
        let listener = tokio::net::TcpListener::from_std(self.listener.try_clone()?)?;
        let routes =
            Router::new().route("/jobs", post(submit)).route("/status", get(status)).with_state(self.store.clone());
        let serve = axum::serve(listener, routes).with_graceful_shutdown(cx.stopping());
        let too_long = async {
            cx.stopping().await;
            tokio::time::sleep(PATIENCE).await;
        };
        tokio::select! {
            served = serve => Ok(served?),
            () = too_long => Ok(()),
        }
    }
}

/// What a request is answered: a code and a line.
type Answer = (StatusCode, String);

async fn submit(State(store): State<Store>, path: String) -> Result<Answer, Answer> {
    let path = path.trim();
    let unreadable =
        |why: &str| (StatusCode::UNPROCESSABLE_ENTITY, format!("the text `{path}` cannot be read: {why}\n"));
    // One name for each file, so that the same one is not counted under two.
    let file = tokio::fs::canonicalize(path).await.map_err(|error| unreadable(&error.to_string()))?;
    let metadata = tokio::fs::metadata(&file).await;
    if !metadata.is_ok_and(|metadata| metadata.is_file()) {
        return Err(unreadable("it is not a file"));
    }
    let file = file.to_str().ok_or_else(|| unreadable("its path is not UTF-8"))?.to_owned();
    match store.call(move |queue| queue.submit(&file)).await.map_err(unavailable)? {
        Submitted::New(job) => {
            store.note_submitted();
            Ok((StatusCode::CREATED, format!("job {job}\n")))
        }
        Submitted::Known(job) => Ok((StatusCode::OK, format!("job {job}, known already\n"))),
    }
}

async fn status(State(store): State<Store>) -> Result<String, Answer> {
    let status = store.call(|queue| queue.status()).await.map_err(unavailable)?;
    Ok(status.to_string())
}

fn unavailable(error: StoreError) -> Answer {
    (StatusCode::SERVICE_UNAVAILABLE, format!("try again later: {error}\n"))
}
