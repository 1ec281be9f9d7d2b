//! One server per test: `dynoxide` on an in-memory database, port 0.

use tokio::sync::oneshot;

/// Names an endpoint to use instead of the in-process server, for example a
/// real account's or another implementation's. Every test then creates tables
/// of its own there.
pub const ENDPOINT_VARIABLE: &str = "VYAPAR_TEST_DYNAMO_ENDPOINT";

/// A server to test against; the in-process one stops when this is dropped.
pub struct Server {
    endpoint: String,
    database: Option<dynoxide::Database>,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    /// The server the environment names, or a new one in this process.
    pub async fn start() -> Self {
        if let Ok(endpoint) = std::env::var(ENDPOINT_VARIABLE) {
            return Self { endpoint, database: None, stop: None };
        }
        let database = dynoxide::Database::memory().expect("an in-memory database opens");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free local port");
        let port = listener.local_addr().expect("the bound address").port();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = database.clone();
        tokio::spawn(async move {
            // A server that cannot serve makes every request of its test fail.
            let _ = dynoxide::server::serve_with_shutdown(listener, served, async {
                let _ = stopped.await;
            })
            .await;
        });
        Self { endpoint: format!("http://127.0.0.1:{port}"), database: Some(database), stop: Some(stop) }
    }

    /// Where the server listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Deletes what TTL has expired, as the real service does some time later.
    /// Answers `None` on a server that is not ours to drive.
    pub fn sweep_ttl(&self) -> Option<usize> {
        self.database.as_ref().map(|db| db.sweep_ttl().expect("the sweep runs"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}
