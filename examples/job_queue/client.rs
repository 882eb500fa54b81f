//! The child `client`: submits the texts over HTTP as anybody else would, and watches until they are done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use supervisor_runtime::{BoxError, Context, Service, ServiceResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::status::Status;

/// What the client does when every job has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenDone {
    /// It is done; and as it is significant, so is the tree.
    Finish,
    /// It watches for more.
    Stay,
}

/// Starts from the beginning in every incarnation: a text that is submitted twice is one job.
pub(crate) struct Client {
    intake: SocketAddr,
    texts: Arc<[String]>,
    when_done: WhenDone,
}

impl Client {
    pub(crate) fn new(intake: SocketAddr, texts: Arc<[String]>, when_done: WhenDone) -> Self {
        Self { intake, texts, when_done }
    }

    async fn submit(&self, text: &str) -> ServiceResult {
        self.request("POST", "/jobs", text).await?;
        Ok(())
    }

    async fn status(&self) -> Result<Status, BoxError> {
        Ok(self.request("GET", "/status", "").await?.parse()?)
    }

    /// The body of the answer, if the answer is a good one.
    async fn request(&self, method: &str, target: &str, body: &str) -> Result<String, BoxError> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let exchange = async {
            let mut stream = TcpStream::connect(self.intake).await?;
            let (host, length) = (self.intake, body.len());
            let head = format!(
                "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(PATIENCE, exchange).await.map_err(|_| format!("{method} {target}: no answer"))??;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the intake hung up")?;
        let code = head.split(' ').nth(1).unwrap_or_default();
        if !code.starts_with('2') {
            return Err(format!("{method} {target}: {code}, {}", body.trim_end()).into());
        }
        Ok(body.to_owned())
    }
}

impl Service for Client {
    async fn run(&mut self, cx: &Context) -> ServiceResult {
        for text in &*self.texts {
            match cx.until_stopped(self.submit(text)).await {
                Some(submitted) => submitted?,
                None => return Ok(()),
            }
        }
        let mut looks = cx.interval(Duration::from_millis(500));
        let mut last = Status::default();
        while looks.tick().await.is_some() {
            let status = self.status().await?;
            if status != last {
                println!("  {}", status.in_words());
                last = status;
            }
            if status.open() == 0 && self.when_done == WhenDone::Finish {
                break;
            }
        }
        Ok(())
    }
}
