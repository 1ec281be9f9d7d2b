//! An HTTP server that gives prepared answers, one per request, and can misbehave as no server
//! library would let it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vyapar_core::contact::PersonalText;
use vyapar_core::geo::geocoder::{AddressQuery, GeocodeQuery, PlaceQuery};
use vyapar_google::{GoogleConfig, GoogleGeocoder};

/// Must never be seen outside the request.
pub(crate) const KEY: &str = "AIzaSyTHISISTHEKEY_0123456789";
/// Part of every address that is asked for.
pub(crate) const STREET: &str = "Jawaharlal Darwaza";

#[derive(Clone)]
pub(crate) enum Reply {
    /// 200 and this body.
    Json(String),
    /// A status line's end and header lines, and a body.
    Status(&'static str, &'static str),
    /// Headers, then nothing for this long.
    Slow(Duration),
    /// The connection is closed before anything was said.
    Drop,
    /// The connection is closed in the middle of the body.
    Half,
    /// A body of this size, announced.
    Long(usize),
    /// A body that never ends, in chunks.
    Endless,
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The replies in turn; the last one again and again.
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/maps/api/geocode/json", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let reply = replies[turn.min(replies.len() - 1)].clone();
                turn += 1;
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    // A client that has gone away is no failure of the server.
                    let _ = serve(stream, reply, &seen).await;
                });
            }
        });
        Self { url, requests }
    }

    /// First lines of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn config(&self) -> GoogleConfig {
        GoogleConfig::new(KEY)
            .unwrap()
            .base_url(&self.url)
            .unwrap()
            .pauses(Duration::from_millis(1), Duration::from_millis(5))
            .body_limit(16 << 10)
    }

    pub(crate) fn geocoder(&self) -> GoogleGeocoder {
        GoogleGeocoder::new(self.config()).unwrap()
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
    let begin = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    match reply {
        Reply::Json(body) => stream.write_all(format!("{}{body}", begin(body.len())).as_bytes()).await?,
        Reply::Status(status, body) => {
            let text =
                format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(text.as_bytes()).await?;
        }
        Reply::Slow(pause) => {
            stream.write_all(begin(100).as_bytes()).await?;
            tokio::time::sleep(pause).await;
        }
        Reply::Drop => {}
        Reply::Half => stream.write_all(format!("{}{{\"status\"", begin(100)).as_bytes()).await?,
        Reply::Long(size) => {
            stream.write_all(begin(size).as_bytes()).await?;
            stream.write_all(&vec![b' '; size]).await?;
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(b"400\r\n").await?;
                stream.write_all(&[b' '; 0x400]).await?;
                stream.write_all(b"\r\n").await?;
            }
        }
    }
    stream.shutdown().await
}

/// An answer of that status alone, as the service gives it.
pub(crate) fn status(status: &str) -> Reply {
    Reply::Json(format!(
        r#"{{"error_message": "{KEY} {STREET}: words that must not come back", "results": [], "status": "{status}"}}"#
    ))
}

/// One result in the documented shape.
pub(crate) struct Found {
    pub(crate) kind: &'static str,
    pub(crate) location_type: &'static str,
    pub(crate) at: (f64, f64),
    pub(crate) pin: &'static str,
    pub(crate) country: &'static str,
    pub(crate) partial: bool,
}

pub(crate) const HOUSE: Found = Found {
    kind: "street_address",
    location_type: "ROOFTOP",
    at: (21.195_944, 72.830_228),
    pin: "395003",
    country: "IN",
    partial: false,
};

pub(crate) fn ok(results: &[Found]) -> Reply {
    let results: Vec<_> = results.iter().map(result).collect();
    Reply::Json(format!(r#"{{"results": [{}], "status": "OK"}}"#, results.join(",")))
}

fn result(found: &Found) -> String {
    let Found { kind, location_type, at: (lat, lng), pin, country, partial } = found;
    let partial = if *partial { r#""partial_match": true,"# } else { "" };
    format!(
        r#"{{
            "address_components": [
                {{"long_name": "4", "short_name": "4", "types": ["street_number"]}},
                {{"long_name": "Surat", "short_name": "Surat", "types": ["locality", "political"]}},
                {{"long_name": "Gujarat", "short_name": "GJ", "types": ["administrative_area_level_1", "political"]}},
                {{"long_name": "A country", "short_name": "{country}", "types": ["country", "political"]}},
                {{"long_name": "{pin}", "short_name": "{pin}", "types": ["postal_code"]}}
            ],
            "formatted_address": "4, {STREET}, Surat, Gujarat {pin}, India",
            "geometry": {{
                "location": {{"lat": {lat}, "lng": {lng}}},
                "location_type": "{location_type}",
                "viewport": {{
                    "northeast": {{"lat": {lat}, "lng": {lng}}},
                    "southwest": {{"lat": {lat}, "lng": {lng}}}
                }}
            }},
            {partial}
            "place_id": "ChIJxxxxxxxxxxxxxxxxxxxxxxx",
            "plus_code": {{"compound_code": "5RWJ+9X Surat, Gujarat", "global_code": "7JJH5RWJ+9X"}},
            "types": ["{kind}", "political"]
        }}"#
    )
}

pub(crate) fn text(text: &str) -> PersonalText {
    PersonalText::parse("text", text, 200).unwrap()
}

pub(crate) fn address() -> GeocodeQuery {
    GeocodeQuery::Address(AddressQuery {
        street: text(&format!("4 {STREET}")),
        city: "Surat".to_owned(),
        state: "24".parse().ok(),
        pincode: "395003".parse().unwrap(),
    })
}

pub(crate) fn pin(pin: &str) -> GeocodeQuery {
    GeocodeQuery::Pin(pin.parse().unwrap())
}

pub(crate) fn place() -> GeocodeQuery {
    GeocodeQuery::Place(PlaceQuery { text: text(STREET), city: Some("Surat".to_owned()), state: None })
}
