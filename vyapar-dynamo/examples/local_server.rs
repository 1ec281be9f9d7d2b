//! A server of the DynamoDB protocol on this machine, in memory, for trying things out:
//! `cargo run -p vyapar-dynamo --example local_server -- 8000`. It stops with Ctrl-C, and
//! everything in it is gone.

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = match std::env::args().nth(1) {
        Some(port) => port.parse().map_err(|_| format!("`{port}` is not a port"))?,
        None => 8000,
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    dynoxide::server::serve_with_shutdown(listener, dynoxide::Database::memory()?, std::future::pending()).await?;
    Ok(())
}
